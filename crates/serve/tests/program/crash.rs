//! Native code that crashes ends the process, and the log says that it did.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

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

/// A library in place of ONNX Runtime that reads from nowhere as soon as it is called.
#[test]
fn a_fault_inside_a_library_is_told_and_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("bad.c"), folder.path().join("bad.so"));
    let fault = "const void *OrtGetApiBase(void) { return *(void *volatile *)8; }\n";
    std::fs::write(&source, fault).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    if !built.is_ok_and(|status| status.success()) {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: no C compiler, `cc`, to build a library that crashes"
        );
        return;
    }
    let package = std::fs::canonicalize("../../samples/efficientnet-lite0").unwrap();
    let output = Command::new(PROGRAM)
        .env_clear()
        .envs([("PORT", "0".as_ref()), ("MODEL", package.as_os_str())])
        .env("BOXWRIGHT_ONNXRUNTIME", &library)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("native code crashed (SIGSEGV)"), "{told}");
    assert_eq!(told.matches("native code crashed").count(), 1, "{told}");
    assert_eq!(output.status.signal(), Some(11), "{told}");
}
