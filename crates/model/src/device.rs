//! What runs a model.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kind of device that runs models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// Any GPU, by WebGPU.
    WebGpu,
    /// An NVIDIA GPU, by CUDA.
    Cuda,
}

impl DeviceKind {
    /// The name, as in `--device`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::WebGpu => "webgpu",
            Self::Cuda => "cuda",
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The device that is asked for: `auto`, `cpu`, `webgpu` or `cuda`, the last two with a number where
/// there are several (`cuda:1`). Serialised as that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The fastest that is known to work.
    #[default]
    Auto,
    /// One of a kind; the first where no number is given.
    Of(DeviceKind, Option<u32>),
}

impl Device {
    /// The processor.
    pub const CPU: Self = Self::Of(DeviceKind::Cpu, None);
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Of(kind, None) => kind.fmt(f),
            Self::Of(kind, Some(number)) => write!(f, "{kind}:{number}"),
        }
    }
}

impl FromStr for Device {
    /// What is wrong, with what there is.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let unknown = || {
            format!(
                "`{}` is no device: auto, cpu, webgpu, cuda, or webgpu:1 and cuda:1 for the second",
                crate::paths::shown(text)
            )
        };
        let kind = match name {
            "auto" if number.is_none() => return Ok(Self::Auto),
            "cpu" if number.is_none() => DeviceKind::Cpu,
            "webgpu" => DeviceKind::WebGpu,
            "cuda" => DeviceKind::Cuda,
            _ => return Err(unknown()),
        };
        let number = number.map(str::parse).transpose().map_err(|_| unknown())?;
        Ok(Self::Of(kind, number))
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for text in ["auto", "cpu", "webgpu", "webgpu:1", "cuda", "cuda:0"] {
            let device: Device = text.parse().unwrap();
            assert_eq!(device.to_string(), text);
        }
        for text in ["", "gpu", "cpu:0", "auto:1", "cuda:", "cuda:x", "CPU"] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
    }
}
