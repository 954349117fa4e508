//! What goes to stderr: progress, warnings, failures. And the signals that cancel.

use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use boxwright_studio::api::{Job, JobItem, JobKind, Unit};
use boxwright_studio::errors::write_failure;
use boxwright_studio::job::{JobChange, JobEvent, JobHandle, JobObserver};
use boxwright_studio::model::Package;
use boxwright_studio::{Failure, Stop, document};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::args::ProgressMode;
use crate::text::{sanitize, sanitize_lines, size};

/// The exit status of a command that was cancelled.
pub const CANCELLED: u8 = 130;

/// Prints progress, warnings and failures to stderr.
pub struct Console {
    mode: ProgressMode,
    bars: Arc<ProgressBars>,
    /// Cancelled by Ctrl-C and SIGTERM.
    cancel: CancellationToken,
}

#[derive(Default)]
struct ProgressBars {
    all: MultiProgress,
    items: Mutex<HashMap<(String, String), ProgressBar>>,
}

impl Console {
    /// A console that prints progress in this way.
    pub fn new(mode: ProgressMode) -> Self {
        Self {
            mode,
            bars: Arc::default(),
            cancel: CancellationToken::new(),
        }
    }

    /// From now on Ctrl-C and SIGTERM cancel the command; a second one ends the program.
    pub fn listen_to_signals(&self) {
        tokio::spawn(cancel_by_signal(self.cancel.clone()));
    }

    /// Waits for `work`, or for a signal, whichever comes first.
    pub async fn or_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Stop> {
        tokio::select! {
            result = work => Ok(result?),
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }

    /// Starts a command's job: its progress is printed, and a signal cancels it.
    pub fn job(&self, kind: JobKind, title: &str, stages: &[&str]) -> JobHandle {
        let terminal = std::io::stderr().is_terminal();
        let bars = Arc::clone(&self.bars);
        let observer: Arc<JobObserver> = match (self.mode, terminal) {
            (ProgressMode::Json, _) => Arc::new(|event, _| print_json_event(event)),
            (ProgressMode::None, _) => Arc::new(|event, _| print_warning(event)),
            (ProgressMode::Auto, true) => Arc::new(move |event, job| bars.show(event, job)),
            (ProgressMode::Plain | ProgressMode::Auto, _) => {
                let printed = Mutex::new(HashSet::new());
                Arc::new(move |event, job| print_event(event, job, &printed))
            }
        };
        let job = JobHandle::start(1, kind, title, stages, observer);
        let (signalled, work) = (self.cancel.clone(), job.cancel().clone());
        tokio::spawn(async move {
            signalled.cancelled().await;
            work.cancel();
        });
        job
    }

    /// Prints a line for people that is not a result.
    pub fn print(&self, line: &str) {
        self.bars.all.suspend(|| eprintln!("{}", sanitize(line)));
    }

    /// Prints a line about how a command went, where progress is printed for people.
    pub fn print_info(&self, line: &str) {
        if matches!(self.mode, ProgressMode::Auto | ProgressMode::Plain) {
            self.print(line);
        }
    }

    /// Prints what was guessed, each guess with its reason.
    pub fn guesses(&self, package: &Package, guesses: &[(String, String)]) {
        for (field, reason) in guesses {
            let value = document::field(package, field).unwrap_or_else(|| "nothing".to_owned());
            self.print(&format!("guessed {field} = {value}: {reason}"));
        }
    }

    /// The command was cancelled.
    pub fn cancelled(&self) {
        self.bars.clear();
        self.print("cancelled");
    }

    /// The command failed: in words, and as JSON where programs read it.
    pub fn failed(&self, failure: &Failure, json: bool) {
        self.print_failure(failure);
        if json {
            let document = ErrorDocument { error: failure };
            // The failure is printed above already.
            let _ = print_line(&serde_json::to_string(&document).unwrap_or_default());
        }
    }

    /// Prints a failure for people.
    pub fn print_failure(&self, failure: &Failure) {
        self.bars.clear();
        let mut text = format!("error: {}\n", sanitize_lines(&failure.message));
        for cause in &failure.causes {
            text.push_str(&format!("  {}\n", sanitize_lines(cause)));
        }
        // Hints may have lines of Python to copy.
        text.push_str(&format!("hint: {}\n", sanitize_lines(&failure.hint)));
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// What is printed in place of a result.
#[derive(serde::Serialize)]
struct ErrorDocument<'a> {
    error: &'a Failure,
}

/// Prints a result to stdout. That stdout is closed is not a failure.
pub fn print_line(line: &str) -> Result<(), Failure> {
    write_line(&mut std::io::stdout().lock(), line)
}

fn write_line(to: &mut impl Write, line: &str) -> Result<(), Failure> {
    match writeln!(to, "{line}").and_then(|()| to.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(write_failure(Path::new("stdout"), &error))
        }
        _ => Ok(()),
    }
}

/// Cancels at the first signal, and ends the program at the second.
async fn cancel_by_signal(cancel: CancellationToken) {
    signal().await;
    cancel.cancel();
    signal().await;
    std::process::exit(CANCELLED.into());
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

fn print_json_event(event: &JobEvent) {
    if let Ok(mut line) = serde_json::to_string(event) {
        line.push('\n');
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

fn print_warning(event: &JobEvent) {
    if let JobChange::Log { level, text } = &event.change
        && level == "warn"
    {
        eprintln!("warning: {}", sanitize(text));
    }
}

/// Prints stages, and each item once it is done.
fn print_event(event: &JobEvent, job: &Job, printed: &Mutex<HashSet<(String, String)>>) {
    match &event.change {
        JobChange::Stage { stage } => eprintln!("{stage}"),
        JobChange::Progress {
            stage,
            item,
            done,
            total,
            ..
        } if Some(*done) == *total => {
            let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = job
                .items
                .iter()
                .find(|one| one.stage == *stage && one.item == *item);
            if let Some(entry) = entry
                && printed.insert((stage.clone(), item.clone()))
            {
                let how = if entry.reused {
                    "already there"
                } else {
                    "done"
                };
                eprintln!("  {} {}, {how}", name(entry), count_text(entry.unit, *done));
            }
        }
        JobChange::Log { level, text } if level == "info" => eprintln!("  {}", sanitize(text)),
        JobChange::Log { .. } => print_warning(event),
        _ => {}
    }
}

fn name(item: &JobItem) -> String {
    let what = if item.label.is_empty() {
        short(&item.item)
    } else {
        item.label.clone()
    };
    match &item.target {
        Some(target) => format!("{what} ({target})"),
        None => what,
    }
}

/// A digest's beginning; anything else as it is.
fn short(item: &str) -> String {
    match item.strip_prefix("sha256:") {
        Some(hex) => hex.chars().take(12).collect(),
        None => sanitize(item),
    }
}

fn count_text(unit: Unit, count: u64) -> String {
    match unit {
        Unit::Bytes => size(count),
        Unit::Images if count == 1 => "1 image".to_owned(),
        Unit::Images => format!("{count} images"),
    }
}

impl ProgressBars {
    fn show(&self, event: &JobEvent, job: &Job) {
        match &event.change {
            JobChange::Stage { .. } => self.clear(),
            JobChange::Progress { stage, item, .. } => {
                let entry = job
                    .items
                    .iter()
                    .find(|one| one.stage == *stage && one.item == *item);
                if let Some(entry) = entry {
                    self.update(entry);
                }
            }
            JobChange::Log { .. } => self.all.suspend(|| print_warning(event)),
            JobChange::Finished { .. } | JobChange::Failed { .. } | JobChange::Cancelled {} => {
                self.clear();
            }
            JobChange::Started { .. } => {}
        }
    }

    fn update(&self, item: &JobItem) {
        let key = (item.stage.clone(), item.item.clone());
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = items.entry(key).or_insert_with(|| self.all.add(bar(item)));
        bar.set_length(item.total.unwrap_or(item.done));
        bar.set_position(item.done);
        if item.reused {
            bar.abandon_with_message(format!("{}, already there", name(item)));
        }
    }

    fn clear(&self) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, bar) in items.drain() {
            bar.finish_and_clear();
        }
        let _ = self.all.clear();
    }
}

fn bar(item: &JobItem) -> ProgressBar {
    let template = match item.unit {
        Unit::Bytes => "{prefix:8} {wide_bar} {bytes:>10} of {total_bytes:10} {msg}",
        Unit::Images => "{prefix:8} {wide_bar} {pos:>6} of {len:6} {per_sec} {msg}",
    };
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(item.total.unwrap_or(0)).with_style(style);
    bar.set_prefix(item.stage.clone());
    bar.set_message(name(item));
    bar
}

#[cfg(test)]
mod tests {
    use boxwright_studio::Code;

    use super::*;

    /// What is written fails so.
    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_result_that_can_not_be_written_is_a_failure_unless_nobody_reads_on() {
        let written = |kind| write_line(&mut Failing(kind), "result");
        let full = written(ErrorKind::StorageFull).expect_err("no room");
        assert_eq!(full.code, Code::DiskFull);
        assert!(full.message.contains("stdout"), "{full}");
        assert_eq!(written(ErrorKind::BrokenPipe), Ok(()));
    }
}
