//! What can be set, by flag or by environment variable; the flag wins.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The flags of the server.
#[derive(clap::Args)]
pub struct Flags {
    /// The package file, or the folder that holds it [env: MODEL] [default: /model/boxwright.toml]
    #[arg(long)]
    package: Option<PathBuf>,
    /// The address to listen on [env: HOST] [default: 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// The port to listen on; 0 for any free one [env: PORT] [default: 8080]
    #[arg(long)]
    port: Option<u16>,
    /// The device that predicts: auto or cpu [env: DEVICE] [default: auto]
    #[arg(long)]
    device: Option<String>,
    /// Threads that predict; 0 for one a core [env: THREADS] [default: 0]
    #[arg(long)]
    threads: Option<usize>,
    /// The largest request body, in MiB [env: MAX_BODY_MB] [default: 64]
    #[arg(long)]
    max_body_mb: Option<usize>,
}

/// What the server and the health check go by.
pub struct Settings {
    /// The package file, its folder, or a bare model.
    pub package: PathBuf,
    /// An address or a host name.
    pub host: String,
    /// 0 for any free port.
    pub port: u16,
    /// `auto` or `cpu`.
    pub device: String,
    /// Threads that predict; 0 for one a core.
    pub threads: usize,
    /// Longest request body, in bytes.
    pub max_body: usize,
}

impl Settings {
    /// Flags, else the environment, else the defaults.
    pub fn new(flags: Flags) -> Result<Self, String> {
        let max_body_mb = choose(flags.max_body_mb, "MAX_BODY_MB", 64)?;
        let max_body = max_body_mb
            .checked_mul(1 << 20)
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| format!("MAX_BODY_MB can't be {max_body_mb}"))?;
        Ok(Self {
            package: choose(flags.package, "MODEL", "/model/boxwright.toml".into())?,
            host: choose(flags.host, "HOST", "127.0.0.1".into())?,
            port: choose(flags.port, "PORT", 8080)?,
            device: choose(flags.device, "DEVICE", "auto".into())?,
            threads: choose(flags.threads, "THREADS", 0)?,
            max_body,
        })
    }

    /// Where a program on this machine reaches the server.
    pub fn local_host(&self) -> &str {
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => "127.0.0.1",
            _ => &self.host,
        }
    }
}

fn choose<T: FromStr<Err: Display>>(
    flag: Option<T>,
    variable: &str,
    default: T,
) -> Result<T, String> {
    if let Some(value) = flag {
        return Ok(value);
    }
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => text
            .parse()
            .map_err(|error| format!("the variable {variable} is `{text}`: {error}")),
        _ => Ok(default),
    }
}
