//! A keychain: a session bus with a Secret Service on it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::missing::{Missing, program};
use crate::sandbox::Sandbox;
use crate::server::Server;
use crate::wait;

/// How long a keyring may take to answer, and how often another one is started.
const PATIENCE: Duration = Duration::from_secs(30);
const TRIES: usize = 3;

/// A bus with an unlocked keychain, for the programs of one sandbox.
#[derive(Debug)]
pub struct Keychain {
    // The keychain goes before its bus.
    _keyring: Server,
    _bus: Server,
    address: String,
}

impl Keychain {
    /// Starts both. On a busy machine a keyring was seen that never answered: then both start again.
    pub fn start(sandbox: &Sandbox) -> Result<Self, Missing> {
        let programs = (program("dbus-daemon")?, program("gnome-keyring-daemon")?);
        program("secret-tool")?;
        let answering = (0..TRIES).find_map(|_| Self::try_start(sandbox, &programs));
        Ok(answering.expect("the Secret Service answers"))
    }

    /// Starts both; `None` where the keyring doesn't answer soon.
    fn try_start(sandbox: &Sandbox, (bus, keyring): &(PathBuf, PathBuf)) -> Option<Self> {
        let mut command = Command::new(bus);
        command
            .args(["--session", "--nofork", "--print-address=1"])
            .envs(sandbox.environment());
        let mut bus = Server::start(&command, &sandbox.path("tmp/bus.log"));
        let address = wait::until("the session bus's address", wait::START, || {
            assert!(bus.ended().is_none(), "dbus-daemon: {}", bus.log());
            bus.log()
                .lines()
                .find(|line| line.starts_with("unix:"))
                .map(str::to_owned)
        });
        let mut command = Command::new(keyring);
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .envs(sandbox.environment())
            .env("DBUS_SESSION_BUS_ADDRESS", &address);
        let log = sandbox.path("tmp/keyring.log");
        let keyring = Server::start_with_input(&command, b"the keychain's own password", &log);
        let keychain = Self {
            _keyring: keyring,
            _bus: bus,
            address,
        };
        wait::maybe(PATIENCE, || keychain.answers(sandbox).then_some(()))?;
        Some(keychain)
    }

    /// `DBUS_SESSION_BUS_ADDRESS` for its clients.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether a secret can be stored and found again.
    fn answers(&self, sandbox: &Sandbox) -> bool {
        let tool = |args: &[&str]| {
            sandbox
                .command(&program("secret-tool").unwrap())
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .args(args)
                .input("there")
                .run()
        };
        tool(&["store", "--label=probe", "probe", "probe"]).status == Some(0)
            && tool(&["lookup", "probe", "probe"]).stdout == "there"
    }
}
