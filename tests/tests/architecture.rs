//! The rules of `docs/ARCHITECTURE.md` that a machine can hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use boxwright_tests::modules;
use boxwright_tests::programs::checkout;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use walkdir::WalkDir;

/// Which of our crates each may use: the arrows of the picture, and nothing else.
const ARROWS: [(&str, &[&str]); 16] = [
    ("boxwright-files", &[]),
    ("boxwright-tensor", &[]),
    ("boxwright-model", &["tensor", "files"]),
    ("boxwright-oci", &["files"]),
    ("boxwright-predict", &["model", "tensor", "files"]),
    ("boxwright-worker", &["model", "tensor", "files"]),
    ("boxwright-build", &["oci", "model", "tensor", "files"]),
    ("boxwright-handoff", &["oci", "model", "files"]),
    (
        "boxwright-serve",
        &["predict", "worker", "model", "tensor", "files"],
    ),
    (
        "boxwright-studio",
        &[
            "worker", "build", "handoff", "oci", "model", "tensor", "files",
        ],
    ),
    ("boxwright-cli", &["studio", "files"]),
    ("boxwright-studio-app", &["studio"]),
    ("boxwright-onnx-writer", &[]),
    (
        "boxwright-bench",
        &["predict", "model", "tensor", "onnx-writer", "tests"],
    ),
    ("boxwright-tests", &["onnx-writer"]),
    ("xtask", &[]),
];

/// The one home of each heavy dependency.
const HOMES: [(&str, &[&str]); 11] = [
    ("ort", &["boxwright-predict"]),
    ("turbojpeg", &["boxwright-predict"]),
    ("wgpu", &["boxwright-predict"]),
    ("image", &["boxwright-predict"]),
    ("bollard", &["boxwright-build"]),
    ("reqwest", &["boxwright-oci"]),
    ("axum", &["boxwright-serve"]),
    ("tonic", &["boxwright-serve"]),
    ("tauri", &["boxwright-studio-app"]),
    ("rfd", &["boxwright-studio-app"]),
    ("keyring", &["boxwright-studio"]),
];

/// Packages that ship with nothing, and may use what they need to look at what ships.
const NOT_SHIPPED: [&str; 4] = [
    "boxwright-onnx-writer",
    "boxwright-tests",
    "boxwright-bench",
    "xtask",
];

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(checkout().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    metadata.packages
}

/// What a package needs to be built, leaving out its tests.
fn needs(package: &Package) -> impl Iterator<Item = &str> {
    let shipped = package
        .dependencies
        .iter()
        .filter(|dep| dep.kind != DependencyKind::Development);
    shipped.map(|dependency| dependency.name.as_str())
}

#[test]
fn our_crates_depend_on_each_other_only_as_drawn() {
    let members = members();
    let names: BTreeSet<&str> = members
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into();
    for package in &members {
        let allowed = arrows
            .get(package.name.as_str())
            .unwrap_or_else(|| panic!("{} is not in the picture", package.name));
        for dependency in needs(package).filter(|name| names.contains(name)) {
            let short = dependency.trim_start_matches("boxwright-");
            assert!(
                allowed.contains(&short),
                "{} must not use {dependency}",
                package.name
            );
        }
    }
}

#[test]
fn a_heavy_dependency_has_one_home() {
    for package in &members() {
        if NOT_SHIPPED.contains(&package.name.as_str()) {
            continue;
        }
        for dependency in needs(package) {
            let home = HOMES.iter().find(|(name, _)| *name == dependency);
            if let Some((_, homes)) = home {
                let at_home = homes.contains(&package.name.as_str());
                assert!(
                    at_home,
                    "{dependency} lives in {homes:?}, not in {}",
                    package.name
                );
            }
        }
    }
}

#[test]
fn every_dependency_is_declared_once_in_the_workspace() {
    for package in &members() {
        let text = fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for (kind, table) in manifest
            .iter()
            .filter(|(key, _)| key.ends_with("dependencies"))
        {
            for (name, value) in table.as_table().unwrap() {
                let shared = value.get("workspace").and_then(toml::Value::as_bool);
                let place = format!("{}: [{kind}] {name}", package.manifest_path);
                assert_eq!(shared, Some(true), "{place} is not of the workspace");
            }
        }
    }
}

/// Files of ours with one of these extensions, leaving out what is made or downloaded.
fn sources(extensions: &[&str]) -> Vec<PathBuf> {
    let made = ["target", "dist", "node_modules", ".git", "generated", "gen"];
    let walk = WalkDir::new(checkout())
        .into_iter()
        .filter_entry(move |entry| {
            let name = entry.file_name().to_string_lossy();
            !(entry.file_type().is_dir() && made.contains(&name.as_ref()))
        });
    let files = walk.map(|entry| entry.unwrap().into_path());
    let wanted = |path: &PathBuf| {
        path.extension()
            .is_some_and(|own| extensions.iter().any(|wanted| own == *wanted))
    };
    let found: Vec<PathBuf> = files.filter(wanted).collect();
    assert!(!found.is_empty(), "no {extensions:?} in the checkout");
    found
}

/// Tests name what they forbid, and hold long tables.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.contains(".test.")
        || name.ends_with("tests.rs")
        || path.components().any(|part| part.as_os_str() == "tests")
}

fn in_page(path: &Path) -> bool {
    path.starts_with(checkout().join("ui/src"))
}

#[test]
fn only_the_host_folder_of_the_page_knows_tauri() {
    let host = checkout().join("ui/src/host");
    let page = sources(&["ts", "svelte", "js"])
        .into_iter()
        .filter(|path| in_page(path) && !is_test(path));
    let (inside, outside): (Vec<_>, Vec<_>) = page.partition(|path| path.starts_with(&host));
    let imports = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("@tauri-apps");
    assert!(
        inside.iter().any(imports),
        "the host folder does not import Tauri: the rule is stale"
    );
    let strays: Vec<_> = outside.into_iter().filter(imports).collect();
    assert!(
        strays.is_empty(),
        "only ui/src/host imports @tauri-apps, but {strays:?} do"
    );
}

#[test]
fn the_page_never_renders_text_as_html() {
    let page = sources(&["ts", "svelte", "js", "html"]);
    for path in page
        .iter()
        .filter(|path| path.starts_with(checkout().join("ui")) && !is_test(path))
    {
        let text = fs::read_to_string(path).unwrap();
        for way in [
            "{@html",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
        ] {
            assert!(!text.contains(way), "{} uses {way}", path.display());
        }
    }
}

#[test]
fn a_file_is_one_idea_of_at_most_500_lines() {
    let mut long = Vec::new();
    for path in sources(&["rs", "ts", "svelte", "css", "py", "html"]) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > 500 {
            long.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The file systems of macOS and Windows don't tell upper from lower case: two such names would be
/// one file there. An import of the page names a module without its extension, so that
/// `Form.svelte` and `form.svelte.ts` would be one module.
#[test]
fn no_two_names_differ_only_in_case() {
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in listed() {
        for part in path.ancestors().filter(|part| *part != Path::new("")) {
            for name in names(part) {
                let other = seen
                    .entry(name.to_lowercase())
                    .or_insert_with(|| PathBuf::from(&name));
                assert_eq!(
                    other.as_os_str(),
                    name.as_str(),
                    "{} and {name} differ only in case",
                    other.display()
                );
            }
        }
    }
    assert!(!seen.is_empty(), "git lists no files");
}

/// The path and, of a module of the page, the path without its extension.
fn names(path: &Path) -> Vec<String> {
    let whole = path.to_str().unwrap().to_owned();
    let extensions = [".svelte.ts", ".svelte", ".ts", ".mjs", ".js"];
    let module = extensions.iter().find_map(|end| whole.strip_suffix(end));
    let module = module.map(str::to_owned);
    [whole].into_iter().chain(module).collect()
}

/// All files that git tracks, relative to the checkout.
fn listed() -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(checkout())
        .args(["ls-files", "-z"])
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(PathBuf::from).collect()
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let members = members();
    let mut found = String::new();
    for target in members.iter().flat_map(|package| &package.targets) {
        if target.is_lib() || target.is_bin() {
            let circles = modules::circles(target.src_path.as_std_path());
            found.extend(circles.iter().map(ToString::to_string));
        }
    }
    assert!(found.is_empty(), "{found}");
}
