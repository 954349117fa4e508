//! Python with the packages that a test compares with.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::image::sha256;
use crate::missing::{Missing, program};
use crate::programs;

/// A Python interpreter with what `requirements` pins. It is made once for its content, and kept.
///
/// # Errors
/// When there is no Python, or a package can't be had.
pub fn python(requirements: &Path) -> Result<PathBuf, Missing> {
    let text = fs::read(requirements).unwrap();
    let key = sha256(&text)["sha256:".len()..][..16].to_owned();
    let folder = programs::tools().join("venv").join(key);
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
        let mut install = Command::new(&python);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ]);
        run(install.arg(requirements))?;
        fs::write(folder.join("complete"), "").unwrap();
    }
    Ok(python)
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
