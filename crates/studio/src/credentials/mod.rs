//! Registries' credentials: read from the session, the keychain and Docker's configuration, and
//! stored where the user chooses. A secret is in memory only while it is needed.

mod allowed_auth_hosts;
mod docker;
mod helper;
pub mod keychain;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use boxwright_oci::registry::{CredentialSource, Credentials};
use serde::{Deserialize, Serialize};

use crate::api::{Account, CredentialStore};
use crate::directories::Directories;
use crate::failure::{Code, Failure};
use crate::json_file;
use allowed_auth_hosts::AllowedAuthHosts;
pub use docker::DockerConfig;

/// The accounts of this user. Its functions block: a keychain may ask to be unlocked.
pub struct Accounts {
    /// Registries and user names, no secrets: the keychain can't be listed without unlocking it.
    index: PathBuf,
    allowed_auth_hosts: AllowedAuthHosts,
    docker: Option<DockerConfig>,
    session: Mutex<BTreeMap<String, Credentials>>,
}

impl Accounts {
    /// The accounts of this user, with Docker's own configuration.
    pub fn new(directories: &Directories) -> Self {
        Self {
            index: directories.file("accounts.json"),
            allowed_auth_hosts: AllowedAuthHosts::in_file(directories.file("realms.json")),
            docker: DockerConfig::find(),
            session: Mutex::default(),
        }
    }

    /// Registries with credentials: those of this session, those of the index, and those in Docker's
    /// file.
    pub fn list(&self) -> Vec<Account> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        let docker = self.docker.iter().flat_map(DockerConfig::accounts);
        for (registry, username) in docker {
            let account = Account {
                registry,
                username,
                store: CredentialStore::DockerConfig,
            };
            accounts.insert(account.registry.clone(), account);
        }
        for entry in json_file::read_list::<IndexEntry>(&self.index) {
            accounts.insert(entry.registry.clone(), entry.into());
        }
        for (registry, credentials) in self.session().iter() {
            let username = credentials.username.clone();
            let account = Account {
                registry: registry.clone(),
                username,
                store: CredentialStore::Session,
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
        let index = json_file::read_list::<IndexEntry>(&self.index);
        let in_keychain = index.iter().find(|account| {
            account.registry == registry && account.store == CredentialStore::Keychain
        });
        let from_keychain = match in_keychain {
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

    /// Stores credentials that the registry has accepted.
    ///
    /// # Errors
    /// If the place does not take them; its hint names the others.
    pub fn keep(
        &self,
        registry: &str,
        credentials: &Credentials,
        store: CredentialStore,
    ) -> Result<Account, Failure> {
        match store {
            CredentialStore::Keychain => keychain::set(registry, credentials)?,
            CredentialStore::DockerConfig => self.docker()?.set(registry, credentials)?,
            CredentialStore::Session => {}
        }
        let mut session = self.session();
        session.remove(registry);
        let account = Account {
            registry: registry.to_owned(),
            username: credentials.username.clone(),
            store,
        };
        if store == CredentialStore::Session {
            session.insert(registry.to_owned(), credentials.clone());
        } else {
            let entry = IndexEntry::from(account.clone());
            json_file::update_list(&self.index, |entries: &mut Vec<IndexEntry>| {
                entries.retain(|entry| entry.registry != registry);
                entries.push(entry);
            })?;
        }
        Ok(account)
    }

    /// The token servers (host and port) that may get the password for a registry although they
    /// don't visibly belong to it.
    pub fn allowed_auth_hosts(&self, registry: &str) -> Vec<String> {
        self.allowed_auth_hosts.of_registry(registry)
    }

    /// Remembers that the user allows the token server `host` to get the password for `registry`.
    ///
    /// # Errors
    /// As [`json_file::write`].
    pub fn allow_auth_host(&self, registry: &str, host: &str) -> Result<(), Failure> {
        self.allowed_auth_hosts.allow(registry, host)
    }

    /// Forgets the credentials of a registry, wherever they are, and where they may be sent;
    /// returns whether there were any.
    ///
    /// # Errors
    /// If they are somewhere that can't be asked.
    pub fn forget(&self, registry: &str) -> Result<bool, Failure> {
        let mut found = self.session().remove(registry).is_some();
        self.allowed_auth_hosts.remove(registry)?;
        let index = json_file::read_list::<IndexEntry>(&self.index);
        for account in index.iter().filter(|account| account.registry == registry) {
            if account.store == CredentialStore::Keychain {
                keychain::erase(registry, &account.username)?;
            }
        }
        if let Some(docker) = &self.docker {
            found |= docker.erase(registry)?;
        }
        if index.iter().any(|account| account.registry == registry) {
            json_file::update_list(&self.index, |entries: &mut Vec<IndexEntry>| {
                entries.retain(|entry| entry.registry != registry);
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
        Ok(Arc::new(SingleCredential(found)))
    }

    fn docker(&self) -> Result<&DockerConfig, Failure> {
        self.docker.as_ref().ok_or_else(|| {
            Failure::new(
                Code::RegistryUnauthorized,
                "there is no home folder to keep Docker's config.json in",
                "Set HOME or DOCKER_CONFIG.",
            )
        })
    }

    fn session(&self) -> MutexGuard<'_, BTreeMap<String, Credentials>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry of the index file.
#[derive(Serialize, Deserialize)]
struct IndexEntry {
    registry: String,
    username: String,
    #[serde(rename = "kept")]
    store: CredentialStore,
}

impl From<Account> for IndexEntry {
    fn from(account: Account) -> Self {
        let Account {
            registry,
            username,
            store,
        } = account;
        Self {
            registry,
            username,
            store,
        }
    }
}

impl From<IndexEntry> for Account {
    fn from(entry: IndexEntry) -> Self {
        let IndexEntry {
            registry,
            username,
            store,
        } = entry;
        Self {
            registry,
            username,
            store,
        }
    }
}

/// The credentials of one registry at most.
pub struct SingleCredential(pub Option<(String, Credentials)>);

impl CredentialSource for SingleCredential {
    fn get(&self, registry: &str) -> Option<Credentials> {
        self.0
            .as_ref()
            .filter(|(known, _)| known == registry)
            .map(|(_, found)| found.clone())
    }
}
