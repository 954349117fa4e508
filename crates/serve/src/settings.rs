//! What can be set, by flag or by environment variable; the flag wins.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

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
    /// A port of its own for the Open Model Interface [env: OMI_PORT, PSC_MODEL_PORT] [default: none]
    #[arg(long)]
    omi_port: Option<u16>,
    /// The device that predicts: auto or cpu [env: DEVICE] [default: auto]
    #[arg(long)]
    device: Option<String>,
    /// Threads that predict; 0 for one a core [env: THREADS] [default: 0]
    #[arg(long)]
    threads: Option<usize>,
    /// The largest request body, in MiB [env: MAX_BODY_MB] [default: 64]
    #[arg(long)]
    max_body_mb: Option<usize>,
    /// Samples or rows that may wait; more are refused with 429 [env: QUEUE_SIZE] [default: 512]
    #[arg(long)]
    queue_size: Option<usize>,
    /// The most pixels of a picture; lowered where memory is short [env: MAX_PIXELS] [default: 100000000]
    #[arg(long)]
    max_pixels: Option<u64>,
    /// How long an answer may take; 0 for as long as it takes [env: REQUEST_TIMEOUT_MS] [default: 60000]
    #[arg(long)]
    request_timeout_ms: Option<u64>,
    /// The memory to plan with, in MiB [env: MEMORY_LIMIT_MB] [default: the machine's or the container's]
    #[arg(long)]
    memory_limit_mb: Option<u64>,
}

/// What the server and the health check go by.
pub struct Settings {
    /// The package file, its folder, or a bare model.
    pub package: PathBuf,
    /// An address or a host name.
    pub host: String,
    /// 0 for any free port.
    pub port: u16,
    /// The Open Model Interface's own port; 0 for any free one.
    pub omi_port: Option<u16>,
    /// `auto` or `cpu`.
    pub device: String,
    /// Threads that predict; 0 for one a core.
    pub threads: usize,
    /// Longest request body, in bytes.
    pub max_body: usize,
    /// Rows that may wait for the model.
    pub queue_size: usize,
    /// Most pixels of a picture, where that was set.
    pub max_pixels: Option<u64>,
    /// How long an answer may take.
    pub request_timeout: Option<Duration>,
    /// Bytes of memory to plan with, where that was set.
    pub memory: Option<u64>,
}

impl Settings {
    /// Flags, else the environment, else the defaults.
    pub fn new(flags: Flags) -> Result<Self, String> {
        let max_body_mb = choose(flags.max_body_mb, "MAX_BODY_MB", 64)?;
        let max_body = max_body_mb
            .checked_mul(1 << 20)
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| format!("MAX_BODY_MB can't be {max_body_mb}"))?;
        let timeout = choose(flags.request_timeout_ms, "REQUEST_TIMEOUT_MS", 60_000)?;
        let memory_mb = optional(flags.memory_limit_mb, "MEMORY_LIMIT_MB")?;
        let port = choose(flags.port, "PORT", 8080)?;
        Ok(Self {
            package: choose(flags.package, "MODEL", "/model/boxwright.toml".into())?,
            host: choose(flags.host, "HOST", "127.0.0.1".into())?,
            port,
            omi_port: omi_port(flags.omi_port, port)?,
            device: choose(flags.device, "DEVICE", "auto".into())?,
            threads: choose(flags.threads, "THREADS", 0)?,
            max_body,
            queue_size: at_least_one("QUEUE_SIZE", choose(flags.queue_size, "QUEUE_SIZE", 512)?)?,
            max_pixels: optional(flags.max_pixels, "MAX_PIXELS")?
                .map(|pixels| at_least_one("MAX_PIXELS", pixels))
                .transpose()?,
            request_timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
            memory: memory_mb
                .map(|mb| at_least_one("MEMORY_LIMIT_MB", mb.saturating_mul(1 << 20)))
                .transpose()?,
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

fn omi_port(flag: Option<u16>, port: u16) -> Result<Option<u16>, String> {
    let named = match optional(flag, "OMI_PORT")? {
        None => optional(None, "PSC_MODEL_PORT")?,
        named => named,
    };
    match named {
        Some(same) if same == port && port != 0 => Err(format!(
            "the Open Model Interface can't have the port {port}, which is the server's own (PORT); \
             it is spoken there too, but for Shutdown"
        )),
        named => Ok(named),
    }
}

fn at_least_one<T: PartialOrd + From<u8>>(name: &str, value: T) -> Result<T, String> {
    if value >= T::from(1) {
        Ok(value)
    } else {
        Err(format!("{name} can't be 0"))
    }
}

fn choose<T: FromStr<Err: Display>>(
    flag: Option<T>,
    variable: &str,
    default: T,
) -> Result<T, String> {
    Ok(optional(flag, variable)?.unwrap_or(default))
}

/// The flag, else the variable where it is not empty.
fn optional<T: FromStr<Err: Display>>(
    flag: Option<T>,
    variable: &str,
) -> Result<Option<T>, String> {
    if flag.is_some() {
        return Ok(flag);
    }
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => text
            .parse()
            .map(Some)
            .map_err(|error| format!("the variable {variable} is `{text}`: {error}")),
        _ => Ok(None),
    }
}
