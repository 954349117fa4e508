//! What a container runs on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system and a processor, in Go's names as the OCI specification uses them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// `v7`, `v8`: only where the architecture alone doesn't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on `architecture`.
    pub fn linux(architecture: &str) -> Self {
        Self {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: None,
        }
    }

    /// Linux on this machine's processor: what a container engine here runs without emulation.
    pub fn host() -> Self {
        Self::linux(go_architecture(std::env::consts::ARCH))
    }

    /// Whether both name the same platform: `arm64/v8` is `arm64`.
    pub fn matches(&self, other: &Self) -> bool {
        self.os == other.os
            && go_architecture(&self.architecture) == go_architecture(&other.architecture)
            && self.plain_variant() == other.plain_variant()
    }

    fn plain_variant(&self) -> Option<&str> {
        match (go_architecture(&self.architecture), self.variant.as_deref()) {
            ("arm64", Some("v8")) | ("amd64", Some("v1")) | (_, Some("")) => None,
            (_, variant) => variant,
        }
    }
}

fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// Text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no platform: write it like linux/amd64 or linux/arm64")]
pub struct PlatformInvalid(String);

impl FromStr for Platform {
    type Err = PlatformInvalid;

    fn from_str(text: &str) -> Result<Self, PlatformInvalid> {
        let parts: Vec<&str> = text.split('/').collect();
        let good = |part: &&str| {
            !part.is_empty()
                && part.len() <= 32
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(good) {
            return Err(PlatformInvalid(text.chars().take(100).collect()));
        }
        Ok(Self {
            os: parts[0].to_owned(),
            architecture: go_architecture(parts[1]).to_owned(),
            variant: parts.get(2).map(|variant| (*variant).to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_and_written() {
        for text in ["linux/amd64", "linux/arm64", "linux/arm/v7"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        assert_eq!(
            "linux/x86_64".parse::<Platform>().unwrap(),
            Platform::linux("amd64")
        );
        for text in ["", "linux", "linux/", "a/b/c/d", "linux/é", "linux/a b"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_variant_that_says_nothing_new_is_the_same_platform() {
        let arm: Platform = "linux/arm64/v8".parse().unwrap();
        assert!(arm.matches(&Platform::linux("arm64")));
        assert!(!arm.matches(&Platform::linux("amd64")));
        let old: Platform = "linux/arm/v6".parse().unwrap();
        assert!(!old.matches(&"linux/arm/v7".parse().unwrap()));
    }
}
