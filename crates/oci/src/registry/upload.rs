//! One blob on its way into a repository.
//!
//! Small blobs go in one PUT, large ones in chunks, so that after a fault the upload goes on from
//! the range that the registry says it has. A chunk is never simply sent again: the part that had
//! arrived would be in the blob twice. Registries that take no chunks get the blob in one PUT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use boxwright_files::Progress;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use reqwest::{Body, Method, Response, StatusCode, Url};

use super::answer;
use super::retry::{Backoff, Fault};
use super::session::{Access, Call, Payload, Session};
use super::unfinished::Unfinished;
use super::watch::{PUTTING_AWAY, watched};
use crate::blob::Verifier;
use crate::stage;
use crate::{Blob, Digest, Error, Result};

/// Blobs up to this size go in one PUT, larger ones in chunks of it.
const CHUNK_BYTES: u64 = 16 << 20;

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
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
    place: Option<Place>,
    unfinished: &'a Unfinished,
    /// The registry takes no chunks.
    whole: bool,
    backoff: Backoff,
    restarts: u32,
    /// How far any attempt has come. Only what goes beyond it is progress: a registry that forgets
    /// an upload after each chunk takes the first one again and again.
    furthest: u64,
}

/// An upload that the registry has opened.
struct Place {
    location: Url,
    offset: u64,
    chunk: u64,
}

/// Why a step failed, by what helps.
enum Trouble {
    /// Waiting, and going on from where the registry stands.
    Wait(Fault),
    /// Starting again: the registry doesn't know this upload any more.
    Restart(Error),
    /// One PUT instead of chunks.
    Whole(Error),
    /// Nothing.
    Fatal(Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        if fault.transient {
            Self::Wait(fault)
        } else {
            Self::Fatal(fault.error)
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

type Step<T> = std::result::Result<T, Trouble>;

impl<'a> Upload<'a> {
    pub(super) fn new(
        session: &'a Session,
        access: &'a Access,
        blob: &'a Blob,
        progress: &'a dyn Progress,
        unfinished: &'a Unfinished,
    ) -> Result<Self> {
        Ok(Self {
            session,
            access,
            blob,
            progress,
            verifier: Arc::new(Verifier::new(blob)?),
            place: None,
            unfinished,
            whole: blob.descriptor.size <= CHUNK_BYTES,
            backoff: Backoff::new(session.options.retry),
            restarts: 0,
            furthest: 0,
        })
    }

    /// Mounts the blob from one of the repositories `mount_from`, or sends it.
    pub(super) async fn run(mut self, mount_from: &[String]) -> Result<Arrival> {
        for from in mount_from {
            // A mount that doesn't work opens an upload instead, or is nothing lost.
            if let Ok(Some(arrival)) = self.open(Some(from)).await {
                return Ok(arrival);
            }
            if self.place.is_some() {
                break;
            }
        }
        self.report(0);
        loop {
            let arrival = match self.step().await {
                Ok(arrival) => arrival,
                Err(trouble) => self.recover(trouble).await?,
            };
            if let Some(arrival) = arrival {
                return Ok(arrival);
            }
            self.note_progress();
        }
    }

    /// Only bytes that had never arrived before start the count of attempts again.
    fn note_progress(&mut self) {
        let offset = self.place.as_ref().map_or(0, |place| place.offset);
        if offset > self.furthest {
            self.furthest = offset;
            self.backoff.reset();
        }
    }

    async fn step(&mut self) -> Step<Option<Arrival>> {
        let size = self.blob.descriptor.size;
        match &self.place {
            None => self.open(None).await,
            Some(_) if self.whole => self.put(0..size).await.map(Some),
            Some(place) if place.offset < size => self.patch().await.map(|()| None),
            Some(_) => self.put(size..size).await.map(Some),
        }
    }

    /// Opens an upload, or mounts the blob.
    async fn open(&mut self, from: Option<&String>) -> Step<Option<Arrival>> {
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
        let call = Call::new(Method::POST, url, self.access, "starting an upload");
        let response = self.session.send(&call).await?;
        if !response.status().is_success() {
            return Err(self.session.fault(&call, response).await.into());
        }
        if response.status() == StatusCode::CREATED && from.is_some() {
            self.progress.reused(
                stage::PUSH,
                &self.blob.digest().to_string(),
                self.blob.descriptor.size,
            );
            return Ok(Some(Arrival::Reused));
        }
        let location = self
            .location(&response)?
            .ok_or_else(|| self.failed("no address"))?;
        let least = answer::header(response.headers(), "oci-chunk-min-length");
        let least = least.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.place = Some(Place {
            location,
            offset: 0,
            chunk: CHUNK_BYTES.max(least),
        });
        Ok(None)
    }

    /// Sends the next chunk.
    async fn patch(&mut self) -> Step<()> {
        let Some(Place {
            location,
            offset,
            chunk,
        }) = &self.place
        else {
            return Ok(());
        };
        let range = *offset..offset.saturating_add(*chunk).min(self.blob.descriptor.size);
        let call = Call::new(
            Method::PATCH,
            location.clone(),
            self.access,
            "sending a layer",
        )
        .with(CONTENT_TYPE, "application/octet-stream")
        .with(CONTENT_RANGE, &format!("{}-{}", range.start, range.end - 1));
        let response = self.send(&call, range.clone()).await?;
        let status = response.status();
        if !status.is_success() {
            let fault = self.session.fault(&call, response).await;
            return Err(match status {
                _ if fault.transient => Trouble::Wait(fault),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::Fatal(fault.error),
                StatusCode::NOT_FOUND => Trouble::Restart(fault.error),
                // The registry stands elsewhere than thought.
                StatusCode::RANGE_NOT_SATISFIABLE if self.restarts == 0 => {
                    Trouble::Restart(fault.error)
                }
                _ => Trouble::Whole(fault.error),
            });
        }
        let location = self.location(&response)?;
        let reached = reached(&response).unwrap_or(range.end);
        if reached <= range.start || reached > range.end {
            return Err(Trouble::Restart(self.failed("a range that was not sent")));
        }
        if let Some(place) = &mut self.place {
            place.offset = reached;
            place.location = location.unwrap_or_else(|| place.location.clone());
        }
        Ok(())
    }

    /// Sends `range`, the whole or nothing, and closes the upload.
    async fn put(&mut self, range: std::ops::Range<u64>) -> Step<Arrival> {
        let Some(place) = &self.place else {
            return Err(self.failed("no address").into());
        };
        let mut url = place.location.clone();
        url.query_pairs_mut()
            .append_pair("digest", &self.blob.digest().to_string());
        let closing = range.is_empty();
        let mut call = Call::new(Method::PUT, url, self.access, "putting a layer in place")
            .with(CONTENT_TYPE, "application/octet-stream");
        call.patience = Some(PUTTING_AWAY);
        let response = match closing {
            true => self.session.send(&call).await?,
            false => self.send(&call, range).await?,
        };
        let status = response.status();
        if status.is_success() {
            self.place = None;
            self.report(self.blob.descriptor.size);
            return Ok(Arrival::Sent);
        }
        let fault = self.session.fault(&call, response).await;
        Err(match status {
            _ if fault.transient => Trouble::Wait(fault),
            StatusCode::NOT_FOUND => Trouble::Restart(fault.error),
            // What was sent has been hashed: if it is not what arrived, the chunks got mixed up.
            StatusCode::BAD_REQUEST if closing => Trouble::Whole(fault.error),
            _ => Trouble::Fatal(fault.error),
        })
    }

    /// Sends `range` as the body of `call`.
    async fn send(
        &self,
        call: &Call<'_>,
        range: std::ops::Range<u64>,
    ) -> std::result::Result<Response, Fault> {
        let sent = Arc::new(AtomicU64::new(0));
        let open = || {
            sent.store(0, Ordering::Relaxed);
            Body::wrap_stream(self.verifier.chunks(range.clone(), Arc::clone(&sent)))
        };
        let len = range.end - range.start;
        let call = call.carrying(Payload::Stream { open: &open, len });
        let report = |done| self.report(range.start + done);
        match watched(self.session.send(&call), &sent, len, report).await {
            Some(response) => response,
            None => Err(Fault::stalled(&self.session.endpoint.registry)),
        }
    }

    /// Does what helps against `trouble`, or gives up.
    async fn recover(&mut self, trouble: Trouble) -> Result<Option<Arrival>> {
        if let Some(error) = self.verifier.fault() {
            return Err(error);
        }
        match trouble {
            Trouble::Fatal(error) => Err(error),
            Trouble::Whole(error) => {
                if std::mem::replace(&mut self.whole, true) {
                    return Err(error);
                }
                self.leave();
                Ok(None)
            }
            Trouble::Restart(error) => {
                self.restarts += 1;
                self.leave();
                if self.restarts >= self.session.options.retry.attempts {
                    return Err(error);
                }
                self.backoff.wait(Fault::transient(error)).await?;
                self.find().await
            }
            Trouble::Wait(fault) => {
                self.backoff.wait(fault).await?;
                if self.whole {
                    self.leave();
                }
                match self.place {
                    Some(_) => self.resume().await,
                    None => self.find().await,
                }
            }
        }
    }

    /// Asks the registry how far the upload has come; without an answer, a new one is opened.
    async fn resume(&mut self) -> Result<Option<Arrival>> {
        let Some(place) = &self.place else {
            return Ok(None);
        };
        let url = place.location.clone();
        let call = Call::new(
            Method::GET,
            url,
            self.access,
            "asking for an upload's state",
        );
        let answer = self.session.send(&call).await;
        let Ok(response) = answer
            .as_ref()
            .map_err(drop)
            .and_then(|response| response.status().is_success().then_some(response).ok_or(()))
        else {
            self.leave();
            return self.find().await;
        };
        let location = self.location(response)?;
        // No more can have arrived than was sent; nothing said is nothing there.
        let reached = reached(response)
            .unwrap_or(0)
            .min(self.blob.descriptor.size);
        if let Some(place) = &mut self.place {
            tracing::debug!(reached, "the upload goes on");
            place.offset = reached;
            place.location = location.unwrap_or_else(|| place.location.clone());
        }
        Ok(None)
    }

    /// Whether the blob has arrived after all: an answer may have been lost.
    async fn find(&mut self) -> Result<Option<Arrival>> {
        let found = exists(self.session, self.access, self.blob.digest()).await?;
        if found {
            self.report(self.blob.descriptor.size);
        }
        Ok(found.then_some(Arrival::Sent))
    }

    /// Goes on without the upload that is open.
    fn leave(&mut self) {
        if let Some(place) = self.place.take() {
            self.unfinished.add(place.location);
        }
    }

    fn location(&self, response: &Response) -> Result<Option<Url>> {
        answer::header(response.headers(), LOCATION.as_str())
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
    /// Given up by an error, or because the push was cancelled.
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether the repository has the blob `digest`.
pub(super) async fn exists(session: &Session, access: &Access, digest: &Digest) -> Result<bool> {
    let url = session
        .endpoint
        .url(&format!("{}/blobs/{digest}", access.repository));
    let call = Call::new(Method::HEAD, url, access, "looking for a layer");
    let response = session.ask(&call).await?;
    match response.status() {
        status if status.is_success() => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        _ => Err(session.fault(&call, response).await.error),
    }
}

/// How many bytes the registry says it has: `Range: 0-<last>`.
fn reached(response: &Response) -> Option<u64> {
    read_range(answer::header(response.headers(), RANGE.as_str())?)
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
