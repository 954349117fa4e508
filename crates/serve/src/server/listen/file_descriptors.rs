//! The limit on open files: every connection takes a file descriptor.

/// Descriptors for everything but connections: the model, libraries, the log.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Raises the soft limit on open files, often 1024, as far as `connections` need and the system allows.
/// Returns for how many of them there are descriptors.
#[cfg(unix)]
pub fn reserve(connections: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let needed = (connections as u64).saturating_add(OTHER_FILES);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |max| max.min(needed)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!("the limit on open files stays as it is: {error}");
        }
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let available = files
        .saturating_sub(OTHER_FILES)
        .clamp(1, connections as u64) as usize;
    if available < connections {
        tracing::warn!(
            "{available} connections at a time, not {connections}: the limit on open files is {files}"
        );
    }
    available
}

/// All of them: other systems have no such limit.
#[cfg(not(unix))]
pub fn reserve(connections: usize) -> usize {
    connections
}
