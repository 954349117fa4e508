//! Pushing an image set into a repository.

use boxwright_files::Progress;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use tokio_util::sync::CancellationToken;

use super::abandoned::AbandonedUploads;
use super::cancel::or_cancelled;
use super::http;
use super::pull::head;
use super::session::{Access, Request, RequestBody, Session};
use super::upload::{Upload, UploadOutcome, exists};
use crate::stage;
use crate::{Blob, BlobSource, Digest, Error, ImageSet, Reference, Result};

const PARALLEL_CHECKS: usize = 8;
const PARALLEL_UPLOADS: usize = 4;

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The index's digest, which the tag now names.
    pub digest: Digest,
    /// Bytes of blobs and manifests that were sent.
    pub uploaded_bytes: u64,
    /// Bytes of blobs that were there already or were mounted.
    pub reused_bytes: u64,
}

/// Sends `set` to the repository of `to`. When it fails or is cancelled, the open upload sessions
/// are cancelled at the registry too.
pub(super) async fn push(
    session: &Session,
    set: &ImageSet,
    to: &Reference,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Pushed> {
    let abandoned = AbandonedUploads::default();
    let sending = send(session, set, to, progress, &abandoned);
    let pushed = or_cancelled(cancel, sending).await;
    abandoned.cancel(session, to.repository()).await;
    pushed
}

async fn send(
    session: &Session,
    set: &ImageSet,
    to: &Reference,
    progress: &dyn Progress,
    abandoned: &AbandonedUploads,
) -> Result<Pushed> {
    let mount_from = mountable(session, to);
    let access = Access::push(to.repository(), &mount_from);
    let mut pushed = Pushed {
        digest: *set.digest(),
        uploaded_bytes: 0,
        reused_bytes: 0,
    };

    let (present, missing) = split_by_presence(session, &access, set).await?;
    for blob in present {
        progress.reused(
            stage::PUSH,
            &blob.digest().to_string(),
            blob.descriptor.size,
        );
        pushed.reused_bytes += blob.descriptor.size;
    }
    let (access, mounts) = (&access, &mount_from);
    let uploads: Vec<_> = missing
        .into_iter()
        .map(|blob| async move {
            let upload = Upload::new(session, access, blob, progress, abandoned)?;
            Ok::<_, Error>((blob.descriptor.size, upload.run(mounts).await?))
        })
        .collect();
    let mut outcomes = stream::iter(uploads).buffer_unordered(PARALLEL_UPLOADS);
    while let Some((size, outcome)) = outcomes.try_next().await? {
        match outcome {
            UploadOutcome::Sent => pushed.uploaded_bytes += size,
            UploadOutcome::Reused => pushed.reused_bytes += size,
        }
    }

    pushed.uploaded_bytes += put_manifests(session, access, set, to.tag_or_latest()).await?;
    Ok(pushed)
}

/// Sends the manifests, and last the index under `tag`. Returns the bytes that were sent.
async fn put_manifests(
    session: &Session,
    access: &Access,
    set: &ImageSet,
    tag: &str,
) -> Result<u64> {
    let manifests = || set.images.iter().map(|image| &image.manifest);
    let puts: Vec<_> = manifests()
        .map(|manifest| put_manifest(session, access, manifest, manifest.digest().to_string()))
        .collect();
    stream::iter(puts)
        .buffer_unordered(PARALLEL_UPLOADS)
        .try_collect::<()>()
        .await?;
    let mut sent = manifests().map(|manifest| manifest.descriptor.size).sum();
    // A tag that may not be changed may still be published again as it is.
    if head(session, access, tag).await? != Some(*set.digest()) {
        put_manifest(session, access, &set.index, tag.to_owned()).await?;
        sent += set.index.descriptor.size;
    }
    Ok(sent)
}

/// The blobs that the repository has, and those that it lacks, the largest first.
async fn split_by_presence<'a>(
    session: &Session,
    access: &Access,
    set: &'a ImageSet,
) -> Result<(Vec<&'a Blob>, Vec<&'a Blob>)> {
    let checks: Vec<_> =
        set.blobs()
            .into_iter()
            .map(|blob| async move {
                Ok::<_, Error>((exists(session, access, blob.digest()).await?, blob))
            })
            .collect();
    let checks = stream::iter(checks).buffer_unordered(PARALLEL_CHECKS);
    let checked: Vec<(bool, &Blob)> = checks.try_collect().await?;
    let (present, missing): (Vec<_>, Vec<_>) = checked.into_iter().partition(|(is, _)| *is);
    let blobs = |list: Vec<(bool, &'a Blob)>| list.into_iter().map(|(_, blob)| blob).collect();
    let (present, mut missing): (Vec<&Blob>, Vec<&Blob>) = (blobs(present), blobs(missing));
    missing.sort_by_key(|blob| std::cmp::Reverse(blob.descriptor.size));
    Ok((present, missing))
}

/// The repositories of the same registry that the user's options name.
fn mountable(session: &Session, to: &Reference) -> Vec<String> {
    let mut names: Vec<String> = session
        .options
        .mount_from
        .iter()
        .filter(|from| from.registry() == to.registry() && from.repository() != to.repository())
        .map(|from| from.repository().to_owned())
        .collect();
    names.dedup();
    names
}

async fn put_manifest(
    session: &Session,
    access: &Access,
    manifest: &Blob,
    name: String,
) -> Result<()> {
    let BlobSource::Bytes(bytes) = &manifest.source else {
        return Err(Error::Options("a manifest has to be in memory".into()));
    };
    let url = session
        .endpoint
        .url(&format!("{}/manifests/{name}", access.repository));
    let mut request = Request::new(Method::PUT, url, access, "putting the manifest in place")
        .with_header(CONTENT_TYPE, &manifest.descriptor.media_type);
    request.body = RequestBody::Bytes(bytes.clone());
    let response = session.send_for_success(&request).await?;
    let named = http::header(response.headers(), "docker-content-digest");
    let digest = manifest.digest().to_string();
    match named {
        Some(named) if named != digest && response.status() != StatusCode::ACCEPTED => {
            Err(Error::Failed {
                registry: session.endpoint.registry.clone(),
                what: format!("the manifest in {}", access.repository),
                detail: format!("it keeps {} as {}", digest, crate::error::printable(named)),
                retryable: false,
            })
        }
        _ => Ok(()),
    }
}
