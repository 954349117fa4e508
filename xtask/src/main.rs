//! `cargo xtask`: sets up a machine, and builds, tests and shows Boxwright.
//!
//! Only the standard library is used, so that a fresh machine has this within seconds; what needs
//! more (layers, the catalogue) is done by `boxwright-assemble`, which this program builds.

mod apt;
mod base;
mod cargo;
mod dist;
mod layer;
mod lock;
mod notices;
mod onnxruntime;
mod places;
mod process;
mod result;
mod runtimes;
mod setup;
mod share;
mod stamp;
mod studio;
mod suite;
mod tally;

use std::process::ExitCode;

use places::Places;
use result::Result;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  studio [--screenshot FILE.png] [FILE…]   set up, build, and open the studio on the sample package,
                                           or on FILE…; with --screenshot, save a picture and exit
  test [--all]                             set up, build, and run every check and test; with --all, of
                                           larger sets of pictures and recipes too: far longer
  bench                                    measure, and print one table
  dist                                     release programs and their share folder into dist/
  setup                                    only install what the rest needs
  runtimes                                 only the share folder: boxwright-serve and ONNX Runtime for
                                           each platform, on their base layers
  base [--update-lock]                     only the base layers; with --update-lock, of today's packages

Whatever can be kept is kept in ~/.cache/boxwright, so that a second run takes seconds.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = Places::find().and_then(|places| run(&places, &words));
    match done {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(places: &Places, words: &[&str]) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match words {
        ["studio", rest @ ..] => studio::run(places, rest).map(done),
        ["test"] => suite::run(places, suite::Sets::Usual),
        ["test", "--all"] => suite::run(places, suite::Sets::All),
        ["bench", rest @ ..] => bench(places, rest).map(done),
        ["dist"] => dist::run(places).map(done),
        ["setup"] => setup::run(places, setup::Need::Test).map(done),
        ["runtimes"] => {
            setup::run(places, setup::Need::Images)?;
            share::make(places).map(done)
        }
        ["base"] => base::run(places, false).map(done),
        ["base", "--update-lock"] => base::run(places, true).map(done),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}

/// Measures the programs as they ship.
fn bench(places: &Places, words: &[&str]) -> Result {
    const PACKAGE: &str = "boxwright-bench";
    process::output(&mut cargo::cargo(places, ["pkgid", "--package", PACKAGE]))
        .map_err(|_| "this checkout has no benchmarks".to_owned())?;
    dist::run(places)?;
    let run = [
        "run",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        PACKAGE,
        "--",
    ];
    let mut bench = cargo::cargo(places, run);
    bench
        .args(words)
        .env("BOXWRIGHT_BIN", places.dist().join("bin"))
        .env("BOXWRIGHT_HOME", places.share());
    process::run(&mut bench)
}
