//! `boxwright-serve`: the program in the container. A server; a worker that speaks frames on
//! stdin and stdout; a health check. All three run the one pipeline of `boxwright-predict`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]
#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test holds a table of cases")
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

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use settings::{Flags, Settings};

/// The exit status of wrong flags, variables and settings.
const USAGE_ERROR: u8 = 2;

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
    match Arguments::read() {
        Ok(arguments) => run(arguments).unwrap_or_else(|message| usage_error(&message)),
        Err(message) => usage_error(&message),
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, String> {
    match arguments.command {
        Some(Command::Worker) => {
            log::init()?;
            Ok(worker::run())
        }
        Some(Command::Health) => Ok(healthcheck::check(&Settings::new(arguments.flags)?)),
        None => {
            log::init()?;
            crash::install_handlers();
            process::return_freed_memory();
            Ok(server::run(Settings::new(arguments.flags)?))
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(USAGE_ERROR)
}

impl Arguments {
    /// Reads the command line and the environment. Ends the process where clap has something to say:
    /// help, the version, or that a flag is wrong.
    ///
    /// # Errors
    /// Where a variable is wrong.
    fn read() -> Result<Self, String> {
        // A worker takes no settings: the variables belong to the program that starts it.
        let is_worker = std::env::args_os()
            .nth(1)
            .is_some_and(|first| first == "worker");
        let mut command = match is_worker {
            true => settings::ignoring_environment(Self::command()),
            false => settings::reading_environment(Self::command()),
        };
        let arguments = command
            .try_get_matches_from_mut(std::env::args_os())
            .and_then(|matches| Self::from_arg_matches(&matches));
        arguments.map_err(|error| match settings::variable_error(&command, &error) {
            Some(message) => message,
            None => error.exit(),
        })
    }
}
