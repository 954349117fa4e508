//! The share folder: layers, programs, samples and templates, and the catalogue of them.

use std::path::Path;

use crate::layer::{self, Component};
use crate::places::Places;
use crate::result::Result;
use crate::{base, process, runtimes, stamp};

/// Makes the whole share folder of this checkout.
pub fn make(places: &Places) -> Result {
    let bases = base::make(places, false)?;
    let runtimes = runtimes::make(places)?;
    process::step("Share folder", || {
        let share = places.share();
        let components: Vec<Component> = bases.into_iter().chain(runtimes).collect();
        for component in &components {
            let to = share.join(component.path());
            stamp::install_file(&component.made.join(layer::LAYER), &to, false)?;
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
        let facts = stamp::read(&component.made.join(layer::FACTS))?;
        lines.push_str(&format!(
            "component\t{}\t{}\tlinux/{}\t{}\t{facts}\n",
            component.kind,
            component.target,
            component.arch,
            component.path()
        ));
        for source in stamp::read(&component.made.join(layer::SOURCES))?.lines() {
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
        let mut assemble = layer::assemble(places)?;
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
