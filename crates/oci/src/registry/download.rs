//! One blob on its way out of a repository: hashed while it arrives, never more than it should be,
//! and after a failure continued from where it stood.

use std::io::Write;
use std::path::{Path, PathBuf};

use boxwright_files::{AtomicFile, Progress};
use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::http::{self, next_piece};
use super::retry::{Backoff, RequestError};
use super::session::{Access, Request, Session};
use crate::segment::CHUNK;
use crate::stage;
use crate::{Descriptor, Digest, Error, Hasher, Result};

pub(super) struct Download<'a> {
    session: &'a Session,
    access: &'a Access,
    descriptor: &'a Descriptor,
    progress: &'a dyn Progress,
    received: u64,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        session: &'a Session,
        access: &'a Access,
        descriptor: &'a Descriptor,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            session,
            access,
            descriptor,
            progress,
            received: 0,
        }
    }

    /// Fetches the blob into the folder `blobs`, unless it is there already.
    pub(super) async fn into(mut self, blobs: &Path) -> Result<()> {
        let path = blobs.join(self.descriptor.digest.hex());
        let (item, size) = (self.descriptor.digest.to_string(), self.descriptor.size);
        if self.is_there(&path).await {
            self.progress.reused(stage::PULL, &item, size);
            return Ok(());
        }
        self.progress.bytes(stage::PULL, &item, 0, Some(size));
        let (sender, writer) = write_to(path.clone())?;
        let mut backoff = Backoff::new(self.session.options.retry);
        while self.received < size {
            let before = self.received;
            if let Err(failure) = self.attempt(&sender).await {
                if sender.is_closed() {
                    // The writer has ended before its time: it says why.
                    break;
                }
                if self.received > before {
                    backoff.reset();
                }
                backoff.wait(failure).await?;
            }
        }
        drop(sender);
        let (file, digest) = writer
            .await
            .map_err(|_| self.invalid("writing it failed"))??;
        if digest != self.descriptor.digest {
            return Err(self.invalid("its content has another digest"));
        }
        file.commit().map_err(|error| Error::write(&path, error))
    }

    async fn attempt(&mut self, to: &Sender<Bytes>) -> Result<(), RequestError> {
        let repository = &self.access.repository;
        let url = format!("{repository}/blobs/{}", self.descriptor.digest);
        let url = self.session.endpoint.url(&url);
        let mut request = Request::new(Method::GET, url, self.access, "reading a layer");
        if self.received > 0 {
            request = request.with_header(RANGE, &format!("bytes={}-", self.received));
        }
        let response = self.session.send(&request).await?;
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT => range_start(&response),
            StatusCode::OK => Some(0),
            StatusCode::NOT_FOUND => {
                return Err(RequestError::fatal(Error::NotFound {
                    registry: self.session.endpoint.registry.clone(),
                    repository: self.access.repository.clone(),
                    what: format!("blob {}", self.descriptor.digest),
                }));
            }
            _ => return Err(self.session.failure(&request, response).await),
        };
        match start {
            Some(start) if start <= self.received => self.receive(response, start, to).await,
            _ => Err(self
                .invalid("another part of it was sent than was asked for")
                .into()),
        }
    }

    /// Takes the body, which starts at `at` of the blob, and hands on what is new in it.
    async fn receive(
        &mut self,
        mut response: Response,
        mut at: u64,
        to: &Sender<Bytes>,
    ) -> Result<(), RequestError> {
        let registry = self.session.endpoint.registry.clone();
        let item = self.descriptor.digest.to_string();
        let size = self.descriptor.size;
        while let Some(mut piece) = next_piece(&registry, &mut response).await? {
            let known = self.received.saturating_sub(at).min(piece.len() as u64);
            at += piece.len() as u64;
            if at > size {
                return Err(self.invalid("it is longer than its manifest says").into());
            }
            // At most the piece's length.
            let fresh = piece.split_off(known as usize);
            if fresh.is_empty() {
                continue;
            }
            self.received += fresh.len() as u64;
            if to.send(fresh).await.is_err() {
                return Err(self.invalid("writing it failed").into());
            }
            self.progress
                .bytes(stage::PULL, &item, self.received, Some(size));
        }
        match self.received == size {
            true => Ok(()),
            false => Err(RequestError::transient(Error::Failed {
                registry,
                what: format!("{item} in {}", self.access.repository),
                detail: format!("only {} of {size} bytes were sent", self.received),
                retryable: true,
            })),
        }
    }

    /// Whether an earlier pull has left the blob, whole.
    async fn is_there(&self, path: &Path) -> bool {
        let (path, size) = (path.to_owned(), self.descriptor.size);
        let hashed = tokio::task::spawn_blocking(move || digest_of(&path, size)).await;
        hashed.ok().flatten() == Some(self.descriptor.digest)
    }

    fn invalid(&self, detail: &str) -> Error {
        Error::ContentInvalid {
            what: format!("{} in {}", self.descriptor.digest, self.access.repository),
            detail: detail.to_owned(),
        }
    }
}

fn digest_of(path: &Path, size: u64) -> Option<Digest> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).ok()?;
    if file.metadata().ok()?.len() != size {
        return None;
    }
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

type Writer = JoinHandle<Result<(AtomicFile, Digest)>>;

/// A thread that hashes and writes what it is sent, beside the network.
fn write_to(path: PathBuf) -> Result<(Sender<Bytes>, Writer)> {
    let file = AtomicFile::create(&path).map_err(|error| Error::write(&path, error))?;
    let (sender, receiver) = channel(64);
    Ok((
        sender,
        tokio::task::spawn_blocking(move || write_all(file, &path, receiver)),
    ))
}

fn write_all(
    mut file: AtomicFile,
    path: &Path,
    mut pieces: Receiver<Bytes>,
) -> Result<(AtomicFile, Digest)> {
    let mut hasher = Hasher::new();
    while let Some(piece) = pieces.blocking_recv() {
        hasher.update(&piece);
        file.writer()
            .write_all(&piece)
            .map_err(|error| Error::write(path, error))?;
    }
    Ok((file, hasher.finish()))
}

/// Where a partial response starts: `Content-Range: bytes <start>-<last>/<size>`.
fn range_start(response: &Response) -> Option<u64> {
    let range = http::header(response.headers(), CONTENT_RANGE.as_str())?;
    range
        .trim()
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}
