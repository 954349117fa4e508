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
use boxwright_tests::{Command, Sandbox, need, onnx, picture};
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

/// One system call of a trace: `PID NAME(ARGUMENTS) = RESULT`.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str)> {
    trace.lines().filter_map(|line| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        line.split_once('(')
    })
}

#[test]
fn a_preview_writes_no_file_elsewhere_and_looks_up_no_name() {
    let strace = need!(program("strace"));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let trace = sandbox.path("run/trace");
    let command = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photos());
    let calls_of_interest = "--trace=%file,%network,%creat,memfd_create";
    let options = [
        "-f",
        "-qq",
        "--string-limit=300",
        calls_of_interest,
        "-o",
        trace.to_str().unwrap(),
        "--",
    ];
    let run = command.under(&strace, options).run();
    if run.stderr().contains("Operation not permitted") {
        boxwright_tests::skip!("processes can't be traced here");
    }
    run.ok();
    let text = fs::read_to_string(&trace).unwrap();
    assert!(
        text.contains("libonnxruntime.so"),
        "the trace saw no worker"
    );
    let own = format!("\"{}", sandbox.path("").display());
    let mut strays = Vec::new();
    for (name, arguments) in calls(&text) {
        let failed = arguments.contains(") = -1");
        let writes = name.starts_with("open")
            && ["O_WRONLY", "O_RDWR", "O_CREAT"]
                .iter()
                .any(|flag| arguments.contains(flag));
        let changes = [
            "mkdir", "rename", "unlink", "symlink", "link", "creat", "truncate", "chmod", "chown",
        ]
        .iter()
        .any(|change| name.starts_with(change));
        let devices = ["\"/dev/null\"", "\"/dev/tty\"", "\"/proc/self/"];
        let harmless =
            arguments.contains(&own) || devices.iter().any(|one| arguments.contains(one));
        let asks = ["resolv.conf", "/etc/hosts", "nscd"]
            .iter()
            .any(|file| arguments.contains(file));
        let connects = arguments.contains("AF_INET");
        if ((writes || changes) && !failed && !harmless) || asks || connects {
            strays.push(format!("{name}({arguments}"));
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
    for folder in ["home", "tmp"] {
        let left: Vec<_> = WalkDir::new(sandbox.path(folder))
            .min_depth(1)
            .into_iter()
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
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
