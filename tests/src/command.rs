//! One run of a command line, watched while it runs and judged when it ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::server::signal_process;
use crate::wait;

/// A command line that is being put together. Its environment is empty but for what is given.
#[derive(Debug)]
pub struct Command {
    inner: std::process::Command,
    input: Vec<u8>,
}

impl Command {
    /// The program at this path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = std::process::Command::new(program);
        inner.env_clear();
        Self {
            inner,
            input: Vec::new(),
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.inner.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    /// Where it runs.
    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.inner.current_dir(folder);
        self
    }

    /// What it reads from its standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// The same command, started by another program that takes it as its last arguments:
    /// `strace`, `unshare`.
    pub fn under<S: AsRef<OsStr>>(self, wrapper: &Path, args: impl IntoIterator<Item = S>) -> Self {
        let mut inner = std::process::Command::new(wrapper);
        inner
            .env_clear()
            .args(args)
            .arg(self.inner.get_program())
            .args(self.inner.get_args());
        inner.envs(
            self.inner
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        if let Some(folder) = self.inner.get_current_dir() {
            inner.current_dir(folder);
        }
        Self {
            inner,
            input: self.input,
        }
    }

    /// What is run, for messages and for starting it as a server.
    pub fn plain(&self) -> &std::process::Command {
        &self.inner
    }

    /// Runs it to its end.
    pub fn run(self) -> Run {
        self.start().finish()
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start(mut self) -> Running {
        let started = Instant::now();
        let mut child = self
            .inner
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.inner));
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // On a thread of its own: the program may answer before it has read everything. A
        // program that reads nothing closes the pipe, which is no error of the test.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        let mut stdout = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let lines = Lines::default();
        let stderr = lines.follow(child.stderr.take().unwrap());
        let line = format!("{:?}", self.inner);
        Running {
            child,
            line,
            started,
            lines,
            readers: Some((stdout, stderr)),
        }
    }
}

/// Lines with the time at which each arrived.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Instant, String)>>>);

impl Lines {
    fn follow(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let lines = self.0.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.lock().unwrap().push((Instant::now(), text));
                line.clear();
            }
        })
    }

    fn all(&self) -> Vec<(Instant, String)> {
        self.0.lock().unwrap().clone()
    }
}

/// A command that runs; killed when this value goes.
#[derive(Debug)]
pub struct Running {
    child: Child,
    line: String,
    started: Instant,
    lines: Lines,
    readers: Option<(JoinHandle<Vec<u8>>, JoinHandle<()>)>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        signal_process(self.pid(), signal);
    }

    /// Waits for an event on its standard error that `matches`.
    ///
    /// # Panics
    /// When none comes, with all that did.
    pub fn event(&mut self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let found = wait::maybe(wait::LONG, || {
            let ended = self.child.try_wait().unwrap().is_some();
            let lines = self.lines.all();
            match lines
                .iter()
                .filter_map(|(_, line)| event(line))
                .find(|event| matches(event))
            {
                Some(event) => Some(Ok(event)),
                None if ended => Some(Err(lines)),
                None => None,
            }
        });
        match found {
            Some(Ok(event)) => event,
            Some(Err(lines)) => panic!("{}\nended before {what}: {lines:#?}", self.line),
            None => panic!("{}\nno {what}: {:#?}", self.line, self.lines.all()),
        }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn finish(mut self) -> Run {
        let child = &mut self.child;
        let what = format!("the end of {}", self.line);
        let status = wait::until(&what, wait::LONG * 2, || child.try_wait().unwrap());
        let elapsed = self.started.elapsed();
        let (stdout, stderr) = self.readers.take().expect("only finish takes them");
        stderr.join().unwrap();
        Run {
            line: self.line.clone(),
            status: status.code(),
            stdout: String::from_utf8(stdout.join().unwrap()).expect("stdout is UTF-8"),
            lines: self.lines.all(),
            started: self.started,
            elapsed,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a command.
#[derive(Debug)]
pub struct Run {
    line: String,
    /// The exit status; `None` after a signal.
    pub status: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    lines: Vec<(Instant, String)>,
    started: Instant,
    /// From its start to its end.
    pub elapsed: Duration,
}

impl Run {
    /// What it printed beside its result.
    pub fn stderr(&self) -> String {
        self.lines
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }

    /// Itself, once it is known to have succeeded.
    ///
    /// # Panics
    /// When it failed.
    pub fn ok(self) -> Self {
        assert_eq!(
            self.status,
            Some(0),
            "{}\n{}{}",
            self.line,
            self.stdout,
            self.stderr()
        );
        self
    }

    /// Its result as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "{}\n{error} in stdout:\n{}\n{}",
                self.line,
                self.stdout,
                self.stderr()
            )
        })
    }

    /// The failure that a command tells in words, with exit status 1 and this code in its JSON.
    ///
    /// # Panics
    /// When it did not fail so, or the failure is not as the contract writes it.
    pub fn failure(&self, code: &str) -> Value {
        let all = format!("{}\n{}\n{}", self.line, self.stdout, self.stderr());
        assert_eq!(self.status, Some(1), "{all}");
        let document = self.json();
        let failure = &document["error"];
        for (key, is) in [
            ("code", Value::is_string as fn(&Value) -> bool),
            ("message", Value::is_string),
            ("hint", Value::is_string),
            ("causes", Value::is_array),
            ("retryable", Value::is_boolean),
        ] {
            assert!(is(&failure[key]), "no proper `{key}` in {all}");
        }
        assert_eq!(failure["code"], code, "{all}");
        self.says_why();
        failure.clone()
    }

    /// Asserts that the failure is told in words on stderr.
    ///
    /// # Panics
    /// When it is not.
    pub fn says_why(&self) -> &Self {
        let stderr = self.stderr();
        for start in ["error: ", "hint: "] {
            assert!(
                stderr
                    .lines()
                    .any(|line| line.trim_start().starts_with(start)),
                "no `{start}` in stderr of {}:\n{stderr}",
                self.line
            );
        }
        self
    }

    /// The events, with the time from the start at which each arrived.
    pub fn events(&self) -> Vec<(Duration, Value)> {
        self.lines
            .iter()
            .filter_map(|(at, line)| Some((at.duration_since(self.started), event(line)?)))
            .collect()
    }
}

/// A line as a `JobEvent`; all else on stderr is for people.
fn event(line: &str) -> Option<Value> {
    serde_json::from_str::<Value>(line)
        .ok()
        .filter(Value::is_object)
}
