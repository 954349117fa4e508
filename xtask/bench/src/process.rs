//! Programs as whole processes: their time, their output and their peak memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::failed::Failed;

/// What one run of a program took.
pub struct Run {
    /// What it printed on stdout.
    pub stdout: Vec<u8>,
    /// Seconds from start to end.
    pub seconds: f64,
    /// The largest resident set that was seen, in MiB.
    pub peak_mib: f64,
}

impl Run {
    /// Stdout as JSON.
    pub fn json(&self) -> Result<serde_json::Value, Failed> {
        Ok(serde_json::from_slice(&self.stdout)?)
    }
}

/// Runs a program to its end; its failure is ours.
pub fn run(command: &mut Command) -> Result<Run, Failed> {
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = child.id();
    let waiter = std::thread::spawn(move || -> std::io::Result<(Output, f64)> {
        let output = child.wait_with_output()?;
        Ok((output, started.elapsed().as_secs_f64()))
    });
    let mut peak_mib: f64 = 0.0;
    while !waiter.is_finished() {
        peak_mib = peak_mib.max(high_water_mib(pid).unwrap_or(0.0));
        // Often at first, for programs that end at once; then seldom, so as not to disturb.
        let soon = started.elapsed() < Duration::from_millis(100);
        std::thread::sleep(Duration::from_micros(if soon { 200 } else { 10_000 }));
    }
    let (output, seconds) = waiter.join().map_err(|_| "the waiting thread panicked")??;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} ended with {}: {stderr}", output.status).into());
    }
    Ok(Run {
        stdout: output.stdout,
        seconds,
        peak_mib,
    })
}

/// The peak resident set of a process (`VmHWM`), in MiB.
pub fn high_water_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// A folder with `copies` copies of every file of `from`, under different names.
pub fn multiply(from: &Path, copies: usize, to: &Path) -> Result<PathBuf, Failed> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for copy in 0..copies {
            std::fs::copy(&path, to.join(format!("{copy:04}-{name}")))?;
        }
    }
    Ok(to.to_owned())
}
