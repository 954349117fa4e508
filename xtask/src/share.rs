//! The share folder: layers, programs, samples and templates, and the catalogue of them.

use std::path::{Path, PathBuf};

use crate::places::{Arch, Places};
use crate::{Result, base, cargo, process, runtimes, stamp};

/// One layer that was made: the facts that the catalogue records of it.
pub struct Component {
    /// `base` or `runtime`.
    pub kind: &'static str,
    /// `all` or the runtime's name.
    pub target: &'static str,
    /// What it is for.
    pub arch: Arch,
    /// The folder that [`layer`] filled.
    pub made: PathBuf,
}

impl Component {
    /// Its file in the share folder.
    fn path(&self) -> String {
        match self.kind {
            "base" => format!("base/linux-{}.tar.gz", self.arch),
            _ => format!("runtimes/{}-linux-{}.tar.gz", self.target, self.arch),
        }
    }
}

const LAYER: &str = "layer.tar.gz";
const FACTS: &str = "facts.tsv";
const SOURCES: &str = "sources.tsv";

/// Writes the layer of `entries` (as `boxwright-assemble` reads them) into `folder`, with the
/// packages that it was made of: name, version and SHA-256, tab-separated.
pub fn layer(places: &Places, folder: &Path, entries: &str, sources: &[String]) -> Result {
    let mut assemble = assemble(places)?;
    let facts = process::output_of_input(assemble.arg("layer").arg(folder.join(LAYER)), entries)?;
    stamp::write(&folder.join(FACTS), facts.trim_end())?;
    stamp::write(&folder.join(SOURCES), sources.join("\n"))
}

/// The program that writes layers and the catalogue, built if need be.
fn assemble(places: &Places) -> Result<std::process::Command> {
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

/// Makes the whole share folder of this checkout.
pub fn make(places: &Places) -> Result {
    let bases = base::make(places, false)?;
    let runtimes = runtimes::make(places)?;
    process::step("Share folder", || {
        let share = places.share();
        let components: Vec<Component> = bases.into_iter().chain(runtimes).collect();
        for component in &components {
            let to = share.join(component.path());
            stamp::install_file(&component.made.join(LAYER), &to, false)?;
        }
        copy(&places.root.join("samples"), &share.join("samples"))?;
        copy(&places.root.join("templates"), &share.join("templates"))?;
        let version = runtimes::install_own(places)?;
        catalogue(places, &components, &version)
    })
}

fn catalogue(places: &Places, components: &[Component], onnxruntime: &str) -> Result {
    let mut lines = format!("onnxruntime\t{onnxruntime}\n");
    for component in components {
        let facts = stamp::read(&component.made.join(FACTS))?;
        lines.push_str(&format!(
            "component\t{}\t{}\tlinux/{}\t{}\t{facts}\n",
            component.kind,
            component.target,
            component.arch,
            component.path()
        ));
        for source in stamp::read(&component.made.join(SOURCES))?.lines() {
            lines.push_str(&format!("source\t{source}\n"));
        }
    }
    for program in runtimes::OWN {
        lines.push_str(&format!("program\t{program}\n"));
    }
    let (share, name) = (places.share(), "catalogue.json");
    let mut key = stamp::Key::new(include_str!("share.rs")).text(&lines);
    for program in runtimes::OWN {
        key = key.file(&share.join(program))?;
    }
    let made = stamp::made(&places.cache, "catalogue", &key, |folder| {
        let mut assemble = assemble(places)?;
        process::output_of_input(assemble.arg("catalogue").arg(&share), &lines)?;
        stamp::install_file(&share.join(name), &folder.join(name), false)
    })?;
    stamp::install_file(&made.join(name), &share.join(name), false)
}

/// Copies what is in a folder, where there is one.
fn copy(from: &Path, to: &Path) -> Result {
    if !from.is_dir() {
        return Ok(());
    }
    for file in stamp::files(from)? {
        stamp::install_file(&from.join(&file), &to.join(&file), false)?;
    }
    Ok(())
}
