//! Layers that are made by `boxwright-assemble`, and what is recorded of them.

use std::path::{Path, PathBuf};

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{cargo, process, stamp};

/// One layer that was made: the facts that the catalogue records of it.
pub struct Component {
    /// `base` or `runtime`.
    pub kind: &'static str,
    /// `all` or the runtime's name.
    pub target: &'static str,
    /// What it is for.
    pub arch: Arch,
    /// The folder that [`write`] filled.
    pub made: PathBuf,
}

impl Component {
    /// Its file in the share folder.
    pub fn path(&self) -> String {
        match self.kind {
            "base" => format!("base/linux-{}.tar.gz", self.arch),
            _ => format!("runtimes/{}-linux-{}.tar.gz", self.target, self.arch),
        }
    }
}

/// The layer itself, in a folder that was made.
pub const LAYER: &str = "layer.tar.gz";
/// What the catalogue records of it.
pub const FACTS: &str = "facts.tsv";
/// The packages that it was made of.
pub const SOURCES: &str = "sources.tsv";

/// Writes the layer of `entries` (as `boxwright-assemble` reads them) into `folder`, with the
/// packages that it was made of: name, version and SHA-256, tab-separated.
pub fn write(places: &Places, folder: &Path, entries: &str, sources: &[String]) -> Result {
    let mut assemble = assemble(places)?;
    let facts = process::output_of_input(assemble.arg("layer").arg(folder.join(LAYER)), entries)?;
    stamp::write(&folder.join(FACTS), facts.trim_end())?;
    stamp::write(&folder.join(SOURCES), sources.join("\n"))
}

/// The program that writes layers and the catalogue, built if need be.
pub fn assemble(places: &Places) -> Result<std::process::Command> {
    let words = [
        "build",
        "--quiet",
        "--locked",
        "--package",
        "boxwright-build",
    ];
    let mut build = cargo::cargo(places, words);
    process::run(build.args(["--bin", "boxwright-assemble"]))?;
    let program = places.target.join("debug/boxwright-assemble");
    Ok(process::command::<&str>(program, []))
}
