//! Credentials of registries, and where they come from.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A password or a token. It prints as `***`, and its memory is cleared when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself: only for the request or the store that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user name and its secret. Docker's helpers give the user name `<token>` to an identity
/// token, which is exchanged for access tokens instead of being sent as a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password or token.
    pub secret: Secret,
}

impl Credentials {
    /// A user name and its password.
    pub fn new(username: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self {
            username: username.into(),
            secret: secret.into(),
        }
    }

    /// Whether the secret is an identity token.
    pub(crate) fn is_identity_token(&self) -> bool {
        self.username == "<token>"
    }
}

/// Knows the credentials of registries. Called for every new token, from any thread.
pub trait CredentialSource: Send + Sync {
    /// The credentials for `registry` (host and port as in a reference; `docker.io` for Docker
    /// Hub), if there are any.
    fn get(&self, registry: &str) -> Option<Credentials>;
}

/// Knows none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

impl CredentialSource for Anonymous {
    fn get(&self, _: &str) -> Option<Credentials> {
        None
    }
}

/// One and the same for every registry: for checking what someone typed into a sign-in.
impl CredentialSource for Credentials {
    fn get(&self, _: &str) -> Option<Credentials> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let credentials = Credentials::new("me", "canary".to_owned());
        assert!(!format!("{credentials:?}").contains("canary"));
        assert_eq!(credentials.secret.to_string(), "***");
        assert_eq!(credentials.secret.expose(), "canary");
    }

    #[test]
    fn a_secrets_memory_is_cleared_when_it_is_dropped() {
        fn clears_on_drop(_: &impl zeroize::ZeroizeOnDrop) {}
        clears_on_drop(&Secret::new("canary").0);
    }
}
