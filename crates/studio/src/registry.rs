//! Clients for registries with this user's credentials.

use std::path::PathBuf;
use std::sync::Arc;

use boxwright_oci::registry::{
    Checked, Client, ClientOptions, CredentialSource, Credentials, Secret,
};
use boxwright_oci::{Error, check_registry};

use crate::api::{CredentialStore, SignInOutcome};
use crate::credentials::Accounts;
use crate::directories::Directories;
use crate::errors::blocking;
use crate::failure::Failure;
use crate::history;

/// How a registry is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Registries that may be spoken to without TLS, besides this machine.
    pub plain_http: Vec<String>,
    /// Certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Connection {
    /// A client for `registry` with this user's credentials.
    ///
    /// # Errors
    /// If the keychain or Docker's file can't be asked; if the CA file can't be used.
    pub async fn client(
        &self,
        registry: &str,
        accounts: &Arc<Accounts>,
        directories: &Directories,
    ) -> Result<Client, Failure> {
        Ok(Client::new(
            self.options(registry, accounts, directories).await?,
        )?)
    }

    /// How `registry` is spoken to as this user.
    ///
    /// # Errors
    /// If the keychain or Docker's file can't be asked.
    pub async fn options(
        &self,
        registry: &str,
        accounts: &Arc<Accounts>,
        directories: &Directories,
    ) -> Result<ClientOptions, Failure> {
        let (asked, host) = (Arc::clone(accounts), registry.to_owned());
        let source = blocking(move || asked.source(&host)).await?;
        let mut options = self.with(source);
        options.trusted_realms = accounts.allowed_auth_hosts(registry);
        // Layers of images that were published to the same registry can be mounted.
        let published = history::published(directories).into_iter();
        let images = published.flat_map(|published| published.report.images);
        let references = images.filter_map(|image| image.reference.parse().ok());
        options.mount_from = references
            .filter(|reference: &boxwright_oci::Reference| reference.registry() == registry)
            .map(|reference| reference.without_tag())
            .collect();
        options.mount_from.dedup();
        Ok(options)
    }

    /// Checks a password against its registry, and stores it, unless the registry asks for none.
    /// `trusted` is a token server on another host (host and port) that the user allows to get the
    /// password. If the registry names one that is not allowed, nothing is sent or stored.
    ///
    /// # Errors
    /// [`Code::ReferenceInvalid`](crate::failure::Code::ReferenceInvalid) for what names no registry;
    /// [`Code::RegistryUnauthorized`](crate::failure::Code::RegistryUnauthorized) if the registry refuses it, or the place does not take it; that the registry can't be reached.
    pub async fn sign_in(
        &self,
        registry: &str,
        username: String,
        password: Secret,
        store: CredentialStore,
        trusted: Option<String>,
        accounts: &Arc<Accounts>,
    ) -> Result<SignInOutcome, Failure> {
        let credentials = Credentials {
            username,
            secret: password,
        };
        if let Some(realm) = &trusted {
            check_registry(realm)?;
        }
        let mut options = self.with(Arc::new(credentials.clone()));
        options.trusted_realms = accounts.allowed_auth_hosts(registry);
        options.trusted_realms.extend(trusted.clone());
        match Client::new(options)?.check(registry).await {
            Ok(Checked::Accepted) => {}
            Ok(Checked::NotAsked) => {
                let registry = registry.to_owned();
                return Ok(SignInOutcome::NotAsked { registry });
            }
            Err(Error::RealmUntrusted { registry, realm }) => {
                return Ok(SignInOutcome::RealmUntrusted { registry, realm });
            }
            Err(error) => return Err(error.into()),
        }
        let (accounts, registry) = (Arc::clone(accounts), registry.to_owned());
        let keep = move || {
            let account = accounts.keep(&registry, &credentials, store)?;
            if let Some(realm) = trusted {
                accounts.allow_auth_host(&registry, &realm)?;
            }
            Ok::<_, Failure>(SignInOutcome::SignedIn { account })
        };
        blocking(keep).await
    }

    fn with(&self, credentials: Arc<dyn CredentialSource>) -> ClientOptions {
        ClientOptions {
            plain_http: self.plain_http.clone(),
            ca_file: self.ca_file.clone(),
            credentials,
            ..ClientOptions::default()
        }
    }
}
