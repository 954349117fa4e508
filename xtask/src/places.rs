//! Where things are, and which processor they are for.

use std::fmt;
use std::path::PathBuf;

use crate::result::Result;

/// The folders that this program reads and writes.
pub struct Places {
    /// The checkout.
    pub root: PathBuf,
    /// What is kept between runs and shared by checkouts.
    pub cache: PathBuf,
    /// Where Cargo builds what is tested.
    pub target: PathBuf,
    /// The user's home folder.
    pub home: PathBuf,
}

impl Places {
    /// Finds them by the environment.
    pub fn find() -> Result<Self> {
        let folder = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let home = folder("HOME").ok_or("HOME is not set")?;
        let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
        let cache = cache.join("boxwright");
        let target = folder("CARGO_TARGET_DIR").unwrap_or_else(|| cache.join("target"));
        // Asked at run time: checkouts may share a target folder, and with it this program.
        let manifest = folder("CARGO_MANIFEST_DIR").ok_or("run it as `cargo xtask`")?;
        let root = manifest
            .parent()
            .filter(|root| root.join("Cargo.lock").is_file())
            .ok_or_else(|| format!("{} is not inside a checkout", manifest.display()))?;
        Ok(Self {
            root: root.to_owned(),
            cache,
            target,
            home,
        })
    }

    /// What `dist` leaves behind.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The share folder of this checkout.
    pub fn share(&self) -> PathBuf {
        self.dist().join("share/boxwright")
    }

    /// The page.
    pub fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// Cargo's own folder.
    pub fn cargo_home(&self) -> PathBuf {
        let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        set.unwrap_or_else(|| self.home.join(".cargo"))
    }
}

/// A processor that images are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// This machine's.
    pub fn host() -> Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self::Amd64),
            "aarch64" => Ok(Self::Arm64),
            other => Err(format!("Boxwright is not built on {other} yet")),
        }
    }

    /// The name that Debian and Go use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Rust's name of Linux on it.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Debian's folder of its libraries.
    pub fn multiarch(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-linux-gnu",
            Self::Arm64 => "aarch64-linux-gnu",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
