//! The system's keychain. Where there is none that answers, that is said, not hidden.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use boxwright_oci::registry::{Credentials, Secret};
use keyring::{Entry, Error};

use crate::failure::{Code, Failure};

/// The name under which the keychain lists our secrets.
const SERVICE: &str = "boxwright";
/// The keychain may ask the user to unlock it; that takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whether one answers at all shows at once.
const PATIENCE_TO_ASK: Duration = Duration::from_secs(3);

/// Whether there is a keychain that answers; if not, why.
///
/// # Errors
/// The reason, in words.
pub fn available() -> Result<(), String> {
    // A keychain is there when it can say that it has no such entry.
    match within(PATIENCE_TO_ASK, || {
        entry("?", "?").and_then(|entry| entry.get_password())
    }) {
        Ok(_) | Err(Unkept::Keychain(Error::NoEntry)) => Ok(()),
        Err(reason) => Err(reason.in_words()),
    }
}

/// The secret of a user at a registry.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not answer.
pub fn get(registry: &str, username: &str) -> Result<Option<Credentials>, Failure> {
    let (host, user) = (registry.to_owned(), username.to_owned());
    match within(PATIENCE, move || entry(&host, &user)?.get_password()) {
        Ok(secret) => {
            let secret = Secret::new(secret);
            Ok(Some(Credentials {
                username: username.to_owned(),
                secret,
            }))
        }
        Err(Unkept::Keychain(Error::NoEntry)) => Ok(None),
        Err(reason) => Err(unanswered(&reason)),
    }
}

/// Keeps a secret.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not take it.
pub fn set(registry: &str, credentials: &Credentials) -> Result<(), Failure> {
    let (host, credentials) = (registry.to_owned(), credentials.clone());
    within(PATIENCE, move || {
        entry(&host, &credentials.username)?.set_password(credentials.secret.expose())
    })
    .map_err(|reason| unanswered(&reason))
}

/// Forgets a secret, if it is there.
///
/// # Errors
/// [`Code::RegistryUnauthorized`] if the keychain does not answer.
pub fn erase(registry: &str, username: &str) -> Result<(), Failure> {
    let (host, user) = (registry.to_owned(), username.to_owned());
    match within(PATIENCE, move || entry(&host, &user)?.delete_credential()) {
        Ok(()) | Err(Unkept::Keychain(Error::NoEntry)) => Ok(()),
        Err(reason) => Err(unanswered(&reason)),
    }
}

enum Unkept {
    Keychain(Error),
    Silent,
}

impl Unkept {
    fn in_words(&self) -> String {
        match self {
            Self::Keychain(Error::NoDefaultStore) => {
                let why = Entry::store_status().as_ref().err();
                let why = why.map(|error| format!(" ({error})")).unwrap_or_default();
                format!("this session has no keychain{why}")
            }
            // Of the error's variants some carry the secret: only these two are shown.
            Self::Keychain(Error::PlatformFailure(error) | Error::NoStorageAccess(error)) => {
                format!("the keychain refused: {error}")
            }
            Self::Keychain(_) => "the keychain refused".to_owned(),
            Self::Silent => "the keychain does not answer".to_owned(),
        }
    }
}

fn unanswered(reason: &Unkept) -> Failure {
    Failure::new(
        Code::RegistryUnauthorized,
        reason.in_words(),
        "Unlock or start the keychain, or keep the password in Docker's config.json or for this \
         session only.",
    )
}

fn entry(registry: &str, username: &str) -> keyring::Result<Entry> {
    Entry::new(SERVICE, &format!("{username}@{registry}"))
}

/// Calls the keychain on a thread of its own: it blocks for as long as it likes.
fn within<T: Send + 'static>(
    patience: Duration,
    ask: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, Unkept> {
    let (answer, answered) = channel();
    std::thread::spawn(move || {
        let _ = answer.send(ask());
    });
    match answered.recv_timeout(patience) {
        Ok(result) => result.map_err(Unkept::Keychain),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Unkept::Silent),
    }
}
