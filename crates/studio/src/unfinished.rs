//! Jobs that run are noted in small files, so that after a crash they can be seen and started
//! again. A note holds no secret.

use std::path::{Path, PathBuf};

use boxwright_model::Package;
use serde::{Deserialize, Serialize};

use crate::api::PublishRequest;
use crate::places::{self, Places};
use crate::samples::SampleFile;

/// The folder of the notes.
const FOLDER: &str = "jobs";

/// All that a build or a publication of the window needs to be started again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shipment {
    /// The package's folder.
    pub root: PathBuf,
    /// The package as it was edited.
    pub package: Package,
    /// The model's file.
    pub model: PathBuf,
    /// What the page asked for.
    pub request: PublishRequest,
    /// The archive's file, where it goes into one.
    pub archive: Option<PathBuf>,
    /// The samples to prove it with.
    pub samples: Vec<SampleFile>,
}

/// A note of a job that runs. While the file is locked, its program lives.
pub struct Note {
    path: PathBuf,
    _lock: std::fs::File,
}

impl Note {
    /// The job has ended.
    pub fn remove(self) {
        // A note that stays shows an ended job as interrupted, which harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Notes that a job runs; `None` where that can't be written, which is no reason not to run it.
pub fn note(places: &Places, shipment: &Shipment) -> Option<Note> {
    let folder = places.config.join(FOLDER);
    std::fs::create_dir_all(&folder).ok()?;
    let name = |attempt: u32| folder.join(format!("{}-{attempt}.json", std::process::id()));
    let mut paths = (0..1000).map(name);
    let path = paths.find(|path| !path.exists())?;
    places::write(&path, shipment).ok()?;
    let file = std::fs::File::open(&path).ok()?;
    file.try_lock().ok()?;
    Some(Note { path, _lock: file })
}

/// What programs that ended too soon have noted, and where. A note stays until it is forgotten:
/// it may be wanted after another crash.
pub fn interrupted(places: &Places) -> Vec<(PathBuf, Shipment)> {
    let folder = places.config.join(FOLDER);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), read(&path)?)))
        .collect()
}

fn read(path: &Path) -> Option<Shipment> {
    let file = std::fs::File::open(path).ok()?;
    // Locked: its program lives, and the job runs there.
    file.try_lock().ok()?;
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Forgets a note.
pub fn forget(path: &Path) {
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PublishTo;

    fn shipment() -> Shipment {
        let package = r#"{"format":1,"package":{"name":"cat","version":"1"},"model":{"files":[]},
            "input":[],"postprocess":{"task":"raw"}}"#;
        Shipment {
            root: "/models/cat".into(),
            package: serde_json::from_str(package).expect("a package"),
            model: "/models/cat/model.onnx".into(),
            request: PublishRequest {
                targets: vec!["cpu".into()],
                to: PublishTo::Registry {
                    reference: "localhost:5000/cat:1".into(),
                },
                prove: false,
                replace: false,
            },
            archive: None,
            samples: Vec::new(),
        }
    }

    #[test]
    fn a_job_whose_program_is_gone_is_found_and_one_that_runs_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places {
            config: folder.path().join("c"),
            cache: folder.path().join("k"),
        };
        let running = note(&places, &shipment()).expect("noted");
        let ended = note(&places, &shipment()).expect("noted");
        assert!(interrupted(&places).is_empty());
        // What a crash does: the lock goes, the file stays.
        drop(ended);
        let found = interrupted(&places);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.root, Path::new("/models/cat"));
        forget(&found[0].0);
        running.remove();
        assert!(interrupted(&places).is_empty());
    }
}
