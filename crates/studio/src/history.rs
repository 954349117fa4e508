//! What is stored from one start to the next: settings, published images, recent packages.

use std::path::{Component, Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::api::{Published, Recent, Report, Settings};
use crate::directories::Directories;
use crate::failure::Failure;
use crate::json_file;

/// Most images of the history.
const MAX_PUBLISHED: usize = 100;
/// Most recent packages.
const MAX_RECENT: usize = 12;

/// The settings, or their defaults.
pub fn settings(directories: &Directories) -> Settings {
    json_file::read(&directories.file("settings.json"))
}

/// Stores the settings.
///
/// # Errors
/// As [`json_file::write`].
pub fn save_settings(directories: &Directories, settings: &Settings) -> Result<(), Failure> {
    json_file::write(&directories.file("settings.json"), settings)
}

/// Images that were published or built, newest first.
pub fn published(directories: &Directories) -> Vec<Published> {
    let entries: Vec<StoredEntry> = json_file::read_list(&directories.file("history.json"));
    entries.into_iter().map(|stored| stored.0).collect()
}

/// An entry of the history file.
#[derive(Serialize)]
#[serde(transparent)]
struct StoredEntry(Published);

impl<'de> Deserialize<'de> for StoredEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entry = Value::deserialize(deserializer)?;
        if let Some(images) = entry
            .pointer_mut("/report/images")
            .and_then(Value::as_array_mut)
        {
            images.iter_mut().for_each(replace_run_command);
        }
        serde_json::from_value(entry)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// Older files have the `docker run` command of an image that was published to a registry, and no
/// field `published`.
fn replace_run_command(image: &mut Value) {
    if let Some(fields) = image.as_object_mut()
        && fields.remove("run").is_some()
    {
        fields.insert("published".to_owned(), true.into());
    }
}

/// Adds what was published or built, and returns the whole list.
///
/// # Errors
/// As [`json_file::write`].
pub fn add_published(
    directories: &Directories,
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
    json_file::update_list(&directories.file("history.json"), |list| {
        list.insert(0, StoredEntry(entry));
        list.truncate(MAX_PUBLISHED);
        list.iter().map(|stored| stored.0.clone()).collect()
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
    pub fn view(&self, id: u32) -> Recent {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Recent {
            id,
            name: self.name.clone(),
            folder: shortened(folder),
        }
    }
}

/// Packages that were open before, newest first, as far as they are still there.
pub fn recent(directories: &Directories) -> Vec<RecentPath> {
    let list: Vec<RecentPath> = json_file::read_list(&directories.file("recent.json"));
    list.into_iter()
        .filter(|entry| entry.path.exists())
        .collect()
}

/// Adds a package that was opened, and returns the whole list.
///
/// # Errors
/// As [`json_file::write`].
pub fn add_recent(
    directories: &Directories,
    path: &Path,
    name: &str,
) -> Result<Vec<RecentPath>, Failure> {
    let entry = RecentPath {
        path: path.to_owned(),
        name: name.to_owned(),
    };
    json_file::update_list(
        &directories.file("recent.json"),
        |list: &mut Vec<RecentPath>| {
            // The model of a package and its package file are one entry.
            list.retain(|other| other.path.parent() != path.parent());
            list.insert(0, entry);
            list.truncate(MAX_RECENT);
            list.clone()
        },
    )
}

/// The folder for showing: `~` for the home folder, and the middle of a long path left out.
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
    use crate::api::ReportImage;

    fn directories() -> (tempfile::TempDir, Directories) {
        let folder = tempfile::tempdir().expect("a folder");
        let directories = Directories {
            config: folder.path().join("c"),
            cache: folder.path().join("k"),
        };
        (folder, directories)
    }

    #[test]
    fn recent_packages_are_newest_first_and_each_folder_once() {
        let (folder, directories) = directories();
        let make = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, "").expect("written");
            path
        };
        let (model, package) = (make("a/model.onnx"), make("a/boxwright.toml"));
        let other = make("b/boxwright.toml");
        for path in [&model, &other, &package] {
            add_recent(&directories, path, "cat").expect("kept");
        }
        let paths: Vec<_> = recent(&directories)
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        assert_eq!(paths, [package, other.clone()]);
        std::fs::remove_file(other).expect("removed");
        assert_eq!(recent(&directories).len(), 1);
    }

    #[test]
    fn history_is_newest_first() {
        let (_folder, directories) = directories();
        let report = Report {
            images: Vec::new(),
            uploaded_bytes: 0,
            reused_bytes: 0,
            elapsed_ms: 0,
        };
        add_published(&directories, "cat", "1", &report).expect("kept");
        let list = add_published(&directories, "cat", "2", &report).expect("kept");
        assert_eq!(list[0].version, "2");
        assert_eq!(published(&directories), list);
    }

    #[test]
    fn older_entries_with_a_run_command_are_read_and_the_command_is_rendered() {
        let (_folder, directories) = directories();
        let digest = format!("sha256:{}", "ab".repeat(32));
        let command = format!(
            "docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 \
             localhost:5000/cat@{digest}"
        );
        let image = |reference: &str, run: Option<&str>| {
            let platform = serde_json::json!({
                "target": "cpu", "platform": "linux/amd64", "digest": digest, "size": 1,
                "verified": null,
            });
            let mut image = serde_json::json!({
                "reference": reference, "digest": digest, "platforms": [platform],
            });
            if let Some(run) = run {
                image["run"] = run.into();
            }
            image
        };
        let report = serde_json::json!({
            "images": [image("localhost:5000/cat:1", Some(&command)), image("cat-1.tar", None)],
            "uploaded_bytes": 0, "reused_bytes": 0, "elapsed_ms": 0,
        });
        let entry = serde_json::json!({
            "at": "2026-01-01T00:00:00Z", "name": "cat", "version": "1", "report": report,
        });
        let file = directories.file("history.json");
        json_file::write(&file, &[entry]).expect("written");
        let rendered = |list: &[Published]| -> Vec<Option<String>> {
            let images = list[0].report.images.iter();
            images.map(ReportImage::docker_run).collect()
        };
        let list = published(&directories);
        assert_eq!(rendered(&list), [Some(command.clone()), None]);
        // Written again it has no command, and is read as the same.
        json_file::write(&file, &list).expect("written");
        let text = std::fs::read_to_string(&file).expect("read");
        assert!(!text.contains("docker run"), "{text}");
        assert_eq!(rendered(&published(&directories)), [Some(command), None]);
    }

    #[test]
    fn settings_that_are_partly_there_are_filled_up() {
        let (_folder, directories) = directories();
        json_file::write_bytes(&directories.file("settings.json"), br#"{"theme":"dark"}"#)
            .expect("kept");
        let expected = Settings {
            theme: "dark".into(),
            ..Settings::default()
        };
        assert_eq!(settings(&directories), expected);
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
