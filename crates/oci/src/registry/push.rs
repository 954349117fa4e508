//! A whole image set on its way into a repository.

use boxwright_files::Progress;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use tokio_util::sync::CancellationToken;

use super::pull::head;
use super::session::{Access, Call, Payload, Session};
use super::unfinished::Unfinished;
use super::upload::{Arrival, Upload, exists};
use super::watch::in_parallel;
use super::{Pushed, answer, or_cancelled};
use crate::stage;
use crate::{Blob, BlobSource, Error, ImageSet, Reference, Result};

const PARALLEL_QUESTIONS: usize = 8;
const PARALLEL_UPLOADS: usize = 4;

/// Sends `set` to the repository of `to`. What is under way when it fails or is cancelled is ended
/// at the registry too.
pub(super) async fn push(
    session: &Session,
    set: &ImageSet,
    to: &Reference,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Pushed> {
    let unfinished = Unfinished::default();
    let sending = send(session, set, to, progress, &unfinished);
    let pushed = or_cancelled(cancel, sending).await;
    unfinished.end(session, to.repository()).await;
    pushed
}

async fn send(
    session: &Session,
    set: &ImageSet,
    to: &Reference,
    progress: &dyn Progress,
    unfinished: &Unfinished,
) -> Result<Pushed> {
    let mount_from = mountable(session, to);
    let access = Access::push(to.repository(), &mount_from);
    let mut pushed = Pushed {
        digest: *set.digest(),
        uploaded_bytes: 0,
        reused_bytes: 0,
    };

    let (present, missing) = sort(session, &access, set).await?;
    for blob in present {
        progress.reused(
            stage::PUSH,
            &blob.digest().to_string(),
            blob.descriptor.size,
        );
        pushed.reused_bytes += blob.descriptor.size;
    }
    let (access_ref, mounts) = (&access, &mount_from);
    let arrivals = in_parallel(PARALLEL_UPLOADS, missing, |blob| async move {
        let upload = Upload::new(session, access_ref, blob, progress, unfinished)?;
        Ok((blob.descriptor.size, upload.run(mounts).await?))
    });
    for (size, arrival) in arrivals.await? {
        match arrival {
            Arrival::Sent => pushed.uploaded_bytes += size,
            Arrival::Reused => pushed.reused_bytes += size,
        }
    }

    let manifests: Vec<&Blob> = set.images.iter().map(|image| &image.manifest).collect();
    in_parallel(PARALLEL_UPLOADS, manifests, |manifest| {
        put_manifest(session, access_ref, manifest, manifest.digest().to_string())
    })
    .await?;
    let tag = to.tag_or_latest();
    // A tag that may not be changed may still be published again as it is.
    if head(session, &access, tag).await? != Some(*set.digest()) {
        put_manifest(session, &access, &set.index, tag.to_owned()).await?;
        pushed.uploaded_bytes += set.index.descriptor.size;
    }
    pushed.uploaded_bytes += set
        .images
        .iter()
        .map(|i| i.manifest.descriptor.size)
        .sum::<u64>();
    Ok(pushed)
}

/// The blobs that the repository has, and those that it lacks, the largest first.
async fn sort<'a>(
    session: &Session,
    access: &Access,
    set: &'a ImageSet,
) -> Result<(Vec<&'a Blob>, Vec<&'a Blob>)> {
    let asked = in_parallel(PARALLEL_QUESTIONS, set.blobs(), |blob| async move {
        Ok((exists(session, access, blob.digest()).await?, blob))
    });
    let (present, missing): (Vec<_>, Vec<_>) = asked.await?.into_iter().partition(|(is, _)| *is);
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
    let mut call = Call::new(Method::PUT, url, access, "putting the manifest in place")
        .with(CONTENT_TYPE, &manifest.descriptor.media_type);
    call.payload = Payload::Bytes(bytes.clone());
    let response = session.require(&call).await?;
    let named = answer::header(response.headers(), "docker-content-digest");
    let digest = manifest.digest().to_string();
    match named {
        Some(named) if named != digest && response.status() != StatusCode::ACCEPTED => {
            Err(Error::Failed {
                registry: session.endpoint.registry.clone(),
                what: format!("the manifest in {}", access.repository),
                detail: format!("it keeps {} as {}", digest, crate::error::shown(named)),
                retryable: false,
            })
        }
        _ => Ok(()),
    }
}
