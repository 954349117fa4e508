//! The worker's process: started in a process group of its own, and described when it ends.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use boxwright_model::runtime::ENVIRONMENT;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::WorkerError;

/// Bytes of stderr that are kept.
const TAIL_BYTES: usize = 16 << 10;
/// Lines of stderr that are reported.
const TAIL_LINES: usize = 40;
/// How long the rest of the stderr of a worker that ended may take to arrive.
const STDERR_TIMEOUT: Duration = Duration::from_millis(200);

/// How a worker is started. `ORT_DISABLE_TELEMETRY=1` is always in its environment.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program: `boxwright-serve`.
    pub program: PathBuf,
    /// Its arguments: `worker`.
    pub args: Vec<OsString>,
    /// Variables that are set, over those inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Whether nothing is inherited.
    pub clear_env: bool,
    /// The folder that it runs in; the caller's where absent.
    pub current_dir: Option<PathBuf>,
}

impl WorkerCommand {
    /// `PROGRAM worker` in the caller's environment and folder.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: vec!["worker".into()],
            env: Vec::new(),
            clear_env: false,
            current_dir: None,
        }
    }

    fn build(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if self.clear_env {
            command.env_clear();
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.envs(ENVIRONMENT);
        if let Some(folder) = &self.current_dir {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.kill_on_drop(true);
        // A group of its own: what the worker starts ends with it, and Ctrl-C in a terminal
        // reaches the program that keeps it, which then decides.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// A started worker. Dropping it kills the process and its group.
pub(crate) struct Process {
    child: Child,
    tail: StderrTail,
}

impl Process {
    pub(crate) fn spawn(
        command: &WorkerCommand,
    ) -> Result<(Self, ChildStdin, ChildStdout), WorkerError> {
        let start = |source| WorkerError::Start {
            program: command.program.clone(),
            source,
        };
        let mut child = command.build().spawn().map_err(start)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(start(std::io::Error::other("it has no pipes")));
        };
        Ok((
            Self {
                child,
                tail: StderrTail::follow(stderr),
            },
            stdin,
            stdout,
        ))
    }

    /// The process id, while it has not been waited for.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether the process is stopped by a signal, as far as the system tells.
    pub(crate) fn is_stopped(&self) -> bool {
        self.child.id().is_some_and(|pid| state(pid) == Some('T'))
    }

    /// Kills the process and all that it started.
    pub(crate) fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.group() {
            // Fails only when the group is already gone.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }

    /// How the process ended, once it does; `None` when it still runs after `limit`.
    pub(crate) async fn ended(&mut self, limit: Duration) -> Option<String> {
        match timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) => Some(describe(status)),
            Ok(Err(error)) => Some(format!("can't be waited for: {error}")),
            Err(_) => None,
        }
    }

    /// The last lines of stderr.
    pub(crate) async fn stderr(&mut self) -> String {
        self.tail.text().await
    }

    // A process that has been waited for has no id any more, so another process that got the
    // same number is never hit.
    #[cfg(unix)]
    fn group(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The one-letter state of a process; `None` where the system does not tell.
fn state(pid: u32) -> Option<char> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the state is in parentheses and may itself hold any character.
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return match signal_name(signal) {
                Some(name) => format!("was killed by signal {signal} ({name})"),
                None => format!("was killed by signal {signal}"),
            };
        }
    }
    match status.code() {
        Some(code) => format!("ended with status {code}"),
        None => format!("ended: {status}"),
    }
}

/// The names of the signals that end programs.
#[cfg(unix)]
fn signal_name(signal: i32) -> Option<&'static str> {
    use rustix::process::Signal;
    const NAMES: [(Signal, &str); 12] = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::TERM, "SIGTERM"),
        (Signal::SYS, "SIGSYS"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| known.as_raw() == signal)
        .map(|(_, name)| *name)
}

/// The end of what a process writes to stderr. It is always read, so that the process never
/// blocks on a full pipe, and never grows.
struct StderrTail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    reading: JoinHandle<()>,
}

impl StderrTail {
    fn follow(mut stderr: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&bytes);
        let reading = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&buffer[..count]);
                let excess = kept.len().saturating_sub(TAIL_BYTES);
                kept.drain(..excess);
            }
        });
        Self { bytes, reading }
    }

    async fn text(&mut self) -> String {
        // Something else may hold the other end open: what has come by then is enough.
        let _ = timeout(STDERR_TIMEOUT, &mut self.reading).await;
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(bytes.make_contiguous()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for StderrTail {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
