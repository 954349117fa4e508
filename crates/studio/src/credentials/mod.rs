//! Registries' credentials: looked for where the user keeps them, kept where the user says.
//! A secret lives in memory only while it is needed.

mod docker;
mod helper;
pub mod keychain;
mod realms;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use boxwright_oci::registry::{CredentialSource, Credentials};

use crate::api::{Account, Kept};
use crate::failure::Failure;
use crate::places::{self, Places};
pub use docker::DockerConfig;
use realms::Realms;

/// The accounts of this user. Its functions block: a keychain may ask to be unlocked.
pub struct Accounts {
    /// Registries and user names, no secrets: the keychain can't be listed without unlocking it.
    index: PathBuf,
    realms: Realms,
    docker: Option<DockerConfig>,
    session: Mutex<BTreeMap<String, Credentials>>,
}

impl Accounts {
    /// The accounts of this user, with Docker's own configuration.
    pub fn new(places: &Places) -> Self {
        Self {
            index: places.file("accounts.json"),
            realms: Realms::in_file(places.file("realms.json")),
            docker: DockerConfig::find(),
            session: Mutex::default(),
        }
    }

    /// Registries with credentials: those of this session, those that were kept by us, those that
    /// Docker's file holds itself.
    pub fn list(&self) -> Vec<Account> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        let docker = self.docker.iter().flat_map(DockerConfig::accounts);
        for (registry, username) in docker {
            let account = Account {
                registry,
                username,
                kept: Kept::DockerConfig,
            };
            accounts.insert(account.registry.clone(), account);
        }
        for account in places::read_list::<Account>(&self.index) {
            accounts.insert(account.registry.clone(), account);
        }
        for (registry, credentials) in self.session().iter() {
            let username = credentials.username.clone();
            let account = Account {
                registry: registry.clone(),
                username,
                kept: Kept::Session,
            };
            accounts.insert(registry.clone(), account);
        }
        accounts.into_values().collect()
    }

    /// The credentials for a registry: this session's, else the keychain's, else Docker's.
    ///
    /// # Errors
    /// If the keychain, a helper or Docker's file can't be asked and nothing else has them.
    pub fn find(&self, registry: &str) -> Result<Option<Credentials>, Failure> {
        if let Some(found) = self.session().get(registry) {
            return Ok(Some(found.clone()));
        }
        let index = places::read_list::<Account>(&self.index);
        let kept = index
            .iter()
            .find(|account| account.registry == registry && account.kept == Kept::Keychain);
        let from_keychain = match kept {
            Some(account) => keychain::get(registry, &account.username),
            None => Ok(None),
        };
        if let Ok(Some(found)) = from_keychain {
            return Ok(Some(found));
        }
        let from_docker = match &self.docker {
            Some(docker) => docker.get(registry),
            None => Ok(None),
        };
        match from_docker {
            Ok(Some(found)) => Ok(Some(found)),
            other => from_keychain.and(other),
        }
    }

    /// Keeps credentials that the registry has accepted.
    ///
    /// # Errors
    /// If the place does not take them; its hint names the others.
    pub fn keep(
        &self,
        registry: &str,
        credentials: &Credentials,
        kept: Kept,
    ) -> Result<Account, Failure> {
        match kept {
            Kept::Keychain => keychain::set(registry, credentials)?,
            Kept::DockerConfig => self.docker()?.set(registry, credentials)?,
            Kept::Session => {}
        }
        let mut session = self.session();
        session.remove(registry);
        let account = Account {
            registry: registry.to_owned(),
            username: credentials.username.clone(),
            kept,
        };
        if kept == Kept::Session {
            session.insert(registry.to_owned(), credentials.clone());
        } else {
            let entry = account.clone();
            places::update_list(&self.index, |accounts: &mut Vec<Account>| {
                accounts.retain(|account| account.registry != registry);
                accounts.push(entry);
            })?;
        }
        Ok(account)
    }

    /// The token servers (host and port) that may get the password for a registry although they
    /// don't visibly belong to it.
    pub fn trusted_realms(&self, registry: &str) -> Vec<String> {
        self.realms.of(registry)
    }

    /// Remembers the user's word that the token server `realm` may get the password for `registry`.
    ///
    /// # Errors
    /// As [`places::write`].
    pub fn trust(&self, registry: &str, realm: &str) -> Result<(), Failure> {
        self.realms.trust(registry, realm)
    }

    /// Forgets the credentials of a registry, wherever they are, and where they may be sent;
    /// returns whether there were any.
    ///
    /// # Errors
    /// If they are somewhere that can't be asked.
    pub fn forget(&self, registry: &str) -> Result<bool, Failure> {
        let mut found = self.session().remove(registry).is_some();
        self.realms.forget(registry)?;
        let index = places::read_list::<Account>(&self.index);
        for account in index.iter().filter(|account| account.registry == registry) {
            if account.kept == Kept::Keychain {
                keychain::erase(registry, &account.username)?;
            }
        }
        if let Some(docker) = &self.docker {
            found |= docker.erase(registry)?;
        }
        if index.iter().any(|account| account.registry == registry) {
            places::update_list(&self.index, |accounts: &mut Vec<Account>| {
                accounts.retain(|account| account.registry != registry);
            })?;
            found = true;
        }
        Ok(found)
    }

    /// The credentials for one registry, for a client that must not wait for a keychain.
    ///
    /// # Errors
    /// As [`Accounts::find`].
    pub fn source(&self, registry: &str) -> Result<Arc<dyn CredentialSource>, Failure> {
        let found = self
            .find(registry)?
            .map(|found| (registry.to_owned(), found));
        Ok(Arc::new(One(found)))
    }

    fn docker(&self) -> Result<&DockerConfig, Failure> {
        self.docker.as_ref().ok_or_else(|| {
            Failure::new(
                crate::Code::RegistryUnauthorized,
                "there is no home folder to keep Docker's config.json in",
                "Set HOME or DOCKER_CONFIG.",
            )
        })
    }

    fn session(&self) -> MutexGuard<'_, BTreeMap<String, Credentials>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The credentials of one registry at most.
pub struct One(pub Option<(String, Credentials)>);

impl CredentialSource for One {
    fn get(&self, registry: &str) -> Option<Credentials> {
        self.0
            .as_ref()
            .filter(|(known, _)| known == registry)
            .map(|(_, found)| found.clone())
    }
}
