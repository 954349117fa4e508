//! Docker's credential helpers: programs that keep secrets elsewhere. The secret goes in and out
//! through pipes, never through the argument list.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use boxwright_oci::registry::{Credentials, Secret};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

/// What a helper may answer at most, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// A credential helper: `docker-credential-NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    program: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stored<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: String,
}

impl Helper {
    /// The helper of this name; `None` for a name that is not of `[a-z0-9-]+`, which could name a
    /// program that is no helper.
    pub fn named(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = !name.is_empty() && name.len() <= 64 && name.chars().all(plain);
        valid.then(|| Self {
            program: format!("docker-credential-{name}"),
        })
    }

    /// The credentials stored under `key`.
    ///
    /// # Errors
    /// [`Code::RegistryUnauthorized`] if the helper can't be run or fails.
    pub fn get(&self, key: &str) -> Result<Option<Credentials>, Failure> {
        let output = self.run("get", key.as_bytes())?;
        if !output.status.success() {
            // The helpers' own way to say that they have nothing.
            let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
            return if text.contains("not found") {
                Ok(None)
            } else {
                Err(self.failed("get"))
            };
        }
        let Answer { username, secret } =
            serde_json::from_slice(&output.stdout).map_err(|_| self.failed("get"))?;
        let secret = Secret::new(secret);
        Ok((!username.is_empty()).then_some(Credentials { username, secret }))
    }

    /// Stores credentials under `key`.
    ///
    /// # Errors
    /// As [`Helper::get`].
    pub fn store(&self, key: &str, credentials: &Credentials) -> Result<(), Failure> {
        let stored = Stored {
            server_url: key,
            username: &credentials.username,
            secret: credentials.secret.expose(),
        };
        let input = serde_json::to_vec(&stored).map_err(|_| self.failed("store"))?;
        let output = self.run("store", &input)?;
        if output.status.success() {
            Ok(())
        } else {
            Err(self.failed("store"))
        }
    }

    /// Removes what is stored under `key`, if anything is.
    ///
    /// # Errors
    /// If the helper can't be run.
    pub fn erase(&self, key: &str) -> Result<(), Failure> {
        self.run("erase", key.as_bytes()).map(|_| ())
    }

    fn run(&self, action: &str, input: &[u8]) -> Result<Output, Failure> {
        let attempt = || -> std::io::Result<Output> {
            let mut child = Command::new(&self.program)
                .arg(action)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A helper that wants no input closes its end.
                let _ = stdin.write_all(input);
            }
            let mut stdout = Vec::new();
            if let Some(pipe) = child.stdout.take() {
                pipe.take(MAX_ANSWER).read_to_end(&mut stdout)?;
            }
            Ok(Output {
                status: child.wait()?,
                stdout,
                stderr: Vec::new(),
            })
        };
        attempt().map_err(|error| {
            Failure::new(
                Code::RegistryUnauthorized,
                format!("the credential helper {} can't be run", self.program),
                "Install it, or take it out of Docker's config.json.",
            )
            .caused_by(&error)
        })
    }

    fn failed(&self, action: &str) -> Failure {
        Failure::new(
            Code::RegistryUnauthorized,
            format!("the credential helper {} failed to {action}", self.program),
            "Run `docker login` to see what is wrong with it, or take it out of Docker's \
             config.json.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_helpers() {
        for (name, valid) in [
            ("desktop", true),
            ("ecr-login", true),
            ("osxkeychain2", true),
            ("", false),
            ("a/b", false),
            ("..", false),
            ("Desktop", false),
            ("a b", false),
        ] {
            assert_eq!(Helper::named(name).is_some(), valid, "{name:?}");
        }
    }

    #[test]
    fn a_helper_that_is_not_installed_is_named() {
        let helper = Helper::named("surely-not-installed").expect("a valid name");
        let failure = helper.get("r").expect_err("not there");
        assert!(
            failure
                .message
                .contains("docker-credential-surely-not-installed")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_goes_to_a_helper_through_a_pipe_and_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("docker-credential-fake");
        // Not written here: what another test starts meanwhile could hold it open for writing, and
        // a program that is written to can't be run.
        let program = std::fs::canonicalize("tests/programs/docker-credential-fake");
        std::os::unix::fs::symlink(program.expect("the helper"), &path).expect("linked");
        let helper = Helper {
            program: path.to_string_lossy().into_owned(),
        };
        assert_eq!(helper.get("r").expect("an answer"), None);
        let credentials = Credentials::new("ann", "canary".to_owned());
        helper.store("r", &credentials).expect("kept");
        assert_eq!(helper.get("r").expect("an answer"), Some(credentials));
        helper.erase("r").expect("forgotten");
        assert_eq!(helper.get("r").expect("an answer"), None);
        let arguments = std::fs::read_to_string(folder.path().join("arguments")).expect("read");
        assert!(!arguments.contains("canary"), "{arguments}");
    }
}
