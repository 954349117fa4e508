//! Measures Boxwright against its limits and its peers. Every row interleaves both sides in the
//! same run and gives medians; a row that misses its aim is said, and the exit status is 1.
//!
//! `cargo xtask bench [ROW…]` runs the rows whose name holds one of the words.

mod bench;
mod failed;
mod load;
mod preview;
mod process;
mod programs;
mod publish;
mod server;
mod serving;
mod start;
mod table;
mod two_gigabytes;
mod yolo;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use bench::{Bench, PAGES};
use boxwright_model::runtime::ENVIRONMENT;
use failed::Failed;
use programs::Programs;
use table::Row;

/// Measures one or more rows.
type Measurement = fn(&Bench) -> Result<Vec<Row>, Failed>;

/// Names and functions of the measurements.
const ROWS: &[(&str, Measurement)] = &[
    ("preview", preview::against_the_limit),
    ("preview-large", preview::large_against_the_limit),
    ("python", preview::against_python),
    ("yolo", yolo::detector),
    ("yolo-masks", yolo::masks),
    ("publish", publish::into_an_empty_repository),
    ("labels", publish::only_the_labels_changed),
    ("size", publish::image_size),
    ("inspect", publish::inspect_two_gigabytes),
    ("package", publish::package_two_gigabytes),
    ("serve-start", start::serve),
    ("serve-limit", serving::against_the_limit),
    ("serve-peers", serving::against_peers),
    ("serve-size", serving::image_size),
    ("studio", start::studio),
];

fn main() -> ExitCode {
    if std::env::var_os(PAGES).is_none() {
        // The limits are measured in this process, which is to have what the programs have.
        let error = std::env::current_exe().map(|program| {
            Command::new(program)
                .args(std::env::args_os().skip(1))
                .envs(ENVIRONMENT)
                .exec()
        });
        eprintln!("error: {error:?}");
        return ExitCode::FAILURE;
    }
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            eprintln!("{missed} rows miss their aim");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<usize, Failed> {
    let bench = Bench {
        programs: Programs::find()?,
        scratch: tempfile::tempdir()?,
    };
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let mut rows = Vec::new();
    let mut failed = 0;
    for (name, measure) in ROWS.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("measuring {name} …");
        match measure(&bench) {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                eprintln!("{name} could not be measured: {error}");
                failed += 1;
            }
        }
    }
    Ok(table::print(&rows) + failed)
}
