//! From the start of a program until it can be used.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::failed::Failed;
use crate::server::{Ended, Server};
use crate::table::{Aim, Row, median};

const RUNS: usize = 9;
const DEADLINE: Duration = Duration::from_secs(60);

/// `boxwright-serve` with the sample: until `/v2/health/ready` answers 200.
pub fn serve(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let (mut seconds, mut memory) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let server = Server::ours(bench)?;
        // The first run reads the files into the page cache.
        if run > 0 {
            seconds.push(server.seconds);
            memory.push(server.peak_mib());
        }
    }
    Ok(vec![Row {
        what: "serve: start to ready".into(),
        figure: median(&seconds),
        unit: "s",
        aim: Aim::AtMost(0.3),
        detail: format!("{:.0} MiB resident at most", median(&memory)),
    }])
}

/// The studio with the sample: until its window shows the finished preview, which is later than
/// when it can first be used.
pub fn studio(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let (display, _server) = virtual_display()?;
    let mut seconds = Vec::new();
    for run in 0..=5 {
        let ready = bench.scratch.path().join(format!("studio-ready-{run}"));
        let taken = open_studio(bench, &display, &ready)?;
        if run > 0 {
            seconds.push(taken);
        }
    }
    Ok(vec![Row {
        what: "studio: start to finished preview".into(),
        figure: median(&seconds),
        unit: "s",
        aim: Aim::AtMost(1.5),
        detail: "under Xvfb, without a GPU".into(),
    }])
}

fn open_studio(bench: &Bench, display: &str, ready: &Path) -> Result<f64, Failed> {
    let state = bench.scratch.path();
    let mut command = Command::new(bench.programs.bin.join("boxwright-studio"));
    command
        .arg(bench.sample())
        .env("DISPLAY", display)
        .env("BOXWRIGHT_HOME", &bench.programs.share)
        .env("BOXWRIGHT_CONFIG", state.join("config"))
        .env("BOXWRIGHT_CACHE", state.join("cache"))
        .env("BOXWRIGHT_SCREENSHOT_READY", ready)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let _studio = Ended(command.spawn()?);
    while !ready.exists() {
        if started.elapsed() > DEADLINE {
            return Err("the studio's window was not ready within a minute".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(started.elapsed().as_secs_f64())
}

/// An X server without a screen, on a display number of its own choice.
fn virtual_display() -> Result<(String, Ended), Failed> {
    let mut command = Command::new("Xvfb");
    command.args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1440x900x24",
        "-nolisten",
        "tcp",
    ]);
    let mut server = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = server.stdout.take().ok_or("Xvfb has no stdout")?;
    let server = Ended(server);
    let mut number = String::new();
    BufReader::new(stdout).read_line(&mut number)?;
    Ok((format!(":{}", number.trim()), server))
}
