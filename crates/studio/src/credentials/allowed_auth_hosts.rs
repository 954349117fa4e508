//! Token servers that may get a registry's password although their host does not visibly belong to
//! the registry: the user has allowed them. Only host names are stored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::json_file;

/// The list in its file, which holds no secret.
pub(super) struct AllowedAuthHosts {
    file: PathBuf,
}

/// A registry and a token server, each a host with its port where it is not the default.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    registry: String,
    #[serde(rename = "realm")]
    auth_host: String,
}

impl AllowedAuthHosts {
    pub(super) fn in_file(file: PathBuf) -> Self {
        Self { file }
    }

    /// The token servers that may get the password for `registry`.
    pub(super) fn of_registry(&self, registry: &str) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|entry| entry.registry == registry)
            .map(|entry| entry.auth_host)
            .collect()
    }

    pub(super) fn allow(&self, registry: &str, auth_host: &str) -> Result<(), Failure> {
        let entry = Entry {
            registry: registry.to_owned(),
            auth_host: auth_host.to_owned(),
        };
        if self.entries().contains(&entry) {
            return Ok(());
        }
        json_file::update_list(&self.file, |list| list.push(entry))
    }

    /// Removes the token servers of `registry`.
    pub(super) fn remove(&self, registry: &str) -> Result<(), Failure> {
        if self.of_registry(registry).is_empty() {
            return Ok(());
        }
        json_file::update_list(&self.file, |list: &mut Vec<Entry>| {
            list.retain(|entry| entry.registry != registry);
        })
    }

    fn entries(&self) -> Vec<Entry> {
        json_file::read_list(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_host_is_allowed_for_its_registry_alone_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("realms.json");
        let hosts = || AllowedAuthHosts::in_file(file.clone());
        hosts().remove("lan:5000").unwrap();
        assert!(!file.exists(), "nothing to remove: no file is created");
        hosts().allow("lan:5000", "auth.example.com").unwrap();
        hosts().allow("lan:5000", "auth.example.com").unwrap();
        hosts().allow("ghcr.io", "other.example.com").unwrap();
        assert_eq!(hosts().of_registry("lan:5000"), ["auth.example.com"]);
        assert_eq!(hosts().of_registry("lan:5001"), [""; 0]);
        hosts().remove("lan:5000").unwrap();
        assert_eq!(hosts().of_registry("lan:5000"), [""; 0]);
        assert_eq!(hosts().of_registry("ghcr.io"), ["other.example.com"]);
    }
}
