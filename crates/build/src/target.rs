//! What an image is built for: the boxes that a user ticks.

use std::fmt;
use std::str::FromStr;

use boxwright_oci::Platform;
use serde::{Deserialize, Serialize};

/// What an image is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// x86-64 servers and desktops.
    Cpu,
    /// 64-bit ARM servers and boards.
    Arm64,
    /// x86-64 with an NVIDIA GPU.
    Gpu,
    /// ARM servers with an NVIDIA GPU.
    Arm64Gpu,
    /// NVIDIA Jetson boards.
    Jetson,
}

impl Target {
    /// Every target, in the order in which images are put under a tag.
    pub const ALL: [Self; 5] = [
        Self::Cpu,
        Self::Arm64,
        Self::Gpu,
        Self::Arm64Gpu,
        Self::Jetson,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Arm64 => "arm64",
            Self::Gpu => "gpu",
            Self::Arm64Gpu => "arm64-gpu",
            Self::Jetson => "jetson",
        }
    }

    /// The title of its box.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Arm64 => "ARM",
            Self::Gpu => "GPU",
            Self::Arm64Gpu => "ARM + GPU",
            Self::Jetson => "Jetson",
        }
    }

    /// What its containers run on.
    pub fn platform(self) -> Platform {
        match self {
            Self::Cpu | Self::Gpu => Platform::linux("amd64"),
            Self::Arm64 | Self::Arm64Gpu | Self::Jetson => Platform::linux("arm64"),
        }
    }

    /// What is appended to the tag for it.
    pub fn tag_suffix(self) -> &'static str {
        match self {
            Self::Cpu | Self::Arm64 => "",
            Self::Gpu | Self::Arm64Gpu => "-gpu",
            Self::Jetson => "-jetson",
        }
    }

    /// Whether it predicts on a GPU.
    pub fn is_gpu(self) -> bool {
        !self.tag_suffix().is_empty()
    }

    /// The catalogue's name of the runtime that it runs.
    pub(crate) fn runtime(self) -> &'static str {
        match self {
            Self::Cpu | Self::Arm64 => "cpu",
            Self::Gpu | Self::Arm64Gpu => "cuda",
            Self::Jetson => "jetson",
        }
    }

    /// What has to be installed for it, in a few words.
    pub fn needs(self) -> &'static str {
        match self {
            Self::Cpu | Self::Arm64 => "the base and the CPU runtime",
            Self::Gpu | Self::Arm64Gpu => {
                "ONNX Runtime's CUDA build and the CUDA and cuDNN libraries"
            }
            Self::Jetson => "an ONNX Runtime built for JetPack and its CUDA libraries",
        }
    }

    /// The machines that what it needs has to be for.
    pub(crate) fn machines(self) -> &'static str {
        match self {
            Self::Cpu | Self::Gpu => "linux/amd64",
            Self::Arm64 => "linux/arm64",
            Self::Arm64Gpu => "ARM servers",
            Self::Jetson => "Jetson boards",
        }
    }

    /// The targets that a comma-separated list names, each once, in the order of [`Target::ALL`].
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse_list(list: &str) -> Result<Vec<Self>, TargetError> {
        let names = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let mut targets: Vec<Self> = names.map(str::parse).collect::<Result<_, _>>()?;
        targets.sort_unstable();
        targets.dedup();
        match targets.is_empty() {
            true => Err(TargetError::Missing),
            false => Ok(targets),
        }
    }
}

/// A list that names no known targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Text that names no target.
    #[error("{given:?} is no target")]
    Unknown {
        /// What was given.
        given: String,
    },
    /// Nothing to build for.
    #[error("no target is named")]
    Missing,
}

impl TargetError {
    /// The next step for a person.
    pub fn hint(&self) -> String {
        format!(
            "Name one or more of {}, separated by commas.",
            Target::ALL.map(Target::name).join(", ")
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let found = Self::ALL.into_iter().find(|target| target.name() == text);
        found.ok_or_else(|| TargetError::Unknown {
            given: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_name_platform_and_tag() {
        let table = [
            ("cpu", "linux/amd64", ""),
            ("arm64", "linux/arm64", ""),
            ("gpu", "linux/amd64", "-gpu"),
            ("arm64-gpu", "linux/arm64", "-gpu"),
            ("jetson", "linux/arm64", "-jetson"),
        ];
        for (name, platform, suffix) in table {
            let target: Target = name.parse().unwrap();
            assert_eq!(target.to_string(), name);
            assert_eq!(target.platform().to_string(), platform);
            assert_eq!(target.tag_suffix(), suffix);
        }
    }

    #[test]
    fn a_list_is_sorted_and_names_each_target_once() {
        let both = Target::parse_list("arm64, cpu,arm64").unwrap();
        assert_eq!(both, [Target::Cpu, Target::Arm64]);
        assert_eq!(Target::parse_list(" ,"), Err(TargetError::Missing));
    }

    #[test]
    fn an_unknown_target_is_answered_with_the_known_ones() {
        let error = Target::parse_list("cpu,tpu").unwrap_err();
        assert_eq!(error.to_string(), "\"tpu\" is no target");
        assert!(error.hint().contains("cpu, arm64, gpu, arm64-gpu, jetson"));
    }
}
