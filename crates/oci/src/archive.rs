//! Archives: an OCI layout in a tar, with the `manifest.json` that Docker reads.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use boxwright_files::{AtomicFile, Progress};
use bytes::Bytes;
use serde::Serialize;
use tar::EntryType;
use tokio_util::sync::CancellationToken;

use crate::manifest::to_json;
use crate::stage;
use crate::tar_header::{Attributes, EntryHead, end, header, padding};
use crate::{
    Blob, Descriptor, Digest, Error, Image, ImageSet, Index, Platform, Reference, Result,
    media_type,
};

/// What an `oci-layout` file says.
pub(crate) const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Where containerd (and with it newer Docker) looks for a full name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An archive that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveWritten {
    /// The file's size in bytes.
    pub bytes: u64,
}

/// Writes `sets`, each under its reference, to the file `to`: whole or not at all, and always the
/// same bytes on machines of one architecture. skopeo and podman read it as an OCI archive, with
/// every platform; `docker load` takes this machine's platform from it (older engines know only
/// their own `manifest.json`, which has one image a tag), or the first where this one is missing.
/// Blocks.
///
/// # Errors
/// `DiskFull`, `FileChanged`, `Io`, `Cancelled`.
pub fn write(
    sets: &[(&ImageSet, Option<&Reference>)],
    to: &Path,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<ArchiveWritten> {
    let write = |error| Error::write(to, error);
    let mut file = AtomicFile::create(to).map_err(write)?;
    let mut tar = TarWriter {
        to: file.writer(),
        path: to,
        written: 0,
    };
    tar.folder("blobs")?;
    tar.folder("blobs/sha256")?;
    for (digest, blob) in all_blobs(sets) {
        tar.blob(&digest, blob, progress, cancel)?;
    }
    tar.small("index.json", &to_json(&index(sets)))?;
    tar.small("manifest.json", &to_json(&docker_list(sets)))?;
    tar.small("oci-layout", LAYOUT.as_bytes())?;
    tar.put(end())?;
    let bytes = tar.written;
    if cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    file.commit().map_err(write)?;
    Ok(ArchiveWritten { bytes })
}

fn all_blobs<'a>(sets: &[(&'a ImageSet, Option<&Reference>)]) -> BTreeMap<Digest, &'a Blob> {
    let mut blobs = BTreeMap::new();
    for (set, _) in sets {
        blobs.extend(set.blobs().into_iter().map(|blob| (*blob.digest(), blob)));
        blobs.extend(
            set.images
                .iter()
                .map(|image| (*image.manifest.digest(), &image.manifest)),
        );
        blobs.insert(*set.index.digest(), &set.index);
    }
    blobs
}

fn index(sets: &[(&ImageSet, Option<&Reference>)]) -> Index {
    let manifests = sets.iter().map(|(set, reference)| {
        let mut descriptor = set.index.descriptor.clone();
        if let Some(reference) = reference {
            for key in [REF_NAME, CONTAINERD_NAME] {
                descriptor
                    .annotations
                    .insert(key.into(), reference.to_string());
            }
        }
        descriptor
    });
    Index {
        schema_version: 2,
        media_type: media_type::INDEX.into(),
        manifests: manifests.collect::<Vec<Descriptor>>(),
        annotations: BTreeMap::new(),
    }
}

/// An entry of the list that `docker load` reads.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

fn docker_list(sets: &[(&ImageSet, Option<&Reference>)]) -> Vec<DockerImage> {
    let entry = |(set, reference): &(&ImageSet, Option<&Reference>)| {
        let image = for_host(&set.images)?;
        Some(DockerImage {
            config: blob_path(image.config.digest()),
            repo_tags: reference.and_then(tag_of).into_iter().collect(),
            layers: image
                .layers
                .iter()
                .map(|layer| blob_path(layer.blob.digest()))
                .collect(),
        })
    };
    sets.iter().filter_map(entry).collect()
}

fn for_host(images: &[Image]) -> Option<&Image> {
    let host = Platform::host();
    images
        .iter()
        .find(|image| image.platform.matches(&host))
        .or(images.first())
}

fn tag_of(reference: &Reference) -> Option<String> {
    let tag = match (reference.tag(), reference.digest()) {
        (None, Some(_)) => return None,
        _ => reference.tag_or_latest(),
    };
    Some(format!(
        "{}/{}:{tag}",
        reference.registry(),
        reference.repository()
    ))
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

struct TarWriter<'a, W> {
    to: &'a mut W,
    path: &'a Path,
    written: u64,
}

impl<W: Write> TarWriter<'_, W> {
    fn folder(&mut self, path: &str) -> Result<()> {
        self.head(path, EntryType::Directory, 0o755, 0)
    }

    fn small(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.head(path, EntryType::Regular, 0o644, content.len() as u64)?;
        self.put(content)?;
        self.put(padding(content.len() as u64))
    }

    fn blob(
        &mut self,
        digest: &Digest,
        blob: &Blob,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let (size, item) = (blob.descriptor.size, digest.to_string());
        self.head(&blob_path(digest), EntryType::Regular, 0o644, size)?;
        let mut on_bytes = |done| progress.bytes(stage::ARCHIVE, &item, done, Some(size));
        blob.copy_to(self.to, self.path, &mut on_bytes, cancel)?;
        self.written += size;
        self.put(padding(size))
    }

    fn head(&mut self, path: &str, kind: EntryType, mode: u32, size: u64) -> Result<()> {
        let head = EntryHead {
            path,
            kind,
            mode,
            size,
            link: None,
        };
        let bytes: Bytes = header(
            &head,
            Attributes {
                uid: 0,
                gid: 0,
                mtime: 0,
            },
        )?
        .into();
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.to
            .write_all(bytes)
            .map_err(|error| Error::write(self.path, error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
