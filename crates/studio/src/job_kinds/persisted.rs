//! Running jobs are written to files, so that after a crash they can be seen and started again. The
//! files hold no secret.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::request::JobRequest;
use crate::directories::Directories;
use crate::json_file;

/// The folder of the files.
const FOLDER: &str = "jobs";

/// The file of a running job. It is locked for as long as the program runs.
pub struct JobFile {
    path: PathBuf,
    _lock: File,
}

impl JobFile {
    /// Writes the parameters of a job that starts; `None` where that is not possible, which is no
    /// reason not to run it.
    pub fn create(directories: &Directories, request: &JobRequest) -> Option<Self> {
        let folder = directories.config.join(FOLDER);
        std::fs::create_dir_all(&folder).ok()?;
        let name = |attempt: u32| folder.join(format!("{}-{attempt}.json", std::process::id()));
        let mut paths = (0..1000).map(name);
        let path = paths.find(|path| !path.exists())?;
        json_file::write(&path, request).ok()?;
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        Some(Self { path, _lock: file })
    }

    /// Removes the file: the job has ended.
    pub fn remove(self) {
        // A file that stays shows an ended job as interrupted, which is harmless.
        remove(&self.path);
    }
}

/// Jobs of programs that ended before them, with their files. A file stays until it is removed: it
/// may be needed after another crash.
pub fn interrupted(directories: &Directories) -> Vec<(PathBuf, JobRequest)> {
    let folder = directories.config.join(FOLDER);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), read(&path)?)))
        .collect()
}

fn read(path: &Path) -> Option<JobRequest> {
    let file = File::open(path).ok()?;
    // A locked file belongs to a job that still runs.
    file.try_lock().ok()?;
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Removes the file of an interrupted job.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use boxwright_build::{Builder, Target};

    use super::*;
    use crate::job_kinds::image_source::ImageSource;
    use crate::job_kinds::publish::PublishJob;

    fn request() -> JobRequest {
        let package = r#"{"format":1,"package":{"name":"cat","version":"1"},"model":{"files":[]},
            "input":[],"postprocess":{"task":"raw"}}"#;
        JobRequest::Publish(PublishJob {
            source: ImageSource {
                root: "/models/cat".into(),
                package: serde_json::from_str(package).expect("a package"),
                model: "/models/cat/model.onnx".into(),
                targets: vec![Target::Arm64Gpu],
                builder: Builder::Embedded,
                base: None,
            },
            to: "localhost:5000/cat:1".parse().expect("a reference"),
            replace: false,
            samples: None,
        })
    }

    #[test]
    fn a_job_whose_program_is_gone_is_found_and_one_that_runs_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let directories = Directories {
            config: folder.path().join("c"),
            cache: folder.path().join("k"),
        };
        let running = JobFile::create(&directories, &request()).expect("written");
        let crashed = JobFile::create(&directories, &request()).expect("written");
        assert!(interrupted(&directories).is_empty());
        // A crash releases the lock, and the file stays.
        drop(crashed);
        let found = interrupted(&directories);
        assert_eq!(found.len(), 1);
        let expected = serde_json::to_value(request()).expect("JSON");
        assert_eq!(serde_json::to_value(&found[0].1).expect("JSON"), expected);
        remove(&found[0].0);
        running.remove();
        assert!(interrupted(&directories).is_empty());
    }
}
