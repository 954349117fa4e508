//! What lies in the share folder, with the digest of every layer.

use boxwright_oci::{Descriptor, Digest, Platform, media_type};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Target};

/// The version of the catalogue's format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// The share folder's `catalogue.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Always 1.
    pub format: u32,
    /// The version of ONNX Runtime in every runtime.
    pub onnxruntime: String,
    /// The layers that images stand on.
    pub components: Vec<Component>,
    /// The programs and libraries that this machine itself runs.
    pub programs: Vec<Program>,
}

/// A layer that images stand on, as it is pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it holds.
    pub kind: Kind,
    /// The runtime's name: `cpu`. A base has the same for all.
    pub target: String,
    /// `linux/amd64`.
    pub platform: String,
    /// The file, relative to the share folder: a gzipped tar.
    pub layer: String,
    /// The file's digest.
    pub digest: Digest,
    /// The digest of the plain tar.
    pub diff_id: Digest,
    /// The file's size in bytes.
    pub size: u64,
    /// What it was made of.
    pub sources: Vec<Source>,
}

impl Component {
    /// The layer, as a manifest names it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(media_type::LAYER_GZIP, self.digest, self.size)
    }
}

/// What a component holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The C library and what belongs to it.
    Base,
    /// `boxwright-serve` and ONNX Runtime.
    Runtime,
}

impl Kind {
    /// The layer's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Runtime => "runtime",
        }
    }
}

/// A package that a component was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the package's file in lower-case hexadecimal; empty for our own programs.
    pub sha256: String,
}

/// A program or a library that this machine itself runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Path relative to the share folder.
    pub path: String,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl Catalogue {
    /// The base for `platform`.
    pub fn base(&self, platform: &Platform) -> Option<&Component> {
        self.find(Kind::Base, "all", platform)
    }

    /// The runtime of `target`.
    pub fn runtime(&self, target: Target) -> Option<&Component> {
        self.find(Kind::Runtime, target.runtime(), &target.platform())
    }

    /// Compressed bytes of base and runtime of `target`; 0 where they are not installed.
    pub fn size(&self, target: Target) -> u64 {
        match (self.base(&target.platform()), self.runtime(target)) {
            (Some(base), Some(runtime)) => base.size + runtime.size,
            _ => 0,
        }
    }

    /// Whether images for `target` can be built.
    ///
    /// # Errors
    /// [`Error::TargetUnavailable`] with what it needs.
    pub fn check(&self, target: Target) -> Result<()> {
        match self.size(target) {
            0 => Err(Error::TargetUnavailable {
                target,
                needs: format!(
                    "it needs {} for {}, and they are not installed",
                    target.needs(),
                    target.machines()
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Whether a layer with this diff id is one of ours.
    pub fn knows(&self, diff_id: &Digest) -> bool {
        self.components
            .iter()
            .any(|component| component.diff_id == *diff_id)
    }

    fn find(&self, kind: Kind, target: &str, platform: &Platform) -> Option<&Component> {
        let platform = platform.to_string();
        self.components.iter().find(|component| {
            component.kind == kind && component.target == target && component.platform == platform
        })
    }
}
