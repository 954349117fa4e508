//! Pushing one blob into a repository: monolithic or chunked, and resumable.
//!
//! Small blobs go in one PUT, large ones in chunks, so that after a failure the upload goes on from
//! the range that the registry says it has. A chunk is never simply sent again: the part that had
//! arrived would be in the blob twice. Registries that take no chunks get the blob in one PUT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use boxwright_files::Progress;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use reqwest::{Body, Method, Response, StatusCode, Url};

use super::abandoned::AbandonedUploads;
use super::http;
use super::retry::{Backoff, RequestError};
use super::session::{Access, Request, RequestBody, Session};
use super::stall::{COMMIT_TIMEOUT, with_stall_timeout};
use crate::blob::Verifier;
use crate::stage;
use crate::{Blob, Digest, Error, Result};

/// Blobs up to this size go in one PUT, larger ones in chunks of it.
const CHUNK_BYTES: u64 = 16 << 20;

/// How the blob got into the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadOutcome {
    /// It was sent.
    Sent,
    /// It was mounted from another repository, or someone else sent it meanwhile.
    Reused,
}

pub(super) struct Upload<'a> {
    session: &'a Session,
    access: &'a Access,
    blob: &'a Blob,
    progress: &'a dyn Progress,
    verifier: Arc<Verifier>,
    /// The upload session at the registry, while there is one.
    open: Option<OpenUpload>,
    abandoned: &'a AbandonedUploads,
    /// The blob goes in one PUT: it is small, or the registry takes no chunks.
    monolithic: bool,
    backoff: Backoff,
    restarts: u32,
    /// The highest offset of any attempt. Only an offset beyond it is progress: a registry that
    /// forgets an upload session after each chunk accepts the first chunk again and again.
    highest_offset: u64,
}

/// An upload session that the registry has opened.
struct OpenUpload {
    location: Url,
    offset: u64,
    chunk_size: u64,
}

/// Why a step failed, by the way to recover.
enum StepError {
    /// Wait, and resume at the offset that the registry reports.
    Retry(RequestError),
    /// Start again: the registry doesn't know this upload session any more.
    Restart(Error),
    /// Send the blob in one PUT instead of chunks.
    Monolithic(Error),
    /// There is none.
    Fatal(Error),
}

impl From<RequestError> for StepError {
    fn from(failure: RequestError) -> Self {
        if failure.transient {
            Self::Retry(failure)
        } else {
            Self::Fatal(failure.error)
        }
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

type Step<T> = std::result::Result<T, StepError>;

impl<'a> Upload<'a> {
    pub(super) fn new(
        session: &'a Session,
        access: &'a Access,
        blob: &'a Blob,
        progress: &'a dyn Progress,
        abandoned: &'a AbandonedUploads,
    ) -> Result<Self> {
        Ok(Self {
            session,
            access,
            blob,
            progress,
            verifier: Arc::new(Verifier::new(blob)?),
            open: None,
            abandoned,
            monolithic: blob.descriptor.size <= CHUNK_BYTES,
            backoff: Backoff::new(session.options.retry),
            restarts: 0,
            highest_offset: 0,
        })
    }

    /// Mounts the blob from one of the repositories `mount_from`, or sends it.
    pub(super) async fn run(mut self, mount_from: &[String]) -> Result<UploadOutcome> {
        for from in mount_from {
            // Where a mount is not possible, the registry opens an upload session instead.
            if let Ok(Some(outcome)) = self.start(Some(from)).await {
                return Ok(outcome);
            }
            if self.open.is_some() {
                break;
            }
        }
        self.report(0);
        loop {
            let outcome = match self.step().await {
                Ok(outcome) => outcome,
                Err(error) => self.recover(error).await?,
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            self.reset_backoff_on_progress();
        }
    }

    /// Only bytes that had never arrived before start the count of attempts again.
    fn reset_backoff_on_progress(&mut self) {
        let offset = self.open.as_ref().map_or(0, |open| open.offset);
        if offset > self.highest_offset {
            self.highest_offset = offset;
            self.backoff.reset();
        }
    }

    async fn step(&mut self) -> Step<Option<UploadOutcome>> {
        let size = self.blob.descriptor.size;
        match &self.open {
            None => self.start(None).await,
            Some(_) if self.monolithic => self.put(0..size).await.map(Some),
            Some(open) if open.offset < size => self.patch().await.map(|()| None),
            Some(_) => self.put(size..size).await.map(Some),
        }
    }

    /// Opens an upload session, or mounts the blob.
    async fn start(&mut self, from: Option<&String>) -> Step<Option<UploadOutcome>> {
        let repository = &self.access.repository;
        let mut url = self
            .session
            .endpoint
            .url(&format!("{repository}/blobs/uploads/"));
        if let Some(from) = from {
            let digest = self.blob.digest().to_string();
            url.query_pairs_mut()
                .append_pair("mount", &digest)
                .append_pair("from", from);
        }
        let request = Request::new(Method::POST, url, self.access, "starting an upload");
        let response = self.session.send(&request).await?;
        if !response.status().is_success() {
            return Err(self.session.failure(&request, response).await.into());
        }
        if response.status() == StatusCode::CREATED && from.is_some() {
            self.progress.reused(
                stage::PUSH,
                &self.blob.digest().to_string(),
                self.blob.descriptor.size,
            );
            return Ok(Some(UploadOutcome::Reused));
        }
        let location = self
            .location(&response)?
            .ok_or_else(|| self.failed("no address"))?;
        let least = http::header(response.headers(), "oci-chunk-min-length");
        let least = least.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.open = Some(OpenUpload {
            location,
            offset: 0,
            chunk_size: CHUNK_BYTES.max(least),
        });
        Ok(None)
    }

    /// Sends the next chunk.
    async fn patch(&mut self) -> Step<()> {
        let Some(OpenUpload {
            location,
            offset,
            chunk_size,
        }) = &self.open
        else {
            return Ok(());
        };
        let range = *offset
            ..offset
                .saturating_add(*chunk_size)
                .min(self.blob.descriptor.size);
        let request = Request::new(
            Method::PATCH,
            location.clone(),
            self.access,
            "sending a layer",
        )
        .with_header(CONTENT_TYPE, "application/octet-stream")
        .with_header(CONTENT_RANGE, &format!("{}-{}", range.start, range.end - 1));
        let response = self.send(&request, range.clone()).await?;
        let status = response.status();
        if !status.is_success() {
            let failure = self.session.failure(&request, response).await;
            return Err(match status {
                _ if failure.transient => StepError::Retry(failure),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => StepError::Fatal(failure.error),
                StatusCode::NOT_FOUND => StepError::Restart(failure.error),
                // The registry's offset is another.
                StatusCode::RANGE_NOT_SATISFIABLE if self.restarts == 0 => {
                    StepError::Restart(failure.error)
                }
                _ => StepError::Monolithic(failure.error),
            });
        }
        let location = self.location(&response)?;
        let reached = reached(&response).unwrap_or(range.end);
        if reached <= range.start || reached > range.end {
            return Err(StepError::Restart(self.failed("a range that was not sent")));
        }
        if let Some(open) = &mut self.open {
            open.offset = reached;
            open.location = location.unwrap_or_else(|| open.location.clone());
        }
        Ok(())
    }

    /// Sends `range`, the whole or nothing, and closes the upload.
    async fn put(&mut self, range: std::ops::Range<u64>) -> Step<UploadOutcome> {
        let Some(open) = &self.open else {
            return Err(self.failed("no address").into());
        };
        let mut url = open.location.clone();
        url.query_pairs_mut()
            .append_pair("digest", &self.blob.digest().to_string());
        let closing = range.is_empty();
        let mut request = Request::new(Method::PUT, url, self.access, "putting a layer in place")
            .with_header(CONTENT_TYPE, "application/octet-stream");
        request.timeout = Some(COMMIT_TIMEOUT);
        let response = match closing {
            true => self.session.send(&request).await?,
            false => self.send(&request, range).await?,
        };
        let status = response.status();
        if status.is_success() {
            self.open = None;
            self.report(self.blob.descriptor.size);
            return Ok(UploadOutcome::Sent);
        }
        let failure = self.session.failure(&request, response).await;
        Err(match status {
            _ if failure.transient => StepError::Retry(failure),
            StatusCode::NOT_FOUND => StepError::Restart(failure.error),
            // What was sent has been hashed: if it is not what arrived, the chunks got mixed up.
            StatusCode::BAD_REQUEST if closing => StepError::Monolithic(failure.error),
            _ => StepError::Fatal(failure.error),
        })
    }

    /// Sends `range` as the body of `request`.
    async fn send(
        &self,
        request: &Request<'_>,
        range: std::ops::Range<u64>,
    ) -> std::result::Result<Response, RequestError> {
        let sent = Arc::new(AtomicU64::new(0));
        let open = || {
            sent.store(0, Ordering::Relaxed);
            Body::wrap_stream(self.verifier.chunks(range.clone(), Arc::clone(&sent)))
        };
        let len = range.end - range.start;
        let request = request.with_body(RequestBody::Stream { open: &open, len });
        let report = |done| self.report(range.start + done);
        match with_stall_timeout(self.session.send(&request), &sent, len, report).await {
            Some(response) => response,
            None => Err(RequestError::stalled(&self.session.endpoint.registry)),
        }
    }

    /// Recovers from `error`, or returns it.
    async fn recover(&mut self, error: StepError) -> Result<Option<UploadOutcome>> {
        if let Some(error) = self.verifier.failure() {
            return Err(error);
        }
        match error {
            StepError::Fatal(error) => Err(error),
            StepError::Monolithic(error) => {
                if std::mem::replace(&mut self.monolithic, true) {
                    return Err(error);
                }
                self.abandon();
                Ok(None)
            }
            StepError::Restart(error) => {
                self.restarts += 1;
                self.abandon();
                if self.restarts >= self.session.options.retry.attempts {
                    return Err(error);
                }
                self.backoff.wait(RequestError::transient(error)).await?;
                self.check_arrived().await
            }
            StepError::Retry(failure) => {
                self.backoff.wait(failure).await?;
                if self.monolithic {
                    self.abandon();
                }
                match self.open {
                    Some(_) => self.resume().await,
                    None => self.check_arrived().await,
                }
            }
        }
    }

    /// Asks the registry for the offset of the upload session; without a response, a new one is opened.
    async fn resume(&mut self) -> Result<Option<UploadOutcome>> {
        let Some(open) = &self.open else {
            return Ok(None);
        };
        let url = open.location.clone();
        let request = Request::new(
            Method::GET,
            url,
            self.access,
            "asking for an upload's state",
        );
        let response = self.session.send(&request).await;
        let Ok(response) = response
            .as_ref()
            .map_err(drop)
            .and_then(|response| response.status().is_success().then_some(response).ok_or(()))
        else {
            self.abandon();
            return self.check_arrived().await;
        };
        let location = self.location(response)?;
        // No more can have arrived than was sent; nothing said is nothing there.
        let reached = reached(response)
            .unwrap_or(0)
            .min(self.blob.descriptor.size);
        if let Some(open) = &mut self.open {
            tracing::debug!(reached, "the upload goes on");
            open.offset = reached;
            open.location = location.unwrap_or_else(|| open.location.clone());
        }
        Ok(None)
    }

    /// Whether the blob has arrived after all: a response may have been lost.
    async fn check_arrived(&mut self) -> Result<Option<UploadOutcome>> {
        let found = exists(self.session, self.access, self.blob.digest()).await?;
        if found {
            self.report(self.blob.descriptor.size);
        }
        Ok(found.then_some(UploadOutcome::Sent))
    }

    /// Leaves the open upload session to be cancelled later.
    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            self.abandoned.add(open.location);
        }
    }

    fn location(&self, response: &Response) -> Result<Option<Url>> {
        http::header(response.headers(), LOCATION.as_str())
            .map(|location| self.session.endpoint.follow(response.url(), location))
            .transpose()
    }

    fn failed(&self, sent: &str) -> Error {
        Error::Failed {
            registry: self.session.endpoint.registry.clone(),
            what: format!("an upload in {}", self.access.repository),
            detail: format!("it sent {sent}"),
            retryable: false,
        }
    }

    fn report(&self, done: u64) {
        let digest = self.blob.digest().to_string();
        self.progress
            .bytes(stage::PUSH, &digest, done, Some(self.blob.descriptor.size));
    }
}

impl Drop for Upload<'_> {
    /// After an error, or because the push was cancelled.
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Whether the repository has the blob `digest`.
pub(super) async fn exists(session: &Session, access: &Access, digest: &Digest) -> Result<bool> {
    let url = session
        .endpoint
        .url(&format!("{}/blobs/{digest}", access.repository));
    let request = Request::new(Method::HEAD, url, access, "looking for a layer");
    let response = session.send_retrying(&request).await?;
    match response.status() {
        status if status.is_success() => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        _ => Err(session.failure(&request, response).await.error),
    }
}

/// How many bytes the registry says it has: `Range: 0-<last>`.
fn reached(response: &Response) -> Option<u64> {
    read_range(http::header(response.headers(), RANGE.as_str())?)
}

fn read_range(range: &str) -> Option<u64> {
    let (start, last) = range.trim().trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.parse().ok()?;
    // Registries write an empty upload as `0-0`, and no chunk is as short as one byte.
    (start == "0").then_some(if last == 0 { 0 } else { last.checked_add(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_says_how_many_bytes_have_arrived() {
        for (range, reached) in [
            ("0-0", Some(0)),
            ("0-1023", Some(1024)),
            ("bytes=0-9", Some(10)),
            ("5-9", None),
            ("0-18446744073709551615", None),
            ("0--1", None),
            ("", None),
        ] {
            assert_eq!(read_range(range), reached, "{range}");
        }
    }
}
