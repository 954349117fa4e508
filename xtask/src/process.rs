//! Running programs, and saying so.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::result::Result;

/// A command of `program` with `arguments`, with nothing to read from stdin.
pub fn command<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs it to its end; its output goes to the terminal.
pub fn run(command: &mut Command) -> Result {
    let status = command
        .status()
        .map_err(|error| unstartable(command, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} failed: {status}", line(command))),
    }
}

/// Runs it to its end, and returns what it wrote to stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .map_err(|error| unstartable(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{} failed: {}\n{}",
        line(command),
        output.status,
        said.trim_end()
    ))
}

/// Runs it to its end with `input` on stdin, and returns what it wrote to stdout.
pub fn output_of_input(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| unstartable(command, &error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read all says why by itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| unstartable(command, &error))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{} failed: {}", line(command), output.status)),
    }
}

/// The program `name` in PATH, or where Debian keeps those of the administrator.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The command as it would be typed.
pub fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn unstartable(command: &Command, error: &std::io::Error) -> String {
    let program = Path::new(command.get_program()).display();
    format!("{program} can't be run: {error}")
}

/// Does one step under a heading, and says how long it took.
pub fn step<T>(heading: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {heading}");
    let start = Instant::now();
    let result = work().map_err(|message| format!("{heading}: {message}"))?;
    println!("    done in {}", took(start));
    Ok(result)
}

/// The time since `start`, in words.
pub fn took(start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    match seconds < 120.0 {
        true => format!("{seconds:.1} s"),
        false => format!(
            "{:.0} min {:02.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        ),
    }
}
