//! Upload sessions that were not completed: a registry keeps their bytes for days.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use reqwest::{Method, Url};

use super::session::{Access, Request, Session};

/// How long the registry may take to cancel them all: the user, who cancelled the push, waits.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
const PARALLEL_CANCELS: usize = 8;

/// The addresses of upload sessions that were given up.
#[derive(Default)]
pub(super) struct AbandonedUploads(Mutex<Vec<Url>>);

impl AbandonedUploads {
    pub(super) fn add(&self, location: Url) {
        let mut locations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locations.push(location);
    }

    /// Cancels the sessions at the registry. Where that fails, the registry expires them.
    pub(super) async fn cancel(self, session: &Session, repository: &str) {
        let locations = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if locations.is_empty() {
            return;
        }
        let access = Access::delete(repository);
        let requests: Vec<_> = locations
            .into_iter()
            .map(|location| cancel(session, &access, location))
            .collect();
        let cancelling = stream::iter(requests)
            .buffer_unordered(PARALLEL_CANCELS)
            .collect::<()>();
        if tokio::time::timeout(CANCEL_TIMEOUT, cancelling)
            .await
            .is_err()
        {
            tracing::debug!(repository, "cancelling the uploads took too long");
        }
    }
}

async fn cancel(session: &Session, access: &Access, location: Url) {
    let request = Request::new(Method::DELETE, location, access, "cancelling an upload");
    match session.send(&request).await {
        Ok(response) => tracing::debug!(status = %response.status(), "an upload was cancelled"),
        Err(failure) => tracing::debug!(error = %failure.error, "an upload could not be cancelled"),
    }
}
