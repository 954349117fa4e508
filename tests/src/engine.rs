//! Docker Engine, with its images and containers in a folder of the test's.

use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::missing::{Missing, program};
use crate::server::Server;
use crate::wait;

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    _server: Server,
    folder: TempDir,
    client: PathBuf,
}

impl Engine {
    /// Starts one without networks of its own: containers of the tests have none.
    pub fn start() -> Result<Self, Missing> {
        let (daemon, client) = (program("dockerd")?, program("docker")?);
        if !rustix::process::geteuid().is_root() {
            return Err(Missing::because(
                "Docker Engine can only be started by root",
            ));
        }
        let folder = tempfile::Builder::new()
            .prefix("boxwright-engine-")
            .tempdir()
            .unwrap();
        let mut command = Command::new(daemon);
        for (option, name) in [
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            command.arg(option).arg(folder.path().join(name));
        }
        command.args([
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
        ]);
        command.arg(format!(
            "--host=unix://{}",
            folder.path().join("docker.sock").display()
        ));
        let server = Server::start(&command, &folder.path().join("dockerd.log"));
        let mut engine = Self {
            _server: server,
            folder,
            client,
        };
        let answers = wait::maybe(wait::START, || {
            let dead = engine._server.ended().is_some();
            let up = engine.docker(["version"]).status.success();
            if dead {
                Some(false)
            } else {
                up.then_some(true)
            }
        });
        match answers {
            Some(true) => Ok(engine),
            _ => Err(Missing::because(format!(
                "Docker Engine does not start here: {}",
                engine
                    ._server
                    .log()
                    .lines()
                    .last()
                    .unwrap_or("it says nothing")
            ))),
        }
    }

    /// `DOCKER_HOST` for this engine.
    pub fn address(&self) -> String {
        format!(
            "unix://{}",
            self.folder.path().join("docker.sock").display()
        )
    }

    /// `docker ARGS`, whatever comes of it.
    ///
    /// # Panics
    /// When the client can't be started.
    pub fn docker<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        Command::new(&self.client)
            .env("DOCKER_HOST", self.address())
            .env("DOCKER_CONFIG", self.folder.path())
            .args(args)
            .output()
            .unwrap()
    }

    /// What `docker ARGS` prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn run<S: AsRef<std::ffi::OsStr> + std::fmt::Debug>(&self, args: &[S]) -> String {
        let output = self.docker(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Starts a container; it is removed when the returned value goes.
    ///
    /// # Panics
    /// When it does not start.
    pub fn container(&self, options: &[&str], image: &str) -> Container<'_> {
        let id = self.run(&[&["run", "--detach"], options, &[image]].concat());
        Container { engine: self, id }
    }
}

/// A container that runs.
#[derive(Debug)]
pub struct Container<'a> {
    engine: &'a Engine,
    /// Its id.
    pub id: String,
}

impl Container<'_> {
    /// A field of `docker inspect`, by a Go template.
    pub fn inspect(&self, template: &str) -> String {
        self.engine
            .run(&["inspect", "--format", template, &self.id])
    }

    /// What it has printed.
    pub fn logs(&self) -> String {
        let output = self.engine.docker(["logs", &self.id]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.engine.docker(["rm", "--force", &self.id]);
    }
}
