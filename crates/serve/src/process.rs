//! The process: its environment, its path, its libraries and its allocator.

use std::path::{Path, PathBuf};

use boxwright_model::runtime::ENVIRONMENT;

/// Name and version, for the worker's greeting.
pub const NAME_AND_VERSION: &str = concat!("boxwright-serve ", env!("CARGO_PKG_VERSION"));

/// The file name of ONNX Runtime's library.
const LIBRARY: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// Makes sure that ONNX Runtime's telemetry is off. The library reads the environment that the process
/// was started with, so where the variable is missing the program starts itself again.
///
/// # Errors
/// Where it can't be started.
pub fn disable_telemetry() -> Result<(), String> {
    let [(telemetry, off), _] = ENVIRONMENT;
    if std::env::var_os(telemetry).is_some_and(|value| value == off) {
        return Ok(());
    }
    let mut command = std::process::Command::new(program());
    command.args(std::env::args_os().skip(1)).envs(ENVIRONMENT);
    #[cfg(unix)]
    let error = {
        use std::os::unix::process::CommandExt;
        command.exec()
    };
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    };
    Err(format!(
        "{telemetry}={off} must be in the environment, and can't be set from here: {error}"
    ))
}

/// The path of this program, also where there is no /proc.
fn program() -> PathBuf {
    if let Ok(path) = std::env::current_exe() {
        return path;
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::OsStr::from_bytes(rustix::param::linux_execfn().to_bytes());
        if !path.is_empty() {
            return std::path::absolute(path).unwrap_or_else(|_| path.into());
        }
    }
    std::env::args_os().next().unwrap_or_default().into()
}

/// ONNX Runtime's library: what `BOXWRIGHT_ONNXRUNTIME` names, else the one of the share folder,
/// else the one in `../lib` beside this program, as in the image.
///
/// # Errors
/// Where there is none; the message names the places.
pub fn onnxruntime_library() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("BOXWRIGHT_ONNXRUNTIME").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let program = program();
    let prefix = program
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("/"));
    let home = std::env::var_os("BOXWRIGHT_HOME").filter(|path| !path.is_empty());
    let candidates: Vec<PathBuf> = home
        .map(|home| PathBuf::from(home).join("lib"))
        .into_iter()
        .chain([prefix.join("share/boxwright/lib"), prefix.join("lib")])
        .map(|folder| folder.join(LIBRARY))
        .collect();
    candidates.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let places: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        format!(
            "ONNX Runtime's library was not found: looked for {}. BOXWRIGHT_ONNXRUNTIME can name it",
            places.join(", ")
        )
    })
}

/// Blocks from this size on are returned to the system as soon as they are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MMAP_THRESHOLD: i32 = 1 << 20;

/// Fixes the size from which on glibc returns freed blocks. Otherwise it raises this size to that of
/// the largest block that was ever freed, and the process keeps the memory of a peak of large requests.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a call of C")]
pub fn return_freed_memory() {
    // SAFETY: sets a number inside the allocator, under the allocator's own lock.
    let set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) };
    if set == 0 {
        tracing::debug!("glibc does not accept a fixed mmap threshold");
    }
}

/// Other allocators have no such threshold.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_freed_memory() {}
