//! The log: one line an event on stderr, as text or (`LOG=json`) as one JSON object.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Starts logging in the format that `LOG` names (text or json), from the level on that `LOG_LEVEL`
/// names (error, warn, info, debug, trace or off). A panic is logged too, without a stack trace.
///
/// # Errors
/// Where a variable has another value.
pub fn init() -> Result<(), String> {
    let level = match variable("LOG_LEVEL") {
        None => LevelFilter::INFO,
        Some(text) => text.parse().map_err(|_| {
            format!("the variable LOG_LEVEL is `{text}`: it is one of error, warn, info, debug, trace and off")
        })?,
    };
    // Libraries only log warnings: below that they log the bytes of connections, which callers sent.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("boxwright", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let registry = tracing_subscriber::registry();
    match variable("LOG").as_deref() {
        None | Some("text") => registry.with(lines.with_filter(filter)).init(),
        Some("json") => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            registry.with(lines.with_filter(filter)).init();
        }
        Some(other) => {
            return Err(format!(
                "the variable LOG is `{other}`: it is one of text and json"
            ));
        }
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "a panic: {message}");
    }));
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?
        .to_string_lossy()
        .trim()
        .to_ascii_lowercase();
    (!value.is_empty()).then_some(value)
}
