//! A server with one of the tiny packages that lie beside the corpus.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::{Server, TIMEOUT};

/// The memory that the server is told to plan with, in MiB.
pub const MEMORY: usize = 512;
/// How soon health has to answer.
pub const PROMPT: Duration = Duration::from_millis(100);
/// How often it is asked.
const PACE: Duration = Duration::from_millis(10);

/// Starts a server.
pub fn start(library: &Path, package: &str) -> Server {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/packages");
    let mut server = Server::start(&[
        ("BOXWRIGHT_ONNXRUNTIME", library.to_str().unwrap()),
        ("MODEL", folder.join(package).to_str().unwrap()),
        ("MEMORY_LIMIT_MB", &MEMORY.to_string()),
        ("MAX_BODY_MB", "2"),
    ]);
    server.wait_for("ready on");
    server
}

/// A figure of the process in MiB, from `/proc`; `None` where it has ended.
pub fn memory(server: &Server, figure: &str) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure))?;
    let kib = line.trim_start_matches(':').split_whitespace().next()?;
    kib.parse::<usize>().ok().map(|kib| kib >> 10)
}

/// Ends a server as an orchestrator does, and holds it to a good end: no panic in its log, and no
/// fault of its own in its figures.
pub fn end(mut server: Server) {
    let figures = server.get("/metrics").body;
    let faults: Vec<&str> = figures
        .lines()
        .filter(|line| {
            line.starts_with("boxwright_errors_total{protocol=\"http\",kind=\"internal\"}")
        })
        .collect();
    assert!(faults.iter().all(|line| line.ends_with(" 0")), "{faults:?}");
    server.terminate();
    loop {
        let line = server.wait_for("");
        assert!(!line.contains("a panic: "), "{line}");
        if line.contains("ending: ") {
            break;
        }
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// Asks a server for its health, again and again, on a thread of its own.
pub struct Health {
    over: Sender<()>,
    thread: JoinHandle<Times>,
}

/// How long health took.
#[derive(Debug, Default)]
pub struct Times {
    pub asked: usize,
    pub longest: Duration,
}

impl Health {
    /// Begins to ask; `late` is called for every answer that takes too long.
    pub fn watch(port: u16, late: impl Fn() + Send + 'static) -> Self {
        let (over, ended) = channel();
        let thread = std::thread::spawn(move || {
            let mut times = Times::default();
            let mut stream = None;
            while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                // A server that is gone is told by who asked it last.
                let Some(took) = asked(port, &mut stream) else {
                    stream = None;
                    continue;
                };
                times.asked += 1;
                times.longest = times.longest.max(took);
                if took > PROMPT {
                    late();
                }
            }
            times
        });
        Self { over, thread }
    }

    /// Ends.
    pub fn stop(self) -> Times {
        let _ = self.over.send(());
        self.thread.join().unwrap()
    }
}

fn asked(port: u16, stream: &mut Option<TcpStream>) -> Option<Duration> {
    let stream = match stream {
        Some(stream) => stream,
        None => {
            let fresh = TcpStream::connect(("127.0.0.1", port)).ok()?;
            fresh.set_read_timeout(Some(TIMEOUT)).ok()?;
            fresh.set_nodelay(true).ok()?;
            stream.insert(fresh)
        }
    };
    let begun = Instant::now();
    stream
        .write_all(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .ok()?;
    let (mut answer, mut part) = (Vec::new(), [0; 1024]);
    while !answer.ends_with(b"}") {
        match stream.read(&mut part).ok()? {
            0 => return None,
            length => answer.extend(&part[..length]),
        }
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    Some(begun.elapsed())
}
