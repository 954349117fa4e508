//! What can be set, by flag or by environment variable; the flag wins.

use boxwright_model::Device;
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{RangedU64ValueParser, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// One MiB, in bytes.
const MIB: usize = 1 << 20;
/// Variables that are read where the one before them is not set.
const FALLBACK_VARIABLES: [(&str, &str); 1] = [("OMI_PORT", "PSC_MODEL_PORT")];

/// The flags of the server.
#[derive(clap::Args)]
pub struct Flags {
    /// The package file, or the folder that holds it
    #[arg(long, env = "MODEL", default_value = "/model/boxwright.toml")]
    package: PathBuf,
    /// The address to listen on
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 for any free one
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// A port of its own for the Open Model Interface; PSC_MODEL_PORT names it too [default: none]
    #[arg(long, env = "OMI_PORT")]
    omi_port: Option<u16>,
    /// The device that predicts: auto or cpu
    #[arg(long, env = "DEVICE", default_value = "auto")]
    device: Device,
    /// Threads that predict; 0 for one a core
    #[arg(long, env = "THREADS", default_value_t = 0)]
    threads: usize,
    /// The largest request body, in MiB
    #[arg(long, env = "MAX_BODY_MB", default_value_t = 64, value_parser = at_most(usize::MAX / MIB))]
    max_body_mb: usize,
    /// Samples or rows that may wait; more are refused with 429
    #[arg(long, env = "QUEUE_SIZE", default_value_t = 512, value_parser = at_most(usize::MAX))]
    queue_size: usize,
    /// The most pixels of a picture; lowered where memory is short [default: 100000000]
    #[arg(long, env = "MAX_PIXELS", value_parser = clap::value_parser!(u64).range(1..))]
    max_pixels: Option<u64>,
    /// How long an answer may take, in milliseconds; 0 for as long as it takes
    #[arg(long, env = "REQUEST_TIMEOUT_MS", default_value_t = 60_000)]
    request_timeout_ms: u64,
    /// The memory to plan with, in MiB [default: the machine's or the container's]
    #[arg(long, env = "MEMORY_LIMIT_MB", value_parser = clap::value_parser!(u64).range(1..))]
    memory_limit_mb: Option<u64>,
}

/// Numbers from 1 to `max`.
fn at_most(max: usize) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=max as u64)
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
    pub device: Device,
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
    /// The settings of these flags.
    ///
    /// # Errors
    /// Where two of them contradict each other.
    pub fn new(flags: Flags) -> Result<Self, String> {
        let timeout = flags.request_timeout_ms;
        if flags.port != 0 && flags.omi_port == Some(flags.port) {
            return Err(format!(
                "the Open Model Interface can't have the port {}, which is the server's own (PORT); \
                 it is spoken there too, but for Shutdown",
                flags.port
            ));
        }
        Ok(Self {
            package: flags.package,
            host: flags.host,
            port: flags.port,
            omi_port: flags.omi_port,
            device: flags.device,
            threads: flags.threads,
            max_body: flags.max_body_mb * MIB,
            queue_size: flags.queue_size,
            max_pixels: flags.max_pixels,
            request_timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
            memory: flags
                .memory_limit_mb
                .map(|mb| mb.saturating_mul(MIB as u64)),
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

/// The command as it reads the environment: a variable that is set to nothing counts as not set.
pub fn reading_environment(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_env().map(OsStr::to_owned) {
        Some(name) => read_variable(arg, &name),
        None => arg,
    })
}

fn read_variable(arg: Arg, name: &OsStr) -> Arg {
    let value = |name: &OsStr| std::env::var_os(name);
    let is_set = |name: &OsStr| value(name).is_some_and(|value| !value.is_empty());
    // Help shows the name of a variable, not what it is set to.
    let arg = arg.hide_env_values(true);
    if is_set(name) {
        return arg;
    }
    let fallback = FALLBACK_VARIABLES
        .into_iter()
        .find(|(first, second)| name == *first && is_set(OsStr::new(second)));
    match fallback {
        Some((_, second)) => arg.env(second),
        None if value(name).is_some() => arg.env(Resettable::Reset),
        None => arg,
    }
}

/// The command as it ignores the environment.
pub fn ignoring_environment(command: Command) -> Command {
    command.mut_args(|arg| arg.env(Resettable::Reset))
}

/// What to say where `error` is about the value of a variable: clap names the flag alone.
pub fn variable_error(command: &Command, error: &clap::Error) -> Option<String> {
    if !matches!(
        error.kind(),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue
    ) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let (flag, value) = (
        text(ContextKind::InvalidArg)?,
        text(ContextKind::InvalidValue)?,
    );
    let arg = command
        .get_arguments()
        .find(|arg| arg.to_string() == *flag)?;
    if is_on_command_line(arg.get_long()?) {
        return None;
    }
    let name = arg.get_env()?.to_string_lossy();
    let reason =
        std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    Some(format!(
        "the variable {name} is `{value}`{reason}. Set it to another value, or unset it. {name}: {help}"
    ))
}

fn is_on_command_line(flag: &str) -> bool {
    let is_flag = |argument: OsString| {
        let argument = argument.to_string_lossy();
        let name = argument.strip_prefix("--");
        name.is_some_and(|name| name.split('=').next() == Some(flag))
    };
    std::env::args_os().skip(1).any(is_flag)
}
