//! Uploads that came to nothing: a registry would keep what had arrived for days.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, Url};

use super::session::{Access, Call, Session};
use super::watch::in_parallel;

/// How long the registry may take to end them all: someone waits for it who wanted to stop.
const COURTESY: Duration = Duration::from_secs(2);
const PARALLEL_ENDS: usize = 8;

/// Where uploads were left behind.
#[derive(Default)]
pub(super) struct Unfinished(Mutex<Vec<Url>>);

impl Unfinished {
    pub(super) fn add(&self, location: Url) {
        let mut locations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locations.push(location);
    }

    /// Tells the registry that they are over: a courtesy, which may fail.
    pub(super) async fn end(self, session: &Session, repository: &str) {
        let locations = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if locations.is_empty() {
            return;
        }
        let access = Access::delete(repository);
        let ending = in_parallel(PARALLEL_ENDS, locations, |location| {
            end(session, &access, location)
        });
        if tokio::time::timeout(COURTESY, ending).await.is_err() {
            tracing::debug!(repository, "the registry took too long to end the uploads");
        }
    }
}

async fn end(session: &Session, access: &Access, location: Url) -> crate::Result<()> {
    let call = Call::new(Method::DELETE, location, access, "ending an upload");
    match session.send(&call).await {
        Ok(response) => tracing::debug!(status = %response.status(), "an upload was ended"),
        Err(fault) => tracing::debug!(error = %fault.error, "an upload could not be ended"),
    }
    Ok(())
}
