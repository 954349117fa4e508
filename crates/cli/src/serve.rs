//! `boxwright serve`: becomes the container's server.

use std::process::{Command, ExitCode};

use boxwright_studio::Failure;
use boxwright_studio::build::DataDir;
use boxwright_studio::errors::blocking;
use boxwright_studio::model::runtime::ENVIRONMENT;

use crate::args::Serve;
use crate::console::Console;
use crate::package;

/// Serves a package on 127.0.0.1.
pub async fn serve(args: Serve, console: &Console) -> Result<ExitCode, Failure> {
    // Opened first, so that its problems are reported like those of other commands.
    package::open(&args.package, console).await?;
    let program = DataDir::find()?.serve_program();
    let mut command = Command::new(&program);
    command
        .arg("--package")
        .arg(&args.package)
        .args(["--host", "127.0.0.1", "--port", &args.port.to_string()])
        .envs(ENVIRONMENT);
    blocking(move || {
        let message = format!("{} can't be started", program.display());
        run(command).map_err(|error| Failure::internal(message).caused_by(&error))
    })
    .await
}

#[cfg(unix)]
fn run(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn run(mut command: Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
