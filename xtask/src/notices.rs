//! The licences of the crates that are compiled into `boxwright-serve`, as one text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{cargo, process, stamp};

/// Names, licences and licence texts of every crate in the program for `arch`, each text once.
pub fn of_serve(places: &Places, arch: Arch) -> Result<String> {
    let mut text = String::from(
        "boxwright-serve contains the crates listed here, under the licences that follow the \
         list, and Rust's standard library (MIT OR Apache-2.0, https://www.rust-lang.org).\n\n",
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, licence) in crates_of_serve(places, arch)? {
        text.push_str(&format!("{name}: {licence}\n"));
        for (file, content) in licences(places, &name)? {
            texts
                .entry(content)
                .or_default()
                .push(format!("{name}/{file}"));
        }
    }
    let mut texts: Vec<(Vec<String>, String)> = texts
        .into_iter()
        .map(|(content, names)| (names, content))
        .collect();
    texts.sort();
    let line = "-".repeat(72);
    for (names, content) in texts {
        let names = names.join("\n");
        text.push_str(&format!("\n{line}\n{names}\n{line}\n{content}\n"));
    }
    Ok(text)
}

/// The crates in the program by `NAME-VERSION`, each with its licence and where it is developed.
fn crates_of_serve(places: &Places, arch: Arch) -> Result<BTreeMap<String, String>> {
    let words = ["tree", "--package", "boxwright-serve", "--edges", "normal"];
    let mut tree = cargo::cargo(places, words);
    tree.args(["--prefix", "none", "--locked", "--no-dedupe"])
        .args(["--format", "{p}\t{l}\t{r}", "--target", arch.triple()]);
    let mut crates = BTreeMap::new();
    for line in process::output(&mut tree)?.lines() {
        let unexpected = || format!("cargo tree said {line:?}");
        let [package, licence, repository] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(unexpected());
        };
        let (name, rest) = package.split_once(' ').ok_or_else(unexpected)?;
        let version = rest.split(' ').next().ok_or_else(unexpected)?;
        if !name.starts_with("boxwright-") {
            let name = format!("{name}-{}", version.trim_start_matches('v'));
            crates.insert(name, format!("{licence} {repository}"));
        }
    }
    Ok(crates)
}

/// The licence files of a crate, and of the sources in other languages that it brings along.
fn licences(places: &Places, name: &str) -> Result<Vec<(String, String)>> {
    let Some(folder) = source(places, name)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for file in stamp::files(&folder)? {
        let depth = file.components().count();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let upper = name.to_ascii_uppercase();
        let starts = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "NOTICE",
            "COPYRIGHT",
            "UNLICENSE",
        ];
        let is_text = upper == "README.IJG" || starts.iter().any(|start| upper.starts_with(start));
        if depth > 2 || !is_text {
            continue;
        }
        let content = std::fs::read(folder.join(&file));
        let content = content.map_err(|error| stamp::failed(&file, &error))?;
        let content = String::from_utf8_lossy(&content).replace("\r\n", "\n");
        found.push((file.display().to_string(), content.trim_end().to_owned()));
    }
    Ok(found)
}

/// The folder with a crate's source.
fn source(places: &Places, name: &str) -> Result<Option<PathBuf>> {
    let registries = places.cargo_home().join("registry/src");
    let entries = std::fs::read_dir(&registries);
    let entries = entries.map_err(|error| stamp::failed(&registries, &error))?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path().join(name)));
    Ok(folders.into_iter().find(|folder| Path::is_dir(folder)))
}
