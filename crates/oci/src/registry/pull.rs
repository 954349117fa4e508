//! An image set on its way into a folder.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};

use super::download::Download;
use super::http::read_body;
use super::session::{Access, Call, Session};
use super::watch::in_parallel;
use super::{PulledImage, PulledSet, answer};
use crate::archive::LAYOUT;
use crate::manifest::{MAX_MANIFEST_BYTES, to_json};
use crate::progress::Progress;
use crate::{
    Descriptor, Digest, Document, Error, ImageConfig, Index, Manifest, Platform, Reference, Result,
    media_type,
};

const PARALLEL_DOWNLOADS: usize = 4;

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
    let images = match document {
        Document::Manifest(manifest) => {
            let image = pull.image(digest, manifest, None).await?;
            if platforms.is_some_and(|list| !list.iter().any(|p| p.matches(&image.platform))) {
                return Err(pull.missing(&format!("image for {}", joined(platforms))));
            }
            vec![image]
        }
        Document::Index(index) => {
            let mut images = Vec::new();
            for descriptor in pull.chosen(index.manifests, platforms)? {
                let document = pull.document(&descriptor).await?;
                let Document::Manifest(manifest) = document else {
                    return Err(invalid(
                        &descriptor.digest,
                        "it is an index inside an index",
                    ));
                };
                images.push(
                    pull.image(descriptor.digest, manifest, descriptor.platform)
                        .await?,
                );
            }
            images
        }
    };
    write_layout(to, top)?;
    Ok(PulledSet { digest, images })
}

/// The digest that `name`, a tag or a digest, has in the repository now.
pub(super) async fn head(session: &Session, access: &Access, name: &str) -> Result<Option<Digest>> {
    let url = session
        .endpoint
        .url(&format!("{}/manifests/{name}", access.repository));
    let call = Call::new(Method::HEAD, url.clone(), access, "looking for the tag")
        .with(ACCEPT, &media_type::MANIFESTS.join(", "));
    let response = session.ask(&call).await?;
    match response.status() {
        StatusCode::NOT_FOUND => return Ok(None),
        status if !status.is_success() => return Err(session.fault(&call, response).await.error),
        _ => {}
    }
    let named = answer::header(response.headers(), "docker-content-digest");
    if let Some(digest) = named.and_then(|text| text.parse().ok()) {
        return Ok(Some(digest));
    }
    // A registry that doesn't name it: the content does.
    let call = Call {
        method: Method::GET,
        ..call
    };
    let response = session.require(&call).await?;
    let registry = &session.endpoint.registry;
    let body = read_body(registry, response, MAX_MANIFEST_BYTES)
        .await
        .map_err(|f| f.error)?;
    Ok(Some(Digest::of(&body)))
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
        let call = Call::new(Method::GET, url, &self.access, "reading the manifest")
            .with(ACCEPT, &media_type::MANIFESTS.join(", "));
        let response = self.session.ask(&call).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Err(self.missing(what)),
            status if status.is_success() => {}
            _ => return Err(self.session.fault(&call, response).await.error),
        }
        let kind = answer::header(response.headers(), "content-type").map(str::to_owned);
        let registry = &self.session.endpoint.registry;
        let body = read_body(registry, response, MAX_MANIFEST_BYTES).await;
        Ok((body.map_err(|fault| fault.error)?, kind))
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

    async fn image(
        &self,
        manifest_digest: Digest,
        manifest: Manifest,
        platform: Option<Platform>,
    ) -> Result<PulledImage> {
        if manifest.config.size > MAX_MANIFEST_BYTES {
            return Err(invalid(
                &manifest.config.digest,
                "a configuration is never this large",
            ));
        }
        let descriptors = std::iter::once(&manifest.config).chain(&manifest.layers);
        in_parallel(PARALLEL_DOWNLOADS, unique(descriptors), |descriptor| {
            Download::new(self.session, &self.access, descriptor, self.progress).into(&self.blobs)
        })
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
        let size = manifest.layers.iter().map(|layer| layer.size).sum();
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
        let path = self.path(digest);
        std::fs::write(&path, bytes).map_err(|error| Error::write(&path, error))
    }

    fn missing(&self, what: &str) -> Error {
        Error::NotFound {
            registry: self.session.endpoint.registry.clone(),
            repository: self.access.repository.clone(),
            what: what.to_owned(),
        }
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
        let path = to.join(name);
        std::fs::write(&path, bytes).map_err(|error| Error::write(&path, error))?;
    }
    Ok(())
}
