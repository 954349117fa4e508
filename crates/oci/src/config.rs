//! An image's configuration: what runs in it, and what its layers unpack to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::printable;
use crate::manifest::null_is_empty;
use crate::{Digest, Error, Platform, Result};

/// The OCI image configuration. What it does not name (Docker's own additions) is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When the image was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// The processor's variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What runs, and how.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub config: Process,
    /// What the layers unpack to.
    pub rootfs: RootFs,
    /// How each layer came about.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub history: Vec<History>,
}

impl ImageConfig {
    /// A configuration for `platform` that runs nothing yet and has no layers.
    pub fn new(platform: &Platform, config: Process) -> Self {
        Self {
            created: None,
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            config,
            rootfs: RootFs::default(),
            history: Vec::new(),
        }
    }

    /// What the image runs on.
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        }
    }

    /// Reads a configuration of OCI or Docker.
    ///
    /// # Errors
    /// `ContentInvalid` when it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| Error::ContentInvalid {
            what: "the image's configuration is not valid".into(),
            detail: printable(&error.to_string()),
        })
    }
}

/// What runs in a container of the image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Process {
    /// User, or `user:group`, as names or numbers.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "String::is_empty"
    )]
    pub user: String,
    /// `8080/tcp` and the like.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub exposed_ports: BTreeMap<String, Empty>,
    /// `NAME=value`.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub env: Vec<String>,
    /// The program and its fixed arguments.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub entrypoint: Vec<String>,
    /// Arguments that whoever runs it may replace.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cmd: Vec<String>,
    /// Where it starts.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "String::is_empty"
    )]
    pub working_dir: String,
    /// Labels of the image.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
    /// The signal that stops it.
    #[serde(
        deserialize_with = "null_is_empty",
        skip_serializing_if = "String::is_empty"
    )]
    pub stop_signal: String,
    /// Docker's health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
}

/// `{}`: how Go writes the members of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// How Docker asks whether the container is well. Times are in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["CMD", program, …]`.
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: u64,
    /// The longest one may take.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: u64,
    /// While failures at the start don't count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: u64,
    /// Failures in a row until it is not well.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the layers unpack to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digests of the layers' plain tars, bottom first.
    #[serde(deserialize_with = "null_is_empty")]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self {
            kind: "layers".into(),
            diff_ids: Vec::new(),
        }
    }
}

/// How a layer came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether this step made no layer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_by_docker_with_nulls_is_read() {
        let text = format!(
            r#"{{"architecture":"amd64","os":"linux","container":"abc","docker_version":"20",
            "config":{{"User":"","Cmd":["sh"],"Entrypoint":null,"Labels":null,"Env":null,"Volumes":null,"OnBuild":null}},
            "rootfs":{{"type":"layers","diff_ids":["{}"]}},"history":[{{"created_by":"x","empty_layer":true}}]}}"#,
            Digest::of(b"layer")
        );
        let config = ImageConfig::parse(text.as_bytes()).unwrap();
        assert_eq!(config.config.cmd, ["sh"]);
        assert!(config.history[0].empty_layer);
        assert_eq!(config.platform(), Platform::linux("amd64"));
    }

    #[test]
    fn what_is_empty_is_not_written() {
        let process = Process {
            user: "65532".into(),
            ..Process::default()
        };
        let config = ImageConfig::new(&Platform::linux("arm64"), process);
        assert_eq!(
            String::from_utf8(crate::manifest::to_json(&config)).unwrap(),
            r#"{"architecture":"arm64","os":"linux","config":{"User":"65532"},"rootfs":{"type":"layers","diff_ids":[]}}"#
        );
    }
}
