//! `boxwright-serve`: the program in the container. A server; a worker that speaks frames on
//! stdin and stdout; a health check. All three run the one pipeline of `boxwright-predict`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

mod crash;
mod healthcheck;
mod log;
mod package;
mod process;
mod server;
mod settings;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use settings::{Flags, Settings};

/// Serves a packaged model over HTTP.
#[derive(Parser)]
#[command(
    name = "boxwright-serve",
    version,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Predict for the program that holds stdin and stdout, in frames.
    Worker,
    /// Ask the server on this machine whether it is ready; exit 0 if it is, 1 if not.
    Health,
}

fn main() -> ExitCode {
    if let Err(message) = process::disable_telemetry() {
        eprintln!("error: {message}");
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::parse();
    if !matches!(arguments.command, Some(Command::Health))
        && let Err(message) = log::init()
    {
        eprintln!("error: {message}");
        return ExitCode::from(2);
    }
    match arguments.command {
        Some(Command::Worker) => worker::run(),
        Some(Command::Health) => with(arguments.flags, |settings| healthcheck::check(&settings)),
        None => {
            crash::install_handlers();
            process::return_freed_memory();
            with(arguments.flags, server::run)
        }
    }
}

fn with(flags: Flags, run: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match Settings::new(flags) {
        Ok(settings) => run(settings),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}
