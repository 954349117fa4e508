//! Waiting for a thing, never for a time.

use std::time::{Duration, Instant};

/// Long enough for anything that a test waits for, on a slow machine with other work.
pub const LONG: Duration = Duration::from_secs(120);

/// Long enough for a program to start.
pub const START: Duration = Duration::from_secs(60);

/// Asks `probe` until it has an answer.
///
/// # Panics
/// When there is none within `limit`; `what` names what was waited for.
pub fn until<T>(what: &str, limit: Duration, probe: impl FnMut() -> Option<T>) -> T {
    maybe(limit, probe).unwrap_or_else(|| panic!("{what}: not within {limit:?}"))
}

/// Asks `probe` until it has an answer, or `limit` has passed.
pub fn maybe<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(15));
    }
}
