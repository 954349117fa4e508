//! Signing in to registries.

use std::sync::Arc;

use boxwright_oci::registry::Secret;

use super::window_state::Studio;
use crate::api::{Event, Settings, SignIn, SignInOutcome};
use crate::credentials::keychain;
use crate::errors::blocking;
use crate::failure::Result;

impl Studio {
    /// Checks a password against its registry and stores it, unless the user has to be asked
    /// first.
    ///
    /// # Errors
    /// [`Code::RegistryUnauthorized`](crate::failure::Code::RegistryUnauthorized) if the registry
    /// refuses it; that it can't be reached, or the password can't be stored.
    pub async fn sign_in(&self, request: SignIn) -> Result<SignInOutcome> {
        let SignIn {
            registry,
            username,
            password,
            store,
            plain_http,
            trust_realm,
        } = request;
        let password = Secret::new(password);
        let registry = registry.trim().to_owned();
        let mut connection = self.inner.connection();
        if plain_http && !connection.plain_http.contains(&registry) {
            connection.plain_http.push(registry.clone());
        }
        let accounts = &self.inner.accounts;
        let outcome = connection
            .sign_in(&registry, username, password, store, trust_realm, accounts)
            .await?;
        if matches!(outcome, SignInOutcome::RealmUntrusted { .. }) {
            return Ok(outcome);
        }
        let settings = self.inner.lock().settings.clone();
        if settings.plain_http != connection.plain_http {
            self.set_settings(Settings {
                plain_http: connection.plain_http,
                ..settings
            })?;
        }
        self.inner.emit(Event::Accounts(accounts.list()));
        Ok(outcome)
    }

    /// Removes the credentials of a registry.
    ///
    /// # Errors
    /// If the store that has them can't be asked.
    pub async fn sign_out(&self, registry: &str) -> Result<()> {
        let (accounts, registry) = (Arc::clone(&self.inner.accounts), registry.to_owned());
        blocking(move || accounts.forget(&registry)).await?;
        self.inner.emit(Event::Accounts(self.inner.accounts.list()));
        Ok(())
    }

    /// Whether the system has a keychain that answers.
    pub async fn keychain_available(&self) -> bool {
        let asked = tokio::task::spawn_blocking(keychain::available).await;
        matches!(asked, Ok(Ok(())))
    }
}
