//! A base image that the user named.

use std::path::Path;

use boxwright_files::Progress;
use boxwright_oci::registry::Client;
use boxwright_oci::{Digest, ImageConfig, Layer, Platform, Reference, media_type};
use tokio_util::sync::CancellationToken;

use crate::{Error, Result, cache};

/// The layers of a base image for one platform, bottom first, and its configuration.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) layers: Vec<Layer>,
    pub(crate) config: ImageConfig,
    /// Where it came from, for the image's annotations.
    pub(crate) name: String,
    pub(crate) digest: Digest,
}

/// Fetches `reference` for `platform` into `cache`, and checks that it is what it says.
pub(crate) async fn fetch(
    client: &Client,
    reference: &Reference,
    platform: &Platform,
    cache: &Path,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Base> {
    let unusable = |reason: String| Error::BaseUnusable {
        base: reference.to_string(),
        platform: platform.clone(),
        reason,
    };
    let wanted = [platform.clone()];
    let folder = cache::bases(cache);
    let pulled = client
        .pull(reference, &folder, Some(&wanted), progress, cancel)
        .await?;
    let image = pulled
        .images
        .into_iter()
        .find(|image| image.platform.matches(platform))
        .ok_or_else(|| unusable("it has no image for that platform".into()))?;
    let diff_ids = &image.config.rootfs.diff_ids;
    if diff_ids.len() != image.layers.len() {
        return Err(unusable(format!(
            "it has {} layers, and its configuration names {}",
            image.layers.len(),
            diff_ids.len()
        )));
    }
    let layers = image
        .layers
        .into_iter()
        .zip(diff_ids)
        .map(|((mut descriptor, path), diff_id)| {
            cache::mark_used(&path);
            descriptor.media_type = media_type::to_oci(&descriptor.media_type).to_owned();
            Layer::file(path, descriptor, *diff_id, "base")
        })
        .collect();
    Ok(Base {
        layers,
        config: image.config,
        name: reference.to_string(),
        digest: image.manifest_digest,
    })
}
