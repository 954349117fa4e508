//! Debian's docker-registry, with its files in a folder of the test's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::certificate::Authority;
use crate::missing::{Missing, program};
use crate::server::{Server, free_port};
use crate::tokens::TokenServer;
use crate::wait;

/// A registry on loopback.
#[derive(Debug)]
pub struct Registry {
    server: Server,
    folder: TempDir,
    port: u16,
    tls: Option<Authority>,
}

/// How a registry lets callers in.
#[derive(Debug, Clone, Copy, Default)]
pub enum Auth<'a> {
    /// Everybody.
    #[default]
    Open,
    /// Who knows this name and password.
    Basic(&'a str, &'a str),
    /// Who brings a token of this server.
    Bearer(&'a TokenServer),
}

impl Registry {
    /// A registry over plain HTTP.
    pub fn start(auth: Auth<'_>) -> Result<Self, Missing> {
        Self::start_on(None, auth, None)
    }

    /// A registry over plain HTTP at this port.
    pub fn start_at(port: u16, auth: Auth<'_>) -> Result<Self, Missing> {
        Self::start_on(Some(port), auth, None)
    }

    /// A registry with a certificate of an authority of its own.
    pub fn start_tls(auth: Auth<'_>) -> Result<Self, Missing> {
        Self::start_on(None, auth, Some(Authority::new()))
    }

    fn start_on(
        port: Option<u16>,
        auth: Auth<'_>,
        tls: Option<Authority>,
    ) -> Result<Self, Missing> {
        let program = program("docker-registry")?;
        let folder = tempfile::Builder::new()
            .prefix("boxwright-registry-")
            .tempdir()
            .unwrap();
        // The port is free when it is chosen; whoever takes it meanwhile costs one more try.
        for _ in 0..5 {
            let port = port.unwrap_or_else(free_port);
            let config = configure(folder.path(), port, auth, tls.as_ref());
            let mut command = Command::new(&program);
            command
                .arg("serve")
                .arg(config)
                .env("OTEL_TRACES_EXPORTER", "none");
            let mut server = Server::start(&command, &folder.path().join("registry.log"));
            let up = wait::until("docker-registry", wait::START, || {
                let listens = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
                if server.ended().is_some() {
                    Some(false)
                } else {
                    listens.then_some(true)
                }
            });
            if up {
                return Ok(Self {
                    server,
                    folder,
                    port,
                    tls,
                });
            }
        }
        panic!(
            "docker-registry does not start: {}",
            fs::read_to_string(folder.path().join("registry.log")).unwrap()
        );
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A reference into it: `repository:tag`.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// The file with the authority of its certificate.
    ///
    /// # Panics
    /// When it serves plain HTTP.
    pub fn ca_file(&self) -> PathBuf {
        assert!(self.tls.is_some(), "this registry serves plain HTTP");
        self.folder.path().join("ca.pem")
    }

    /// Where it keeps its blobs.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// The process.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// Writes the registry's configuration.
fn configure(folder: &Path, port: u16, auth: Auth<'_>, tls: Option<&Authority>) -> PathBuf {
    let shown = folder.display();
    let mut text = format!(
        "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {shown}/storage\n  \
         delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n"
    );
    if let Some(authority) = tls {
        let (certificate, key) = authority.issue("127.0.0.1");
        fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.join("tls.pem"), certificate).unwrap();
        fs::write(folder.join("tls.key"), key).unwrap();
        text += &format!("  tls:\n    certificate: {shown}/tls.pem\n    key: {shown}/tls.key\n");
    }
    match auth {
        Auth::Open => {}
        Auth::Basic(user, password) => {
            // The lowest cost: this hash guards nothing, and the registry checks it at each request.
            let hash = bcrypt::hash(password, 4).unwrap();
            fs::write(folder.join("htpasswd"), format!("{user}:{hash}\n")).unwrap();
            text += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {shown}/htpasswd\n");
        }
        Auth::Bearer(tokens) => {
            fs::write(folder.join("tokens.pem"), tokens.certificate()).unwrap();
            text += &format!(
                "auth:\n  token:\n    realm: {}\n    service: test\n    issuer: test\n    rootcertbundle: {shown}/tokens.pem\n",
                tokens.realm()
            );
        }
    }
    let file = folder.join("config.yml");
    fs::write(&file, text).unwrap();
    file
}

/// `skopeo` with the rights of a user of a registry.
#[derive(Debug)]
pub struct Skopeo {
    program: PathBuf,
    credentials: Option<String>,
}

impl Skopeo {
    /// The installed one.
    pub fn find() -> Result<Self, Missing> {
        Ok(Self {
            program: program("skopeo")?,
            credentials: None,
        })
    }

    /// With a name and a password.
    pub fn signed_in(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some(format!("{user}:{password}"));
        self
    }

    /// `skopeo inspect ARGS`, as JSON.
    ///
    /// # Panics
    /// When skopeo refuses.
    pub fn inspect(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_slice(&self.run(&[&["inspect"], args].concat())).unwrap()
    }

    /// The raw manifest or index.
    ///
    /// # Panics
    /// When skopeo refuses.
    pub fn raw(&self, image: &str) -> Vec<u8> {
        self.run(&["inspect", "--raw", image])
    }

    /// Copies this machine's image of one registry to another, its layers compressed with zstd.
    ///
    /// # Panics
    /// When skopeo refuses.
    pub fn mirror_as_zstd(&self, from: &str, to: &str) {
        let output = Command::new(&self.program)
            .args(["copy", "--dest-compress-format", "zstd", "--format", "oci"])
            .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
            .args([format!("docker://{from}"), format!("docker://{to}")])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "skopeo copy: {stderr}");
    }

    /// Runs it.
    ///
    /// # Panics
    /// When it refuses.
    pub fn run(&self, args: &[&str]) -> Vec<u8> {
        let mut command = Command::new(&self.program);
        command.args(args);
        if args.iter().any(|arg| arg.starts_with("docker://")) {
            command.arg("--tls-verify=false");
            match &self.credentials {
                Some(credentials) => command.args(["--creds", credentials]),
                None => command.arg("--no-creds"),
            };
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "skopeo {args:?}: {stderr}");
        output.stdout
    }
}
