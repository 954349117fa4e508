//! Credentials in Docker's `config.json`. Other keys and values of the file are preserved.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwright_oci::registry::{Credentials, Secret};
use serde_json::{Map, Value, json};

use super::helper::{self, Helper};
use crate::failure::{Code, Failure};
use crate::json_file;

/// What Docker calls its own registry.
const HUB: &str = "https://index.docker.io/v1/";

/// Docker's `config.json`.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    path: PathBuf,
}

impl DockerConfig {
    /// `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; `None` without a home.
    pub fn find() -> Option<Self> {
        let folder = std::env::var_os("DOCKER_CONFIG")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| Some(dirs::home_dir()?.join(".docker")))?;
        Some(Self::at(&folder.join("config.json")))
    }

    /// The file at `path`.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The credentials for `registry` (host and port): from the helper that the file names for it,
    /// else from the store that it names, else from the file itself.
    ///
    /// # Errors
    /// [`Code::RegistryUnauthorized`] if the file is damaged or a helper fails.
    pub fn get(&self, registry: &str) -> Result<Option<Credentials>, Failure> {
        let config = self.read()?;
        if let Some(helper) = self.helper(&config, registry)? {
            for key in keys(registry) {
                if let Some(found) = helper.get(&key)? {
                    return Ok(Some(found));
                }
            }
        }
        let auths = config.get("auths").and_then(Value::as_object);
        let entries = keys(registry)
            .into_iter()
            .filter_map(|key| auths?.get(&key));
        Ok(entries.filter_map(credentials).next())
    }

    /// Stores credentials: with the helper that the file names, else in the file, which then can be
    /// read by this user only.
    ///
    /// # Errors
    /// [`Code::RegistryUnauthorized`] if the file is damaged or a helper fails, and what
    /// [`json_file::write_bytes`] fails with.
    pub fn set(&self, registry: &str, credentials: &Credentials) -> Result<(), Failure> {
        let mut config = self.read()?;
        let key = own_key(registry);
        if let Some(helper) = self.helper(&config, registry)? {
            return helper.store(&key, credentials);
        }
        let auths = config.entry("auths").or_insert_with(|| json!({}));
        let Some(auths) = auths.as_object_mut() else {
            return Err(self.damaged("\"auths\" is not an object"));
        };
        let pair = format!("{}:{}", credentials.username, credentials.secret.expose());
        auths.insert(key, json!({ "auth": STANDARD.encode(pair) }));
        self.write(&config)
    }

    /// Removes the credentials for `registry`, here and with a helper; returns whether there were
    /// any.
    ///
    /// # Errors
    /// As [`DockerConfig::set`].
    pub fn erase(&self, registry: &str) -> Result<bool, Failure> {
        let mut config = self.read()?;
        let mut found = false;
        if let Some(helper) = self.helper(&config, registry)? {
            for key in keys(registry) {
                // What can't be read may still be erased.
                if !matches!(helper.get(&key), Ok(None)) {
                    helper.erase(&key)?;
                    found = true;
                }
            }
        }
        let Some(auths) = config.get_mut("auths").and_then(Value::as_object_mut) else {
            return Ok(found);
        };
        let removed: Vec<_> = keys(registry)
            .iter()
            .filter_map(|key| auths.remove(key))
            .collect();
        if removed.is_empty() {
            return Ok(found);
        }
        self.write(&config)?;
        Ok(true)
    }

    /// The registries that the file itself has credentials for, with their user names.
    pub fn accounts(&self) -> Vec<(String, String)> {
        let config = self.read().unwrap_or_default();
        let auths = config.get("auths").and_then(Value::as_object);
        let entries = auths.into_iter().flatten();
        entries
            .filter_map(|(key, entry)| Some((host(key), credentials(entry)?.username)))
            .collect()
    }

    fn helper(
        &self,
        config: &Map<String, Value>,
        registry: &str,
    ) -> Result<Option<Helper>, Failure> {
        let helpers = config.get("credHelpers").and_then(Value::as_object);
        let named = keys(registry)
            .into_iter()
            .find_map(|key| helpers?.get(&key));
        let name = named
            .or_else(|| config.get("credsStore"))
            .and_then(Value::as_str);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        match helper::Helper::named(name) {
            Some(helper) => Ok(Some(helper)),
            None => Err(self.damaged(&format!("the credential helper {name:?} has no valid name"))),
        }
    }

    fn read(&self) -> Result<Map<String, Value>, Failure> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
            Err(error) => return Err(self.damaged("it can't be read").caused_by(&error)),
        };
        // The position alone: serde's message could quote a secret.
        serde_json::from_slice(&text)
            .map_err(|error| self.damaged(&format!("it is not JSON (line {})", error.line())))
    }

    fn write(&self, config: &Map<String, Value>) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(config)
            .map_err(|error| self.damaged("it can't be written").caused_by(&error))?;
        // A symbolic link, such as into a folder of dotfiles, is kept.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        json_file::write_bytes(&path, &text)
    }

    fn damaged(&self, reason: &str) -> Failure {
        Failure::new(
            Code::RegistryUnauthorized,
            format!(
                "Docker's configuration {} can't be used: {reason}",
                self.path.display()
            ),
            "Mend the file, or name another folder in DOCKER_CONFIG.",
        )
    }
}

/// The keys under which tools store a registry's credentials, the usual one first.
fn keys(registry: &str) -> Vec<String> {
    let usual = own_key(registry);
    let others = [
        registry.to_owned(),
        format!("https://{registry}"),
        format!("https://{registry}/"),
        format!("https://{registry}/v1/"),
        format!("https://{registry}/v2/"),
        format!("http://{registry}"),
    ];
    let mut keys = vec![usual];
    keys.extend(
        others
            .into_iter()
            .filter(|key| *key != keys[0])
            .collect::<Vec<_>>(),
    );
    keys
}

fn own_key(registry: &str) -> String {
    match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => HUB.to_owned(),
        other => other.to_owned(),
    }
}

/// The host and port that a key means.
fn host(key: &str) -> String {
    if key == HUB {
        return "docker.io".to_owned();
    }
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    rest.split('/').next().unwrap_or(rest).to_owned()
}

/// The user and password of an entry: `auth`, or the older `username` and `password`. An identity
/// token goes under the name that helpers give it.
fn credentials(entry: &Value) -> Option<Credentials> {
    let text = |key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(token) = text("identitytoken") {
        return Some(Credentials::new("<token>", token.to_owned()));
    }
    let (username, secret) = match text("auth") {
        Some(auth) => {
            let pair = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
            let (username, secret) = pair.split_once(':')?;
            (
                username.to_owned(),
                secret.trim_end_matches('\0').to_owned(),
            )
        }
        None => (text("username")?.to_owned(), text("password")?.to_owned()),
    };
    (!username.is_empty()).then(|| Credentials {
        username,
        secret: Secret::new(secret),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> (tempfile::TempDir, DockerConfig) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, text).expect("written");
        (folder, DockerConfig::at(&path))
    }

    fn pair(found: Option<Credentials>) -> Option<(String, String)> {
        found.map(|found| (found.username.clone(), found.secret.expose().to_owned()))
    }

    #[test]
    fn entries_are_found_under_every_usual_key() {
        let table = [
            (
                r#"{"auths":{"r:5000":{"auth":"dTpw"}}}"#,
                "r:5000",
                Some(("u", "p")),
            ),
            (
                r#"{"auths":{"https://r":{"auth":"dTpw"}}}"#,
                "r",
                Some(("u", "p")),
            ),
            (
                r#"{"auths":{"https://r/v1/":{"auth":"dTpw"}}}"#,
                "r",
                Some(("u", "p")),
            ),
            (
                r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#,
                "docker.io",
                Some(("u", "p")),
            ),
            (
                r#"{"auths":{"r":{"auth":"dTpwOnE="}}}"#,
                "r",
                Some(("u", "p:q")),
            ),
            (
                r#"{"auths":{"r":{"username":"u","password":"p"}}}"#,
                "r",
                Some(("u", "p")),
            ),
            (
                r#"{"auths":{"r":{"auth":"dTpw","identitytoken":"t"}}}"#,
                "r",
                Some(("<token>", "t")),
            ),
            (r#"{"auths":{"r":{}}}"#, "r", None),
            (r#"{"auths":{"r":{"auth":"%%%"}}}"#, "r", None),
            (r#"{"auths":{"other":{"auth":"dTpw"}}}"#, "r", None),
            (r#"{"auths":{"r.evil.example":{"auth":"dTpw"}}}"#, "r", None),
            ("{}", "r", None),
        ];
        for (text, registry, expected) in table {
            let (_folder, config) = config(text);
            let found = pair(config.get(registry).expect("readable"));
            let expected = expected.map(|(u, p)| (u.to_owned(), p.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn other_keys_are_kept_and_the_file_becomes_private() {
        let (folder, config) =
            config(r#"{"psFormat":"x","auths":{"a":{"auth":"dTpw","email":"e"}}}"#);
        let credentials = Credentials::new("me", "pass:word".to_owned());
        config.set("b:1", &credentials).expect("kept");
        let path = folder.path().join("config.json");
        let text = std::fs::read_to_string(&path).expect("readable");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["psFormat"], "x");
        assert_eq!(value["auths"]["a"]["email"], "e");
        assert_eq!(
            pair(config.get("b:1").expect("readable")),
            Some(("me".into(), "pass:word".into()))
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(config.erase("b:1"), Ok(true), "forgotten");
        assert_eq!(config.erase("b:1"), Ok(false), "nothing is left");
        assert_eq!(pair(config.get("b:1").expect("readable")), None);
        assert_eq!(config.accounts(), [("a".to_owned(), "u".to_owned())]);
    }

    #[test]
    fn a_missing_file_is_an_empty_one_and_a_damaged_one_is_named_without_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = DockerConfig::at(&folder.path().join("config.json"));
        assert!(config.get("r").expect("empty").is_none());
        let (folder, config) = self::config(r#"{"auths":{"r":{"auth":"canary"}"#);
        let failure = config.get("r").expect_err("damaged");
        assert!(
            failure
                .message
                .contains(&folder.path().display().to_string())
        );
        assert!(!format!("{failure:?}").contains("canary"));
    }

    #[test]
    fn a_helper_with_a_name_that_could_be_a_path_is_refused() {
        for name in ["../evil", "a b", "/bin/sh", "UPPER", "x;y"] {
            let text = json!({ "credsStore": name }).to_string();
            let (_folder, config) = config(&text);
            assert!(config.get("r").is_err(), "{name}");
        }
    }
}
