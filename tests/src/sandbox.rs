//! A folder of one test's own, and our programs run in it as if by a user who has nothing else.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Command;
use crate::programs;

/// Home, settings, cache and temporary files of one test.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty one.
    ///
    /// # Panics
    /// When the system's folder for temporary files can't be written.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("boxwright-test-")
            .tempdir()
            .unwrap();
        for name in ["home", "config", "cache", "tmp", "run", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// `boxwright` with these arguments.
    pub fn boxwright<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.command(&programs::boxwright()).args(args)
    }

    /// A program in this sandbox: its home, settings, cache and temporary files are here, and no
    /// Docker Engine or keychain is within reach.
    pub fn command(&self, program: &Path) -> Command {
        self.environment()
            .into_iter()
            .fold(Command::new(program), |command, (key, value)| {
                command.env(key, value)
            })
            .current_dir(&self.path("work"))
    }

    /// The environment of every program in this sandbox.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let engine = format!("unix://{}", self.path("run/no-engine.sock").display());
        vec![
            (
                "PATH",
                "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into(),
            ),
            ("LANG", "C.UTF-8".into()),
            ("HOME", self.home().into()),
            ("TMPDIR", self.path("tmp").into()),
            ("XDG_RUNTIME_DIR", self.path("run").into()),
            ("BOXWRIGHT_HOME", programs::share().into()),
            ("BOXWRIGHT_CONFIG", self.path("config").into()),
            ("BOXWRIGHT_CACHE", self.path("cache").into()),
            ("DOCKER_HOST", engine.into()),
        ]
    }

    /// A copy of the sample model with its package file, under this name.
    ///
    /// # Panics
    /// When `boxwright init` fails.
    pub fn package(&self, name: &str) -> PathBuf {
        let folder = self.path("work").join(name);
        fs::create_dir_all(&folder).unwrap();
        for file in ["model.onnx", "labels.txt"] {
            fs::copy(programs::sample().join(file), folder.join(file)).unwrap();
        }
        self.boxwright([
            "init",
            "--preset",
            "efficientnet-lite",
            "--name",
            "efficientnet-lite0",
        ])
        .args(["--model-version", "0.0.1", "--labels"])
        .arg(folder.join("labels.txt"))
        .arg(folder.join("model.onnx"))
        .run()
        .ok();
        folder
    }
}

/// The sample's photos.
pub fn photos() -> PathBuf {
    programs::sample().join("images")
}

/// One photo of the sample.
pub fn photo(name: &str) -> PathBuf {
    photos().join(name)
}

/// Replaces one piece of a package file's text.
///
/// # Panics
/// When the text is not there.
pub fn edit(package: &Path, from: &str, to: &str) {
    let file = package.join("boxwright.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(from),
        "no `{from}` in {}:\n{text}",
        file.display()
    );
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
}
