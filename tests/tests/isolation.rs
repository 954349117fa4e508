//! Nothing from outside, nothing to outside: networks, files, and what strangers wrote.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;

use boxwright_tests::missing::program;
use boxwright_tests::sandbox::photos;
use boxwright_tests::{Command, Missing, Sandbox, need, onnx, picture};
use serde_json::Value;
use walkdir::WalkDir;

/// Without a network, and without a program to call.
fn cut_off(command: Command) -> Command {
    let unshare = Path::new("/usr/bin/unshare");
    let user: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &["-Ur"]
    };
    command
        .env("PATH", "")
        .under(unshare, [user, &["-n", "--"]].concat())
}

#[test]
fn preview_and_build_work_without_a_network_and_with_an_empty_path() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let preview = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photos());
    let json = cut_off(preview).run().ok().json();
    assert_eq!(json["results"].as_array().unwrap().len(), 5);
    let archive = sandbox.path("work/image.tar");
    let build = sandbox
        .boxwright(["build", "--target", "cpu,arm64", "--output"])
        .arg(&archive);
    cut_off(build.arg(&package)).run().ok();
    assert!(archive.exists());
}

/// The system calls of a trace that write outside of `own`, or look up or reach for a host.
fn strays(trace: &str, own: &Path) -> Vec<String> {
    let own = format!("\"{}", own.display());
    let devices = ["\"/dev/null\"", "\"/dev/tty\"", "\"/proc/self/"];
    let changes = [
        "mkdir", "rename", "unlink", "symlink", "link", "creat", "truncate", "chmod", "chown",
    ];
    let stray = |line: &&str| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let any = |words: &[&str]| words.iter().any(|word| call.contains(word));
        let writes = call.starts_with("open") && any(&["O_WRONLY", "O_RDWR", "O_CREAT"]);
        let changes = changes.iter().any(|change| call.starts_with(change));
        let elsewhere = !call.contains(") = -1") && !call.contains(&own) && !any(&devices);
        let asks = any(&["AF_INET", "resolv.conf", "/etc/hosts", "nscd"]);
        ((writes || changes) && elsewhere) || asks
    };
    trace.lines().filter(stray).map(str::to_owned).collect()
}

/// The trace of a command, or nothing where processes can't be traced.
fn traced(sandbox: &Sandbox, command: Command) -> Result<String, Missing> {
    let file = sandbox.path("run/trace");
    let options = [
        "-f",
        "-qq",
        "--string-limit=300",
        "--trace=%file,%network",
        "-o",
    ];
    let run = command
        .under(
            &program("strace")?,
            [&options[..], &[file.to_str().unwrap(), "--"]].concat(),
        )
        .run();
    if run.stderr().contains("Operation not permitted") {
        return Err(Missing::because("processes can't be traced here"));
    }
    run.ok();
    Ok(fs::read_to_string(&file).unwrap())
}

#[test]
fn a_preview_writes_no_file_elsewhere_and_looks_up_no_name() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let command = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photos());
    let trace = need!(traced(&sandbox, command));
    assert!(
        trace.contains("libonnxruntime.so"),
        "the trace saw no worker"
    );
    let found = strays(&trace, &sandbox.path(""));
    assert!(found.is_empty(), "{found:#?}");
    for folder in ["home", "tmp"] {
        let left: Vec<_> = WalkDir::new(sandbox.path(folder))
            .min_depth(1)
            .into_iter()
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn the_trace_would_show_what_it_is_searched_for() {
    let sandbox = Sandbox::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let script = format!(
        "echo > {}/file; getent hosts boxwright.invalid; true",
        elsewhere.path().display()
    );
    let command = sandbox.command(Path::new("/bin/sh")).args(["-c", &script]);
    let found = strays(&need!(traced(&sandbox, command)), &sandbox.path(""));
    assert!(
        found.iter().any(|call| call.contains("O_CREAT")),
        "{found:#?}"
    );
    assert!(
        found.iter().any(|call| call.contains("/etc/hosts")),
        "{found:#?}"
    );
}

#[test]
fn what_strangers_wrote_comes_out_as_text() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    let label = "<script>alert('red')</script>";
    onnx::write_mean_colour(
        &package,
        "colours",
        [label, "=cmd|' /C calc'!A0", "\u{202e}blue"],
    );
    let folder = sandbox.path("work/pictures");
    fs::create_dir(&folder).unwrap();
    let names = [
        "<img src=x onerror=alert(1)>.bmp",
        "\u{1b}[2J\u{1b}]0;owned\u{7}.bmp",
        "two\nlines.bmp",
        "-rf.bmp",
    ];
    for name in names {
        fs::write(folder.join(name), picture::bmp(8, 8, [255, 0, 0])).unwrap();
    }
    let preview = |format| {
        sandbox
            .boxwright(["preview", "--format", format])
            .arg(&package)
            .arg(&folder)
    };
    let json = preview("json").run().ok().json();
    let results = json["results"].as_array().unwrap();
    let mut seen: Vec<_> = results
        .iter()
        .map(|one| one["sample"].as_str().unwrap())
        .collect();
    seen.sort_unstable();
    let mut wanted = names;
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
    assert!(
        results
            .iter()
            .all(|one| one["classPredictions"][0]["class"] == label),
        "{json:#}"
    );
    let run = preview("text").run().ok();
    for text in [&run.stdout, &run.stderr()] {
        let control = text
            .chars()
            .find(|c| c.is_control() && !['\n', '\t', '\r'].contains(c));
        assert_eq!(control, None, "{text:?}");
    }
    assert!(
        !run.stdout.contains("two\nlines"),
        "a file name broke its line: {}",
        run.stdout
    );
}

#[test]
fn a_file_name_that_is_no_utf8_is_a_sample_like_others() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.bmp");
    let file = sandbox.path("work").join(name);
    fs::write(&file, picture::bmp(8, 8, [255, 0, 0])).unwrap();
    let run = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(&file)
        .run()
        .ok();
    let json: Value = run.json();
    assert!(
        json["results"][0]["sample"]
            .as_str()
            .unwrap()
            .starts_with("caf"),
        "{json:#}"
    );
    assert_eq!(
        json["results"][0]["classPredictions"][0]["class"], "red",
        "{json:#}"
    );
}
