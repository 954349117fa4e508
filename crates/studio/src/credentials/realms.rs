//! Token servers that may get a registry's password although they don't visibly belong to it: the
//! user's word, kept as names of hosts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::places;

/// The list in its file, which holds no secret.
pub(super) struct Realms {
    file: PathBuf,
}

/// Both are a host, with its port where that has to be named.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Trusted {
    registry: String,
    realm: String,
}

impl Realms {
    pub(super) fn in_file(file: PathBuf) -> Self {
        Self { file }
    }

    /// The token servers that may get the password for `registry`.
    pub(super) fn of(&self, registry: &str) -> Vec<String> {
        self.all()
            .into_iter()
            .filter(|one| one.registry == registry)
            .map(|one| one.realm)
            .collect()
    }

    pub(super) fn trust(&self, registry: &str, realm: &str) -> Result<(), Failure> {
        let trusted = Trusted {
            registry: registry.to_owned(),
            realm: realm.to_owned(),
        };
        if self.all().contains(&trusted) {
            return Ok(());
        }
        places::update_list(&self.file, |list| list.push(trusted))
    }

    /// Takes the user's word back.
    pub(super) fn forget(&self, registry: &str) -> Result<(), Failure> {
        if self.of(registry).is_empty() {
            return Ok(());
        }
        places::update_list(&self.file, |list: &mut Vec<Trusted>| {
            list.retain(|one| one.registry != registry);
        })
    }

    fn all(&self) -> Vec<Trusted> {
        places::read_list(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_trusted_for_its_registry_alone_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("realms.json");
        let realms = || Realms::in_file(file.clone());
        realms().forget("lan:5000").unwrap();
        assert!(!file.exists(), "nothing to forget leaves nothing behind");
        realms().trust("lan:5000", "auth.example.com").unwrap();
        realms().trust("lan:5000", "auth.example.com").unwrap();
        realms().trust("ghcr.io", "other.example.com").unwrap();
        assert_eq!(realms().of("lan:5000"), ["auth.example.com"]);
        assert_eq!(realms().of("lan:5001"), [""; 0]);
        realms().forget("lan:5000").unwrap();
        assert_eq!(realms().of("lan:5000"), [""; 0]);
        assert_eq!(realms().of("ghcr.io"), ["other.example.com"]);
    }
}
