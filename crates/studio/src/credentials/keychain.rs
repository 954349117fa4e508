//! The system's keychain.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use boxwright_oci::registry::{Credentials, Secret};
use keyring::{Entry, Error};

use crate::failure::{Code, Failure};

/// The name under which the keychain lists our secrets.
const SERVICE: &str = "boxwright";
/// How long a request may take: the keychain may ask its user to unlock it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long the test for a keychain may take.
const AVAILABILITY_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether there is a keychain that answers; if not, why.
///
/// # Errors
/// The reason, in words.
pub fn available() -> Result<(), String> {
    // A keychain is there when it can say that it has no such entry.
    match with_timeout(AVAILABILITY_TIMEOUT, || {
        entry("?", "?").and_then(|entry| entry.get_password())
    }) {
        Ok(_) | Err(KeychainError::Keychain(Error::NoEntry)) => Ok(()),
        Err(reason) => Err(reason.text()),
    }
}

/// The secret of a user at a registry.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not answer.
pub fn get(registry: &str, username: &str) -> Result<Option<Credentials>, Failure> {
    let (host, user) = (registry.to_owned(), username.to_owned());
    match with_timeout(TIMEOUT, move || entry(&host, &user)?.get_password()) {
        Ok(secret) => {
            let secret = Secret::new(secret);
            Ok(Some(Credentials {
                username: username.to_owned(),
                secret,
            }))
        }
        Err(KeychainError::Keychain(Error::NoEntry)) => Ok(None),
        Err(reason) => Err(failure(&reason)),
    }
}

/// Stores a secret.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not take it.
pub fn set(registry: &str, credentials: &Credentials) -> Result<(), Failure> {
    let (host, credentials) = (registry.to_owned(), credentials.clone());
    with_timeout(TIMEOUT, move || {
        entry(&host, &credentials.username)?.set_password(credentials.secret.expose())
    })
    .map_err(|reason| failure(&reason))
}

/// Removes a secret, if it is there.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not answer.
pub fn erase(registry: &str, username: &str) -> Result<(), Failure> {
    let (host, user) = (registry.to_owned(), username.to_owned());
    match with_timeout(TIMEOUT, move || entry(&host, &user)?.delete_credential()) {
        Ok(()) | Err(KeychainError::Keychain(Error::NoEntry)) => Ok(()),
        Err(reason) => Err(failure(&reason)),
    }
}

enum KeychainError {
    Keychain(Error),
    NoAnswer,
}

impl KeychainError {
    fn text(&self) -> String {
        match self {
            Self::Keychain(Error::NoDefaultStore) => {
                let why = Entry::store_status().as_ref().err();
                let why = why.map(|error| format!(" ({error})")).unwrap_or_default();
                format!("this session has no keychain{why}")
            }
            // Some variants contain the secret: only these two are shown.
            Self::Keychain(Error::PlatformFailure(error) | Error::NoStorageAccess(error)) => {
                format!("the keychain refused: {error}")
            }
            Self::Keychain(_) => "the keychain refused".to_owned(),
            Self::NoAnswer => "the keychain does not answer".to_owned(),
        }
    }
}

fn failure(reason: &KeychainError) -> Failure {
    Failure::new(
        Code::RegistryUnauthorized,
        reason.text(),
        "Unlock or start the keychain, or keep the password in Docker's config.json or for this \
         session only.",
    )
}

fn entry(registry: &str, username: &str) -> keyring::Result<Entry> {
    Entry::new(SERVICE, &format!("{username}@{registry}"))
}

/// Calls the keychain on a thread of its own, because the call may block for any time.
fn with_timeout<T: Send + 'static>(
    timeout: Duration,
    ask: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeychainError> {
    let (answer, answered) = channel();
    std::thread::spawn(move || {
        let _ = answer.send(ask());
    });
    match answered.recv_timeout(timeout) {
        Ok(result) => result.map_err(KeychainError::Keychain),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(KeychainError::NoAnswer)
        }
    }
}
