//! Requests that end when the caller cancels.

use tokio_util::sync::CancellationToken;

use crate::{Error, Result};

/// Runs `work` until `cancel`; what is under way is dropped then.
pub(super) async fn or_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        done = work => done,
    }
}
