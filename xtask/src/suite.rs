//! `cargo xtask test`: everything that says whether this checkout is good.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::places::Places;
use crate::tally::{self, Tally};
use crate::{Result, cargo, dist, process, setup, share};

/// Programs that the checks need, with the versions that are installed where they are missing.
const TOOLS: [(&str, &str); 3] = [
    ("cargo-deny", "0.20.2"),
    ("cargo-machete", "0.9.2"),
    ("tauri-driver", "2.1.0"),
];

/// Sets up, builds, and runs every check; one that fails does not keep the rest from running.
pub fn run(places: &Places) -> Result<ExitCode> {
    let start = Instant::now();
    setup::run(places, setup::Need::Test)?;
    let mut suite = Suite::new(places);
    suite.check("Page", || dist::page(places));
    suite.check("Share folder", || share::make(places));
    suite.check("Formatting", || {
        process::run(&mut cargo::cargo(places, ["fmt", "--all", "--check"]))
    });
    suite.check("Lints", || lints(places));
    suite.tools();
    suite.check("Dependencies: sources, licences, bans", || {
        let mut deny = suite_tool(places, "cargo-deny");
        process::run(
            deny.args(["--workspace", "check", "--hide-inclusion-graph"])
                .args(["bans", "licenses", "sources"]),
        )
    });
    suite.check("Dependencies: none unused", || {
        process::run(suite_tool(places, "cargo-machete").arg("--skip-target-dir"))
    });
    suite.check("Programs and tests are built", || {
        let words = ["build", "--workspace", "--locked", "--bins", "--tests"];
        process::run(&mut cargo::cargo(places, words))
    });
    suite.tests("Unit and crate tests", {
        let words = ["test", "--workspace", "--locked", "--no-fail-fast"];
        let mut test = cargo::cargo(places, words);
        test.args(["--exclude", "boxwright-tests"]);
        test
    });
    suite.check("Page: types", || {
        process::run(&mut setup::npm(places, ["run", "--silent", "check"]))
    });
    suite.tests("Page: tests", setup::npm(places, ["test", "--silent"]));
    suite.tests("Journeys, the window, and the architecture", {
        let words = [
            "test",
            "--locked",
            "--no-fail-fast",
            "--package",
            "boxwright-tests",
        ];
        cargo::cargo(places, words)
    });
    Ok(suite.end(start))
}

fn lints(places: &Places) -> Result {
    let words = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
    ];
    process::run(cargo::cargo(places, words).args(["--", "-D", "warnings"]))
}

/// The checks so far.
struct Suite<'a> {
    places: &'a Places,
    tally: Tally,
    failures: Vec<String>,
}

impl<'a> Suite<'a> {
    fn new(places: &'a Places) -> Self {
        Self {
            places,
            tally: Tally::default(),
            failures: Vec::new(),
        }
    }

    /// One check, which counts as one test.
    fn check(&mut self, heading: &str, work: impl FnOnce() -> Result) {
        match process::step(heading, work) {
            Ok(()) => self.tally.passed += 1,
            Err(message) => {
                self.tally.failed += 1;
                self.fail(message);
            }
        }
    }

    /// A command that runs tests, which count themselves.
    fn tests(&mut self, heading: &str, mut command: Command) {
        let places = self.places;
        command
            .env("BOXWRIGHT_BIN", places.target.join("debug"))
            .env("BOXWRIGHT_HOME", places.share())
            // What the tests make has no colours in it.
            .env("NO_COLOR", "1");
        let ran = process::step(heading, || tally::run(&mut command));
        match ran {
            Ok((tally, succeeded)) => {
                self.tally.add(tally);
                if !succeeded {
                    // Where not even the tests were built, none has counted.
                    self.tally.failed += u64::from(tally.failed == 0);
                    self.fail(format!("{heading}: {} failed", tally.failed.max(1)));
                }
            }
            Err(message) => {
                self.tally.failed += 1;
                self.fail(message);
            }
        }
    }

    /// Installs the programs that the checks need.
    fn tools(&mut self) {
        let places = self.places;
        for (name, version) in TOOLS {
            let note = format!("{name}-{version}");
            let installed = tools(places).join("installed").join(&note);
            if installed.is_file() && tools(places).join("bin").join(name).is_file() {
                continue;
            }
            self.check(&format!("{name} {version}"), || {
                let words = [
                    "install", "--locked", "--quiet", "--debug", "--force", "--root",
                ];
                let mut install = cargo::cargo(places, words);
                install
                    .arg(tools(places))
                    .args(["--version", version, name]);
                install.env("CARGO_TARGET_DIR", places.cache.join("target-tools"));
                process::run(&mut install)?;
                crate::stamp::write(&installed, "")
            });
        }
    }

    fn fail(&mut self, message: String) {
        eprintln!("FAILED: {message}");
        self.failures.push(message);
    }

    /// Says how it went.
    fn end(self, start: Instant) -> ExitCode {
        println!("==> All of it took {}", process::took(start));
        for failure in &self.failures {
            println!("FAILED: {failure}");
        }
        let Tally {
            passed,
            failed,
            skipped,
        } = self.tally;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        match self.failures.is_empty() && failed == 0 {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

/// Where the programs for the checks are kept.
fn tools(places: &Places) -> PathBuf {
    places.cache.join("tools")
}

fn suite_tool(places: &Places, name: &str) -> Command {
    let mut tool = process::command::<&str>(tools(places).join("bin").join(name), []);
    tool.current_dir(&places.root);
    tool
}
