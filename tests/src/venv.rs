//! Python with the packages that a test compares with.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::image::sha256;
use crate::missing::{Missing, program};
use crate::programs;

/// The interpreter of an environment that tests share: `tests/python/environments` locks it.
///
/// # Errors
/// When there is no Python or no compiler, or a package can't be had.
pub fn environment(name: &str) -> Result<PathBuf, Missing> {
    let folder = programs::checkout().join("tests/python/environments");
    let lock = folder.join(name).with_extension("txt");
    let without_cuda = folder.join("without_cuda.py");
    let text = fs::read_to_string(&lock).unwrap();
    let all = text.clone() + &fs::read_to_string(&without_cuda).unwrap();
    kept(name, &all, |python| {
        let mut install = pip_install(python);
        install.args(["--no-deps", "--require-hashes", "--no-cache-dir"]);
        run(install.args(["--only-binary", ":all:", "-r"]).arg(&lock))?;
        if text.lines().any(|line| line.starts_with("torch==")) {
            run(Command::new(python).arg(&without_cuda))?;
        }
        Ok(())
    })
}

/// A Python interpreter with what `requirements` pins.
///
/// # Errors
/// When there is no Python, or a package can't be had.
pub fn python(requirements: &Path) -> Result<PathBuf, Missing> {
    let text = fs::read_to_string(requirements).unwrap();
    kept("pinned", &text, |python| {
        run(pip_install(python).arg("-r").arg(requirements))
    })
}

/// A folder with what `requirements` pins and nothing that it depends on, for an environment that has
/// that already: a `PYTHONPATH` of its interpreter.
///
/// # Errors
/// When a package can't be had.
pub fn beside(python: &Path, requirements: &Path) -> Result<PathBuf, Missing> {
    let text = fs::read_to_string(requirements).unwrap();
    let key = &sha256(text.as_bytes())["sha256:".len()..][..16];
    let folder = programs::tools().join(format!("venv/beside-{key}"));
    let lock = File::create(folder.with_extension("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    if !folder.join("complete").exists() {
        // What an interrupted run left is no good.
        let _ = fs::remove_dir_all(&folder);
        let mut install = pip_install(python);
        install.args(["--no-deps", "--no-cache-dir", "--only-binary", ":all:"]);
        run(install
            .arg("--target")
            .arg(&folder)
            .arg("-r")
            .arg(requirements))?;
        fs::write(folder.join("complete"), "").unwrap();
    }
    Ok(folder)
}

/// The interpreter of a virtual environment that is made once for `content`, and kept: complete,
/// or not at all.
fn kept(
    name: &str,
    content: &str,
    install: impl FnOnce(&Path) -> Result<(), Missing>,
) -> Result<PathBuf, Missing> {
    let key = &sha256(content.as_bytes())["sha256:".len()..][..16];
    let folder = programs::tools().join(format!("venv/{name}-{key}"));
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let python = folder.join("bin/python");
    if !folder.join("complete").exists() {
        // What an interrupted run left is no good.
        let _ = fs::remove_dir_all(&folder);
        run(Command::new(program("python3")?)
            .args(["-m", "venv"])
            .arg(&folder))?;
        install(&python)?;
        fs::write(folder.join("complete"), "").unwrap();
    }
    Ok(python)
}

fn pip_install(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet"]);
    command.arg("--disable-pip-version-check");
    command
}

/// Runs a script to its end.
///
/// # Panics
/// When it fails; with what it says.
pub fn run_script(python: &Path, script: &Path, arguments: &[&Path]) {
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn run(command: &mut Command) -> Result<(), Missing> {
    let output = command
        .output()
        .map_err(|error| Missing::because(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it says nothing");
    Err(Missing::because(format!(
        "{:?} failed: {last}",
        command.get_program()
    )))
}
