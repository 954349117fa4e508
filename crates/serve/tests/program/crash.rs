//! Native code that crashes ends the process, and the log says that it did.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{PROGRAM, Server};

#[test]
fn a_crash_is_told_and_the_process_ends_by_its_signal() {
    for (signal, name) in [(Signal::SEGV, "SIGSEGV"), (Signal::ABORT, "SIGABRT")] {
        let mut server = Server::start(&[("MODEL", "/nowhere")]);
        kill_process(Pid::from_child(&server.child), signal).unwrap();
        let line = server.wait_for("native code crashed");
        assert!(line.starts_with("error: ") && line.contains(name), "{line}");
        let status = server.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
    }
}

/// A library in place of ONNX Runtime that does this as soon as it is called.
fn library(folder: &Path, what: &str) -> Option<PathBuf> {
    let (source, library) = (folder.join("bad.c"), folder.join("bad.so"));
    let text =
        format!("#include <stdlib.h>\nconst void *OrtGetApiBase(void) {{ {what}; return 0; }}\n");
    std::fs::write(&source, text).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    let built = built.is_ok_and(|status| status.success());
    if !built {
        skipped("no C compiler, `cc`, to build a library that crashes");
    }
    built.then_some(library)
}

fn skipped(why: &str) {
    // Past the test harness, which would swallow it.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Runs the server with the library, behind these words of a command.
fn run(before: &[&str], library: &Path) -> Output {
    let package = std::fs::canonicalize("../../samples/efficientnet-lite0").unwrap();
    let words: Vec<&str> = before.iter().copied().chain([PROGRAM]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear();
    command.envs([("PORT", "0".as_ref()), ("MODEL", package.as_os_str())]);
    command.env("BOXWRIGHT_ONNXRUNTIME", library);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().unwrap()
}

const FAULTS: [(&str, &str, i32); 2] = [
    ("*(volatile int *)8 = 1", "SIGSEGV", 11),
    ("abort()", "SIGABRT", 6),
];

#[test]
fn a_fault_inside_a_library_is_told_once_and_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    for (fault, name, signal) in FAULTS {
        let Some(library) = library(folder.path(), fault) else {
            return;
        };
        let output = run(&[], &library);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.contains(&format!("native code crashed ({name})")),
            "{told}"
        );
        assert_eq!(told.matches("native code crashed").count(), 1, "{told}");
        assert_eq!(output.status.signal(), Some(signal), "{told}");
    }
}

#[test]
fn as_the_first_process_of_a_container_it_ends_with_the_status_of_the_signal() {
    let folder = tempfile::tempdir().unwrap();
    let first = ["unshare", "--user", "--map-root-user", "--pid", "--fork"];
    let may = Command::new(first[0])
        .args(&first[1..])
        .arg("true")
        .status();
    if !may.is_ok_and(|status| status.success()) {
        return skipped("this system lets `unshare` make no process namespace");
    }
    for (fault, name, signal) in FAULTS {
        let Some(library) = library(folder.path(), fault) else {
            return;
        };
        let output = run(&first, &library);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.contains(&format!("native code crashed ({name})")),
            "{told}"
        );
        assert_eq!(output.status.code(), Some(128 + signal), "{told}");
    }
}
