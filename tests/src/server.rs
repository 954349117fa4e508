//! A process that serves one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// A running process, ended when this value goes.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with its output in `log`. It also ends when the test's thread does, so
    /// that a killed test leaves nothing behind.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start(command: &Command, log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log).unwrap();
        let child = tied(command)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// Starts `command` with `input` on its standard input.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start_with_input(command: &Command, input: &[u8], log: &Path) -> Self {
        let file = log.with_extension("in");
        std::fs::write(&file, input).unwrap();
        let output = File::options().create(true).append(true).open(log).unwrap();
        let child = tied(command)
            .stdin(File::open(&file).unwrap())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        std::fs::remove_file(&file).unwrap();
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the system does not know it.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        signal_process(self.pid(), signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let child = &mut self.child;
        if wait::maybe(Duration::from_secs(10), || child.try_wait().ok()?).is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process that may be gone already.
pub fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// `command`, tied to this thread's life by `setpriv`, which becomes it.
fn tied(command: &Command) -> Command {
    let mut tied = Command::new("/usr/bin/setpriv");
    tied.args(["--pdeathsig", "TERM", "--"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(key, value),
            None => tied.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        tied.current_dir(folder);
    }
    tied
}

/// A loopback port that nothing listens on. Another process may take it first: who starts a
/// server on it tries again with another.
///
/// # Panics
/// When the system has none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
