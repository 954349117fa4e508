//! Work whose time grows with the size of a request, kept off the threads that answer health checks.

use super::problem::Problem;

/// Up to this many bytes the work is done at once: handing it to another thread would take longer.
pub const INLINE_BYTES: usize = 64 << 10;

/// Runs `work`, which handles `bytes` bytes, on a blocking thread where they are many.
///
/// # Errors
/// What `work` returns, or that it panicked.
pub async fn run_blocking<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if bytes <= INLINE_BYTES {
        return work();
    }
    let result = tokio::task::spawn_blocking(work).await;
    result.map_err(|_| Problem::internal())?
}
