//! The programs under test: what `cargo xtask dist` leaves.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failed::Failed;

/// Where the programs and their share folder are.
pub struct Programs {
    /// `dist/bin`.
    pub bin: PathBuf,
    /// `dist/share/boxwright`.
    pub share: PathBuf,
}

impl Programs {
    /// The `dist` folder of this checkout.
    pub fn find() -> Result<Self, Failed> {
        let root = package()?.join("../..").canonicalize()?;
        let (bin, share) = (root.join("dist/bin"), root.join("dist/share/boxwright"));
        if !bin.join("boxwright").is_file() || !share.join("catalogue.json").is_file() {
            return Err("there is no dist folder: run `cargo xtask dist` first".into());
        }
        Ok(Self { bin, share })
    }

    /// `boxwright` with settings and caches of its own.
    pub fn boxwright(&self, state: &Path) -> Command {
        let mut command = Command::new(self.bin.join("boxwright"));
        command
            .env("BOXWRIGHT_HOME", &self.share)
            .env("BOXWRIGHT_CONFIG", state.join("config"))
            .env("BOXWRIGHT_CACHE", state.join("cache"))
            .env("DOCKER_CONFIG", state.join("docker"));
        command
    }

    /// The program that ships in the image, for this machine.
    pub fn serve(&self) -> Command {
        Command::new(self.share.join("bin/boxwright-serve"))
    }
}

/// This package's folder. Asked at run time: checkouts may share a target folder.
pub fn package() -> Result<PathBuf, Failed> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR");
    Ok(folder
        .map(PathBuf::from)
        .ok_or("run it as `cargo xtask bench`")?)
}
