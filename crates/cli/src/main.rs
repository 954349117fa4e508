//! `boxwright`: the studio's use cases on the command line.

#![cfg_attr(test, allow(clippy::expect_used, reason = "a test may fail"))]

mod args;
mod console;
mod doctor;
mod example;
mod inspect;
mod login;
mod package;
mod preview;
mod publish;
mod python;
mod recipe;
mod serve;
mod text;

use std::process::ExitCode;

use boxwright_studio::errors::blocking;
use boxwright_studio::{Failure, Stop};
use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command, Format};
use console::{CANCELLED, Console};

fn main() -> ExitCode {
    let Arguments { progress, command } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let console = Console::new(progress);
    let json = wants_json(&command);
    let result = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let result = runtime.block_on(async {
                console.listen_to_signals();
                run(command, &console).await
            });
            // Blocking calls that have not returned, such as one to a keychain, are not waited for.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Failure::internal("no threads can be started")
            .caused_by(&error)
            .into()),
    };
    match result {
        Ok(status) => status,
        Err(Stop::Cancelled) => {
            console.cancelled();
            ExitCode::from(CANCELLED)
        }
        Err(Stop::Failed(failure)) => {
            console.failed(&failure, json);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, console: &Console) -> Result<ExitCode, Stop> {
    match command {
        // A job that is cancelled cleans up before it ends.
        Command::Preview(args) => preview::preview(args, console).await?,
        Command::Build(args) => publish::build(args, console).await?,
        Command::Publish(args) => return publish::publish(args, console).await,
        Command::Verify(args) => return publish::verify(args, console).await,
        other => return console.or_cancelled(run_without_job(other, console)).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_without_job(command: Command, console: &Console) -> Result<ExitCode, Failure> {
    match command {
        Command::Inspect(args) => blocking(move || inspect::inspect(&args)).await?,
        Command::Init(args) => package::init(args, console).await?,
        Command::Example(args) => example::example(args, console).await?,
        Command::Match(args) => recipe::find(args, console).await?,
        Command::Python(args) => python::python(&args, console).await?,
        Command::Login(args) => login::login(args, console).await?,
        Command::Logout(args) => login::logout(args).await?,
        Command::Doctor(args) => doctor::doctor(&args).await?,
        Command::Serve(args) => return serve::serve(args, console).await,
        Command::Preview(_) | Command::Build(_) | Command::Publish(_) | Command::Verify(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a failure goes to stdout as JSON too.
fn wants_json(command: &Command) -> bool {
    match command {
        Command::Inspect(args) => args.json,
        Command::Preview(args) => args.format != Format::Text,
        Command::Doctor(args) => args.json,
        Command::Match(args) => args.json,
        Command::Build(_) | Command::Publish(_) | Command::Verify(_) => true,
        Command::Init(_)
        | Command::Example(_)
        | Command::Python(_)
        | Command::Login(_)
        | Command::Logout(_)
        | Command::Serve(_) => false,
    }
}
