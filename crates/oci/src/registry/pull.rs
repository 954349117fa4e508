//! Pulling an image set into a folder.

use std::path::{Path, PathBuf};

use boxwright_files::{Progress, WriteOptions, disk};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};

use super::download::Download;
use super::http::{self, read_body};
use super::session::{Access, Request, Session};
use crate::archive::LAYOUT;
use crate::manifest::{MAX_MANIFEST_BYTES, to_json};
use crate::{
    Descriptor, Digest, Document, Error, ImageConfig, Index, Manifest, Platform, Reference, Result,
    media_type,
};

const PARALLEL_DOWNLOADS: usize = 4;
/// The most images of an index.
const MAX_IMAGES: usize = 100;
/// The most that is fetched at once, in bytes: a model and a GPU's libraries for each target.
const MAX_PULL_BYTES: u64 = 64 << 30;

/// What a pull fetched.
#[derive(Debug, Clone)]
pub struct PulledSet {
    /// The digest of what the reference names: an index, or a single manifest.
    pub digest: Digest,
    /// The images, in the index's order.
    pub images: Vec<PulledImage>,
}

/// A fetched image; its blobs lie in the layout's folder.
#[derive(Debug, Clone)]
pub struct PulledImage {
    /// What it runs on.
    pub platform: Platform,
    /// Its manifest's digest.
    pub manifest_digest: Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, bottom first, and the files they lie in.
    pub layers: Vec<(Descriptor, PathBuf)>,
    /// The layers' compressed size in bytes.
    pub size: u64,
}

/// Fetches what `reference` names.
pub(super) async fn pull(
    session: &Session,
    reference: &Reference,
    to: &Path,
    platforms: Option<&[Platform]>,
    progress: &dyn Progress,
) -> Result<PulledSet> {
    let pull = Pull {
        session,
        access: Access::pull(reference.repository()),
        blobs: to.join("blobs").join("sha256"),
        progress,
    };
    create_folder(&pull.blobs)?;
    let (top, document) = pull.top(reference).await?;
    let digest = top.digest;
    let found = pull.found(digest, document, platforms).await?;
    let needed = pull.missing_bytes(&found);
    check_space(reference, needed, to, disk::usable_space(to))?;
    let mut images = Vec::new();
    for one in found {
        let was_chosen = one.platform.is_some();
        let image = pull.image(one).await?;
        let is_wanted = |list: &[Platform]| list.iter().any(|p| p.matches(&image.platform));
        if !was_chosen && platforms.is_some_and(|list| !is_wanted(list)) {
            return Err(pull.missing(&format!("image for {}", joined(platforms))));
        }
        images.push(image);
    }
    write_layout(to, top)?;
    Ok(PulledSet { digest, images })
}

/// The digest that `name`, a tag or a digest, has in the repository now.
pub(super) async fn head(session: &Session, access: &Access, name: &str) -> Result<Option<Digest>> {
    let url = session
        .endpoint
        .url(&format!("{}/manifests/{name}", access.repository));
    let request = Request::new(Method::HEAD, url.clone(), access, "looking for the tag")
        .with_header(ACCEPT, &media_type::MANIFESTS.join(", "));
    let response = session.send_retrying(&request).await?;
    match response.status() {
        StatusCode::NOT_FOUND => return Ok(None),
        status if !status.is_success() => {
            return Err(session.failure(&request, response).await.error);
        }
        _ => {}
    }
    let named = http::header(response.headers(), "docker-content-digest");
    if let Some(digest) = named.and_then(|text| text.parse().ok()) {
        return Ok(Some(digest));
    }
    // A registry that doesn't name it: the content does.
    let request = Request {
        method: Method::GET,
        ..request
    };
    let response = session.send_for_success(&request).await?;
    let registry = &session.endpoint.registry;
    let body = read_body(registry, response, MAX_MANIFEST_BYTES)
        .await
        .map_err(|f| f.error)?;
    Ok(Some(Digest::of(&body)))
}

/// A manifest that was fetched, and its platform where an index names it.
struct Found {
    digest: Digest,
    manifest: Manifest,
    platform: Option<Platform>,
}

struct Pull<'a> {
    session: &'a Session,
    access: Access,
    /// The layout's folder of blobs.
    blobs: PathBuf,
    progress: &'a dyn Progress,
}

impl Pull<'_> {
    /// What the reference names, stored.
    async fn top(&self, reference: &Reference) -> Result<(Descriptor, Document)> {
        let (name, what) = match reference.digest() {
            Some(digest) => (digest.to_string(), format!("manifest {digest}")),
            None => (
                reference.tag_or_latest().to_owned(),
                format!("tag {}", reference.tag_or_latest()),
            ),
        };
        let (bytes, kind) = self.manifest(&name, &what).await?;
        let digest = Digest::of(&bytes);
        if reference.digest().is_some_and(|wanted| *wanted != digest) {
            return Err(invalid(&digest, "it was asked for by another digest"));
        }
        let document = Document::parse(&bytes)?;
        let fallback = match &document {
            Document::Index(_) => media_type::INDEX,
            Document::Manifest(_) => media_type::MANIFEST,
        };
        let kind = kind.filter(|kind| media_type::MANIFESTS.contains(&kind.as_str()));
        let kind = kind.unwrap_or_else(|| fallback.to_owned());
        let descriptor = Descriptor::new(&kind, digest, bytes.len() as u64);
        self.store(&digest, &bytes)?;
        Ok((descriptor, document))
    }

    async fn document(&self, descriptor: &Descriptor) -> Result<Document> {
        let name = descriptor.digest.to_string();
        let (bytes, _) = self.manifest(&name, &format!("manifest {name}")).await?;
        if Digest::of(&bytes) != descriptor.digest || bytes.len() as u64 != descriptor.size {
            return Err(invalid(
                &descriptor.digest,
                "its content has another digest or size",
            ));
        }
        self.store(&descriptor.digest, &bytes)?;
        Document::parse(&bytes)
    }

    /// The manifest called `name`, and the media type that it was sent as.
    async fn manifest(&self, name: &str, what: &str) -> Result<(Bytes, Option<String>)> {
        let repository = &self.access.repository;
        let url = self
            .session
            .endpoint
            .url(&format!("{repository}/manifests/{name}"));
        let request = Request::new(Method::GET, url, &self.access, "reading the manifest")
            .with_header(ACCEPT, &media_type::MANIFESTS.join(", "));
        let response = self.session.send_retrying(&request).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Err(self.missing(what)),
            status if status.is_success() => {}
            _ => return Err(self.session.failure(&request, response).await.error),
        }
        let kind = http::header(response.headers(), "content-type").map(str::to_owned);
        let registry = &self.session.endpoint.registry;
        let body = read_body(registry, response, MAX_MANIFEST_BYTES).await;
        Ok((body.map_err(|failure| failure.error)?, kind))
    }

    /// The manifests of all images that are to be fetched.
    async fn found(
        &self,
        digest: Digest,
        document: Document,
        platforms: Option<&[Platform]>,
    ) -> Result<Vec<Found>> {
        let index = match document {
            Document::Index(index) => index,
            Document::Manifest(manifest) => {
                return Ok(vec![Found {
                    digest,
                    manifest,
                    platform: None,
                }]);
            }
        };
        let chosen = self.chosen(index.manifests, platforms)?;
        if chosen.len() > MAX_IMAGES {
            let detail = format!("it has more than {MAX_IMAGES} images");
            return Err(invalid(&digest, &detail));
        }
        let mut found = Vec::new();
        for descriptor in chosen {
            let digest = descriptor.digest;
            let Document::Manifest(manifest) = self.document(&descriptor).await? else {
                return Err(invalid(&digest, "it is an index inside an index"));
            };
            found.push(Found {
                digest,
                manifest,
                platform: descriptor.platform,
            });
        }
        Ok(found)
    }

    /// The bytes of all blobs that are not here yet; `None` where they are more than can be counted.
    fn missing_bytes(&self, found: &[Found]) -> Option<u64> {
        let is_here = |blob: &Descriptor| {
            let metadata = std::fs::metadata(self.path(&blob.digest));
            metadata.is_ok_and(|metadata| metadata.len() == blob.size)
        };
        let blobs = found.iter().map(|one| &one.manifest);
        let blobs = blobs.flat_map(|one| std::iter::once(&one.config).chain(&one.layers));
        let mut missing = unique(blobs).into_iter().filter(|blob| !is_here(blob));
        missing.try_fold(0u64, |sum, blob| sum.checked_add(blob.size))
    }

    /// The manifests of the wanted platforms. What has no platform is no image.
    fn chosen(
        &self,
        manifests: Vec<Descriptor>,
        platforms: Option<&[Platform]>,
    ) -> Result<Vec<Descriptor>> {
        let Some(platforms) = platforms else {
            let is_image = |d: &Descriptor| d.platform.as_ref().is_none_or(|p| p.os != "unknown");
            return Ok(manifests.into_iter().filter(is_image).collect());
        };
        let of = |wanted: &Platform| {
            let has = |d: &&Descriptor| d.platform.as_ref().is_some_and(|p| p.matches(wanted));
            let found = manifests.iter().find(has).cloned();
            found.ok_or_else(|| self.missing(&format!("image for {wanted}")))
        };
        platforms.iter().map(of).collect()
    }

    async fn image(&self, found: Found) -> Result<PulledImage> {
        let Found {
            digest: manifest_digest,
            manifest,
            platform,
        } = found;
        if manifest.config.size > MAX_MANIFEST_BYTES {
            return Err(invalid(
                &manifest.config.digest,
                "a configuration is never this large",
            ));
        }
        let descriptors = std::iter::once(&manifest.config).chain(&manifest.layers);
        let downloads: Vec<_> = unique(descriptors)
            .into_iter()
            .map(|descriptor| {
                let download = Download::new(self.session, &self.access, descriptor, self.progress);
                download.into(&self.blobs)
            })
            .collect();
        stream::iter(downloads)
            .buffer_unordered(PARALLEL_DOWNLOADS)
            .try_collect::<()>()
            .await?;
        let path = self.path(&manifest.config.digest);
        let bytes = std::fs::read(&path).map_err(|error| Error::read(&path, error))?;
        let config = ImageConfig::parse(&bytes)?;
        if config.rootfs.diff_ids.len() != manifest.layers.len() {
            return Err(invalid(
                &manifest_digest,
                "manifest and configuration differ in layers",
            ));
        }
        let sizes = manifest.layers.iter().map(|layer| layer.size);
        let size = sizes.fold(0, u64::saturating_add);
        let layers = manifest.layers.into_iter().map(|layer| {
            let path = self.path(&layer.digest);
            (layer, path)
        });
        Ok(PulledImage {
            platform: platform.unwrap_or_else(|| config.platform()),
            manifest_digest,
            layers: layers.collect(),
            config,
            size,
        })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.blobs.join(digest.hex())
    }

    fn store(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        write(&self.path(digest), bytes)
    }

    fn missing(&self, what: &str) -> Error {
        Error::NotFound {
            registry: self.session.endpoint.registry.clone(),
            repository: self.access.repository.clone(),
            what: what.to_owned(),
        }
    }
}

/// Whether `needed` bytes of `reference` may be written to the folder `to`, where `available` bytes
/// are usable.
fn check_space(
    reference: &Reference,
    needed: Option<u64>,
    to: &Path,
    available: Option<u64>,
) -> Result<()> {
    match (needed, available) {
        (Some(needed), Some(available)) if needed > available => Err(Error::InsufficientSpace {
            path: to.to_owned(),
            needed,
            available,
        }),
        (Some(needed), _) if needed <= MAX_PULL_BYTES => Ok(()),
        _ => Err(Error::ContentInvalid {
            what: format!("{reference} is too large"),
            detail: format!("no more than {MAX_PULL_BYTES} bytes are fetched at once"),
        }),
    }
}

fn unique<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a Descriptor> {
    let mut seen = std::collections::BTreeSet::new();
    descriptors
        .filter(|descriptor| seen.insert(descriptor.digest))
        .collect()
}

fn joined(platforms: Option<&[Platform]>) -> String {
    let names = platforms
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string);
    names.collect::<Vec<_>>().join(", ")
}

fn invalid(digest: &Digest, detail: &str) -> Error {
    Error::ContentInvalid {
        what: format!("{digest} is not valid"),
        detail: detail.to_owned(),
    }
}

fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| Error::write(path, error))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let written = WriteOptions::new().write(path, content);
    written.map_err(|error| Error::write(path, error))
}

fn write_layout(to: &Path, top: Descriptor) -> Result<()> {
    let index = Index {
        schema_version: 2,
        media_type: media_type::INDEX.into(),
        manifests: vec![top],
        annotations: Default::default(),
    };
    for (name, bytes) in [
        ("index.json", to_json(&index)),
        ("oci-layout", LAYOUT.into()),
    ] {
        write(&to.join(name), &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_has_to_fit_the_disk_and_reason() {
        let reference: Reference = "localhost:5000/cat:1".parse().unwrap();
        let check = |needed, room| check_space(&reference, needed, Path::new("/c"), room);
        let insufficient =
            |needed, room| matches!(check(needed, room), Err(Error::InsufficientSpace { .. }));
        let too_large =
            |needed, room| matches!(check(needed, room), Err(Error::ContentInvalid { .. }));
        assert!(check(Some(100), Some(100)).is_ok());
        assert!(insufficient(Some(101), Some(100)));
        assert!(check(Some(MAX_PULL_BYTES), None).is_ok());
        assert!(too_large(Some(MAX_PULL_BYTES + 1), None));
        assert!(too_large(Some(MAX_PULL_BYTES + 1), Some(u64::MAX)));
        assert!(too_large(None, Some(u64::MAX)));
    }
}
