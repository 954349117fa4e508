//! Results of a hundred thousand rows: they are the same by every door, and the memory for them is
//! bounded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_tests::serving::Serving;
use boxwright_tests::task_models::large;
use boxwright_tests::{Sandbox, programs, wait};

/// Bytes of a [100000, 85] output.
const OUTPUT: u64 = 100_000 * 85 * 4;
const MIB: u64 = 1 << 20;

fn photo() -> PathBuf {
    programs::checkout().join("tests/data/tasks/photos/odd.jpg")
}

/// A number of kibibytes in a process's status, in bytes; 0 once it has ended.
fn memory(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

fn peak(pid: u32) -> u64 {
    memory(pid, "VmHWM")
}

/// The preview's document, and the most memory that the command line took.
fn preview(sandbox: &Sandbox, package: &Path) -> (Vec<u8>, u64) {
    let output = sandbox.path("work/preview.json");
    let command = sandbox
        .boxwright(["preview", "--format", "json", "--device", "cpu", "--output"])
        .arg(&output)
        .arg(package)
        .arg(photo());
    let mut running = command.start();
    let mut most = 0;
    wait::until("the preview ends", Duration::from_secs(120), || {
        most = peak(running.pid()).max(most);
        running.ended().then_some(())
    });
    running.finish().ok();
    (fs::read(&output).unwrap(), most)
}

/// What lies between two pieces of text.
#[track_caller]
fn between<'a>(text: &'a [u8], start: &str, end: &str) -> &'a [u8] {
    let window = |part: &[u8], what: &str| {
        part.windows(what.len())
            .position(|one| one == what.as_bytes())
    };
    let from = window(text, start).unwrap_or_else(|| panic!("no {start}"));
    let rest = text.strip_suffix(end.as_bytes());
    &rest.unwrap_or_else(|| panic!("no {end} at the end"))[from..]
}

#[test]
fn raw_outputs_of_a_hundred_thousand_rows_stream() {
    let sandbox = Sandbox::new();
    let package = large::raw(&sandbox);
    let (document, most) = preview(&sandbox, &package);
    let expected = between(&document, "\"outputs\":", "}\n]}\n");
    assert!(
        expected.len() as u64 > 2 * OUTPUT,
        "{} bytes",
        expected.len()
    );
    println!("the preview's command line: {} MiB", most / MIB);
    assert!(
        most < 3 * OUTPUT + 60 * MIB,
        "the preview took {} MiB",
        most / MIB
    );

    let serving = Serving::start(&sandbox, &package, "large");
    let pid = serving.server.pid();
    let sample = fs::read(photo()).unwrap();
    let before = peak(pid);
    let answer = serving.predict_bytes(std::slice::from_ref(&sample));
    assert!(
        between(&answer, "\"outputs\":", "}]}") == expected,
        "/predict gives other numbers"
    );
    let by_predict = peak(pid) - before;
    println!(
        "/predict: {} MiB more than {}",
        by_predict / MIB,
        before / MIB
    );
    assert!(
        by_predict < 3 * OUTPUT,
        "/predict took {} MiB",
        by_predict / MIB
    );

    let answer = serving.v2_bytes(std::slice::from_ref(&sample));
    let text = String::from_utf8(answer).unwrap().replace("\\\"", "\"");
    let found = between(text.as_bytes(), "\"outputs\":{", "}\"]}]}");
    assert!(found == expected, "V2 gives other numbers");
    let by_v2 = peak(pid) - before;
    println!("V2: {} MiB", by_v2 / MIB);
    // The text exists once, besides the numbers.
    assert!(by_v2 < 6 * OUTPUT, "V2 took {} MiB", by_v2 / MIB);
}

/// Callers that don't read: each holds its numbers, and past the limit others are refused.
#[test]
fn callers_that_do_not_read_hold_no_more_than_the_limit() {
    let sandbox = Sandbox::new();
    let package = large::raw(&sandbox);
    let environment = [("MEMORY_LIMIT_MB", "640")];
    let serving = Serving::start_with(&sandbox, &package, "large", &environment);
    let pid = serving.server.pid();
    let before = peak(pid);
    let sample = fs::read(photo()).unwrap();
    let callers: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", serving.port)).unwrap();
            let head = format!(
                "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n",
                sample.len()
            );
            stream.write_all(&[head.as_bytes(), &sample].concat()).unwrap();
            stream
        })
        .collect();
    let statuses: Vec<String> = callers
        .iter()
        .map(|mut stream| {
            let mut head = [0; 12];
            stream.read_exact(&mut head).unwrap();
            String::from_utf8_lossy(&head[9..]).into_owned()
        })
        .collect();
    let of = |status: &str| statuses.iter().filter(|one| *one == status).count();
    assert_eq!(of("200") + of("429"), 16, "{statuses:?}");
    assert!(of("200") > 0 && of("429") > 0, "{statuses:?}");
    let more = peak(pid) - before;
    println!(
        "16 callers: {} MiB more, {} answered",
        more / MIB,
        of("200")
    );
    // A quarter of the memory, and what is being made by the threads.
    assert!(more < 160 * MIB + 6 * OUTPUT, "{} MiB", more / MIB);
    drop(callers);
    let answer = wait::maybe(Duration::from_secs(60), || {
        let whole = serving.try_predict(&sample)?;
        whole.ends_with(b"}]}").then_some(())
    });
    assert!(answer.is_some(), "{}", serving.server.log());
}

#[test]
fn a_hundred_thousand_boxes_are_the_same_by_preview_and_server() {
    let sandbox = Sandbox::new();
    let package = large::boxes(&sandbox);
    let (document, most) = preview(&sandbox, &package);
    let expected = between(&document, "\"detections\":", "}\n]}\n");
    let boxes = expected
        .windows(7)
        .filter(|one| one == b"\"score\"")
        .count();
    assert_eq!(boxes, 100_000);
    println!("the preview's command line: {} MiB", most / MIB);
    assert!(most < 250 * MIB, "the preview took {} MiB", most / MIB);
    let serving = Serving::start(&sandbox, &package, "large");
    let pid = serving.server.pid();
    let before = peak(pid);
    let sample = fs::read(photo()).unwrap();
    let answer = serving.predict_bytes(std::slice::from_ref(&sample));
    assert!(
        between(&answer, "\"detections\":", "}]}") == expected,
        "other boxes"
    );
    let answer = serving.v2_bytes(&[sample]);
    let text = String::from_utf8(answer).unwrap().replace("\\\"", "\"");
    let found = between(text.as_bytes(), "\"detections\":", "}\"]}]}");
    assert!(found == expected, "V2 gives other boxes");
    let more = peak(pid) - before;
    println!("the server: {} MiB more", more / MIB);
    assert!(more < 120 * MIB, "{} MiB", more / MIB);
}
