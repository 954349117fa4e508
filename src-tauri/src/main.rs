//! The desktop shell: a window around the page of `ui/`, and one-line commands into
//! [`boxwright_studio::Studio`]. What the studio does is decided there, not here.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod dialogs;
mod pictures;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use boxwright_studio::Studio;
use tauri::{AppHandle, Emitter, Manager, RunEvent};
use tokio::sync::broadcast::error::RecvError;

const USAGE: &str = "Usage: boxwright-studio [FILE…]\n\n\
    Opens a package, a model, labels and pictures just as if they had been dropped on the window.";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        Some("--help" | "-h") => println!("{USAGE}"),
        Some("--version" | "-V") => println!("boxwright-studio {}", env!("CARGO_PKG_VERSION")),
        _ if !window::has_display() => {
            let hint = "Start it on a desktop, or use the command line: boxwright --help";
            return exit_with_error("there is no display to open a window on", hint);
        }
        _ => return run(arguments),
    }
    ExitCode::SUCCESS
}

fn run(files: Vec<PathBuf>) -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("BOXWRIGHT_LOG")
                .unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let studio = match tauri::async_runtime::block_on(async { Studio::new() }) {
        Ok(studio) => studio,
        Err(failure) => return exit_with_error(&failure.message, &failure.hint),
    };
    let app = tauri::Builder::default()
        .manage(studio.clone())
        .manage(commands::Clipboard::default())
        .manage(commands::StartupFailure::default())
        .register_asynchronous_uri_scheme_protocol("boxwright", pictures::answer)
        .on_window_event(window::on_event)
        .invoke_handler(commands::handler())
        .setup(move |app| {
            window::open(app, &studio)?;
            forward(app.handle().clone(), studio.clone());
            tauri::async_runtime::spawn(open(app.handle().clone(), studio, files));
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app
            .run_return(on_exit)
            .try_into()
            .map_or(ExitCode::FAILURE, u8::into),
        Err(error) => exit_with_error(
            &error.to_string(),
            "WebKitGTK 4.1 has to be installed; the command line needs none: boxwright --help",
        ),
    }
}

fn exit_with_error(message: &str, hint: &str) -> ExitCode {
    eprintln!("error: {message}\nhint: {hint}");
    ExitCode::FAILURE
}

fn on_exit(app: &AppHandle, event: RunEvent) {
    if matches!(event, RunEvent::Exit) {
        let studio = app.state::<Studio>().inner().clone();
        tauri::async_runtime::block_on(async move { studio.shut_down().await });
    }
}

/// Opens what the command line names, else the last package, else the sample. A failure is stored
/// until the page receives events.
async fn open(app: AppHandle, studio: Studio, files: Vec<PathBuf>) {
    let last = studio.state().recent.first().map(|recent| recent.id);
    let opened = if !files.is_empty() {
        studio.open(files).await
    } else if let Some(id) = last {
        studio.open_recent(id).await
    } else {
        studio.open_sample().await
    };
    if let Err(failure) = opened {
        tracing::warn!(%failure, "nothing was opened at the start");
        app.state::<commands::StartupFailure>().store(failure);
    }
}

/// Sends the studio's events to the page; the whole state where events were lost.
fn forward(app: AppHandle, studio: Studio) {
    let mut events = studio.subscribe();
    tauri::async_runtime::spawn(async move {
        loop {
            let sent = match events.recv().await {
                Ok(event) => app.emit_to(window::LABEL, "studio", &event),
                Err(RecvError::Lagged(_)) => app.emit_to(window::LABEL, "state", studio.state()),
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = sent {
                tracing::warn!(%error, "an event can't be sent to the page");
            }
        }
    });
}
