//! An X display without a screen.

use std::process::Command;

use tempfile::TempDir;

use crate::missing::{Missing, program};
use crate::server::Server;
use crate::wait;

/// A running Xvfb.
#[derive(Debug)]
pub struct Display {
    server: Server,
    _folder: TempDir,
    number: u32,
}

impl Display {
    /// Starts one of this size, on a display number that it finds free.
    pub fn start(width: u32, height: u32) -> Result<Self, Missing> {
        let mut command = Command::new(program("Xvfb")?);
        // The number comes on standard output, where the log is.
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"]);
        command.arg(format!("{width}x{height}x24"));
        let folder = tempfile::Builder::new()
            .prefix("boxwright-display-")
            .tempdir()
            .unwrap();
        let mut server = Server::start(&command, &folder.path().join("xvfb.log"));
        let number = wait::until("Xvfb's display number", wait::START, || {
            assert!(server.ended().is_none(), "Xvfb: {}", server.log());
            let log = server.log();
            // Whole lines only: the number may be half written. What is taken is told in others.
            let (lines, _) = log.rsplit_once('\n')?;
            lines.lines().find_map(|line| line.trim().parse().ok())
        });
        Ok(Self {
            server,
            _folder: folder,
            number,
        })
    }

    /// `DISPLAY` for its clients.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }
}
