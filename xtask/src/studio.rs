//! Opens the studio as it stands in this checkout, or takes a picture of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::places::Places;
use crate::result::Result;
use crate::{cargo, dist, process, setup, share, stamp};

/// Longest that the preview on a picture may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// The size of the picture.
const SCREEN: &str = "1440x900x24";

/// `cargo xtask studio`.
pub fn run(places: &Places, words: &[&str]) -> Result {
    let (picture, files) = arguments(words)?;
    let display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if picture.is_none() && !display {
        return Err(
            "there is no display here to open a window on (DISPLAY and WAYLAND_DISPLAY are not \
             set). `cargo xtask studio --screenshot FILE.png` saves a picture of the window instead"
                .to_owned(),
        );
    }
    if !dist::has_studio(places) {
        return Err("this checkout has no src-tauri, which is the studio's window".to_owned());
    }
    setup::run(places, setup::Need::Window)?;
    share::make(places)?;
    dist::page(places)?;
    let program = process::step("The studio", || build(places))?;
    let mut studio = process::command(program, files);
    studio.env("BOXWRIGHT_HOME", places.share());
    match picture {
        Some(picture) => process::step("Picture", || take(places, &mut studio, &picture)),
        None => {
            println!("==> The studio is open: this ends when its window is closed");
            process::run(&mut studio)
        }
    }
}

/// Builds the window's program for tests and for looking at it.
pub fn build(places: &Places) -> Result<PathBuf> {
    let words = ["build", "--locked", "--package", "boxwright-studio-app"];
    process::run(&mut cargo::cargo(places, words))?;
    Ok(places.target.join("debug/boxwright-studio"))
}

fn arguments(words: &[&str]) -> Result<(Option<PathBuf>, Vec<PathBuf>)> {
    let (mut picture, mut files) = (None, Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--screenshot" => {
                let file = rest
                    .next()
                    .ok_or("--screenshot takes the name of a .png file")?;
                picture = Some(absolute(file)?);
            }
            option if option.starts_with("--") => {
                return Err(format!(
                    "studio has no option {option}: see `cargo xtask help`"
                ));
            }
            file => files.push(absolute(file)?),
        }
    }
    Ok((picture, files))
}

fn absolute(file: &str) -> Result<PathBuf> {
    std::path::absolute(file).map_err(|error| format!("{file}: {error}"))
}

/// Runs `studio` on a display of its own until its preview is painted, and saves what is seen.
fn take(places: &Places, studio: &mut Command, picture: &Path) -> Result {
    let scratch = places
        .cache
        .join(format!("screenshot-{}", std::process::id()));
    stamp::clear(&scratch)?;
    let ready = scratch.join("ready");
    stamp::write(&scratch.join("settings/.keep"), "")?;
    let screen = Screen::start()?;
    studio
        .env("DISPLAY", &screen.name)
        .env_remove("WAYLAND_DISPLAY")
        .env("GDK_BACKEND", "x11")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1")
        .env("BOXWRIGHT_SCREENSHOT_READY", &ready)
        // As it is at first start, whatever the user has made of it since.
        .env("BOXWRIGHT_CONFIG", scratch.join("settings"))
        .env("BOXWRIGHT_CACHE", scratch.join("cache"));
    let mut running = Ended(
        studio
            .spawn()
            .map_err(|error| format!("the studio can't be started: {error}"))?,
    );
    let start = Instant::now();
    while !ready.exists() {
        if let Ok(Some(status)) = running.0.try_wait() {
            return Err(format!("the studio ended before its preview had: {status}"));
        }
        if start.elapsed() > PATIENCE {
            let waited = PATIENCE.as_secs();
            return Err(format!("the preview had not finished after {waited} s"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut import = process::command("import", ["-window", "root"]);
    process::run(import.arg(picture).env("DISPLAY", &screen.name))?;
    println!("    {}", picture.display());
    drop(running);
    stamp::clear(&scratch)
}

/// A display in memory.
struct Screen {
    name: String,
    _server: Ended,
}

impl Screen {
    fn start() -> Result<Self> {
        // The server chooses a free number and writes it to stdout.
        let words = [
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
        ];
        let mut server = process::command("Xvfb", words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb can't be started: {error}"))?;
        let stdout = server.stdout.take();
        let server = Ended(server);
        let mut number = String::new();
        if let Some(stdout) = stdout {
            let read = BufReader::new(stdout).read_line(&mut number);
            read.map_err(|error| format!("Xvfb says no display: {error}"))?;
        }
        match number.trim() {
            "" => Err("Xvfb ended without a display".to_owned()),
            number => Ok(Self {
                name: format!(":{number}"),
                _server: server,
            }),
        }
    }
}

/// A process that is ended when this is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
