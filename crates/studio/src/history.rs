//! What is remembered from one start to the next: settings, images that were published, packages
//! that were open.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::{Published, Recent, Report, Settings};
use crate::failure::Failure;
use crate::places::{self, Places};

/// Images that are remembered.
const MAX_PUBLISHED: usize = 100;
/// Packages that are remembered.
const MAX_RECENT: usize = 12;

/// The settings, or their defaults.
pub fn settings(places: &Places) -> Settings {
    places::read(&places.file("settings.json"))
}

/// Keeps the settings.
///
/// # Errors
/// As [`places::write`].
pub fn keep_settings(places: &Places, settings: &Settings) -> Result<(), Failure> {
    places::write(&places.file("settings.json"), settings)
}

/// Images that were published or built, newest first.
pub fn published(places: &Places) -> Vec<Published> {
    places::read_list(&places.file("history.json"))
}

/// Remembers what was published, and returns the whole list.
///
/// # Errors
/// As [`places::write`].
pub fn add_published(
    places: &Places,
    name: &str,
    version: &str,
    report: &Report,
) -> Result<Vec<Published>, Failure> {
    let entry = Published {
        at: jiff::Timestamp::now().to_string(),
        name: name.to_owned(),
        version: version.to_owned(),
        report: report.clone(),
    };
    places::update_list(&places.file("history.json"), |list| {
        list.insert(0, entry);
        list.truncate(MAX_PUBLISHED);
        list.clone()
    })
}

/// A package that was open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentPath {
    /// What was opened: a package file or a model.
    pub path: PathBuf,
    /// The package's name.
    pub name: String,
}

impl RecentPath {
    /// What the page may know of it.
    pub fn shown(&self, id: u32) -> Recent {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Recent {
            id,
            name: self.name.clone(),
            folder: shortened(folder),
        }
    }
}

/// Packages that were open before, newest first, as far as they are still there.
pub fn recent(places: &Places) -> Vec<RecentPath> {
    let list: Vec<RecentPath> = places::read_list(&places.file("recent.json"));
    list.into_iter()
        .filter(|entry| entry.path.exists())
        .collect()
}

/// Remembers that a package was opened, and returns the whole list.
///
/// # Errors
/// As [`places::write`].
pub fn add_recent(places: &Places, path: &Path, name: &str) -> Result<Vec<RecentPath>, Failure> {
    let entry = RecentPath {
        path: path.to_owned(),
        name: name.to_owned(),
    };
    places::update_list(&places.file("recent.json"), |list: &mut Vec<RecentPath>| {
        // The model of a package and its package file are the same to a person.
        list.retain(|other| other.path.parent() != path.parent());
        list.insert(0, entry);
        list.truncate(MAX_RECENT);
        list.clone()
    })
}

/// The folder as a person would name it: `~` for the home, the middle of a long one left out.
fn shortened(folder: &Path) -> String {
    let home = dirs::home_dir();
    let below = home.and_then(|home| folder.strip_prefix(home).ok().map(Path::to_owned));
    let start = if below.is_some() { "~/" } else { "/" };
    let parts: Vec<String> = below
        .as_deref()
        .unwrap_or(folder)
        .components()
        .filter(|part| !matches!(part, Component::RootDir))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    match &parts[..] {
        [first, .., before, last] if parts.len() > 4 => {
            format!("{start}{first}/…/{before}/{last}")
        }
        _ => format!("{start}{}", parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places {
            config: folder.path().join("c"),
            cache: folder.path().join("k"),
        };
        (folder, places)
    }

    #[test]
    fn recent_packages_are_newest_first_and_each_folder_once() {
        let (folder, places) = places();
        let make = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, "").expect("written");
            path
        };
        let (model, package) = (make("a/model.onnx"), make("a/boxwright.toml"));
        let other = make("b/boxwright.toml");
        for path in [&model, &other, &package] {
            add_recent(&places, path, "cat").expect("kept");
        }
        let paths: Vec<_> = recent(&places)
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        assert_eq!(paths, [package, other.clone()]);
        std::fs::remove_file(other).expect("removed");
        assert_eq!(recent(&places).len(), 1);
    }

    #[test]
    fn history_is_newest_first() {
        let (_folder, places) = places();
        let report = Report {
            images: Vec::new(),
            uploaded_bytes: 0,
            reused_bytes: 0,
            elapsed_ms: 0,
        };
        add_published(&places, "cat", "1", &report).expect("kept");
        let list = add_published(&places, "cat", "2", &report).expect("kept");
        assert_eq!(list[0].version, "2");
        assert_eq!(published(&places), list);
    }

    #[test]
    fn settings_that_are_partly_there_are_filled_up() {
        let (_folder, places) = places();
        places::write_bytes(&places.file("settings.json"), br#"{"theme":"dark"}"#).expect("kept");
        let expected = Settings {
            theme: "dark".into(),
            ..Settings::default()
        };
        assert_eq!(settings(&places), expected);
    }

    #[test]
    fn a_long_folder_is_shortened_in_the_middle() {
        for (folder, expected) in [
            ("/very/long/way/to/the/models/cat", "/very/…/models/cat"),
            ("/models/cat", "/models/cat"),
        ] {
            assert_eq!(shortened(Path::new(folder)), expected);
        }
    }
}
