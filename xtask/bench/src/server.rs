//! Servers under test: ours and its peers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::failed::Failed;
use crate::process;

const DEADLINE: Duration = Duration::from_secs(60);

/// A child that is ended when it is no longer needed.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself: nothing is lost then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server on this machine that is ready.
pub struct Server {
    process: Ended,
    /// Where it listens.
    pub port: u16,
    /// From its start until it said that it was ready.
    pub seconds: f64,
}

impl Server {
    /// `boxwright-serve` with the sample.
    pub fn ours(bench: &Bench) -> Result<Self, Failed> {
        let mut command = bench.programs.serve();
        command.arg("--package").arg(bench.sample());
        Self::start(|port| {
            command.env("PORT", port.to_string());
            command
        })
    }

    /// Starts what `command` gives for a free port, until `/v2/health/ready` answers 200.
    pub fn start(command: impl FnOnce(u16) -> Command) -> Result<Self, Failed> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = command(port);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut process = Ended(command.spawn()?);
        while !is_ready(port) {
            if started.elapsed() > DEADLINE || process.0.try_wait()?.is_some() {
                return Err(format!("{command:?} was not ready within a minute").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(Self {
            process,
            port,
            seconds,
        })
    }

    /// The largest resident set so far, in MiB.
    pub fn peak_mib(&self) -> f64 {
        process::high_water_mib(self.process.0.id()).unwrap_or(0.0)
    }
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let request = format!(
            "GET /v2/health/ready HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
