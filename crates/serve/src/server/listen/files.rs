//! Every connection takes a file descriptor, and the system grants a number of them.

/// Descriptors for everything but connections: the model, libraries, the log.
#[cfg(unix)]
const OTHERS: u64 = 64;

/// How many of `wanted` connections the system grants descriptors for. Its soft limit, often 1024,
/// is raised as far as it must be and may be.
#[cfg(unix)]
pub fn granted(wanted: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let needed = (wanted as u64).saturating_add(OTHERS);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |most| most.min(needed)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!("the limit on open files stays as it is: {error}");
        }
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let granted = files.saturating_sub(OTHERS).clamp(1, wanted as u64) as usize;
    if granted < wanted {
        tracing::warn!(
            "{granted} connections at a time, not {wanted}: the limit on open files is {files}"
        );
    }
    granted
}

/// All of them, where nothing is known of a limit.
#[cfg(not(unix))]
pub fn granted(wanted: usize) -> usize {
    wanted
}
