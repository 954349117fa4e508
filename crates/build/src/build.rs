//! The embedded builder: layers and JSON, without Docker, root or an emulator.

use std::path::Path;
use std::sync::Arc;

use boxwright_files::Progress;
use boxwright_oci::registry::Client;
use boxwright_oci::{Image, ImageSet, Layer, Platform};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::base::{self, Base};
use crate::image::Description;
use crate::layers::{self, PackageLayers};
use crate::plan::{BuildPlan, PlannedImage};
use crate::{Error, Result, Target, cache};

/// Who builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Builder {
    /// Boxwright itself.
    #[default]
    Embedded,
    /// Docker Engine.
    Docker,
}

/// What was built: one set of images a tag.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// The tags, in the order of their first target.
    pub tags: Vec<BuiltTag>,
    /// The digest of the model's files, `sha256:…`.
    pub model_digest: String,
}

/// The images under one tag.
#[derive(Debug, Clone)]
pub struct BuiltTag {
    /// What is appended to the tag that the user named.
    pub suffix: &'static str,
    /// The targets, in the order of the set's images.
    pub targets: Vec<(Target, Platform)>,
    /// The images.
    pub set: ImageSet,
}

/// Builds what `plan` says. The digests of unchanged files, and what had to be compressed or
/// fetched, are kept in `cache`.
///
/// # Errors
/// [`Error::EngineUnavailable`] for [`Builder::Docker`]; [`Error::BaseUnusable`];
/// [`Error::Oci`] for files that can't be read or changed, a full disk, an unreachable base, and
/// when `cancel` is.
pub async fn build(
    plan: &BuildPlan,
    builder: Builder,
    cache: &Path,
    progress: Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<BuiltImage> {
    if builder == Builder::Docker {
        return Err(Error::EngineUnavailable {
            reason: "building with it isn't there yet".into(),
        });
    }
    let bases = bases(plan, cache, &*progress, cancel).await?;
    let layers = {
        let (package, epoch) = (plan.package.clone(), plan.epoch);
        let (cache, cancel) = (cache.to_owned(), cancel.clone());
        let make = move || {
            let layers = layers::make(&package, epoch, &cache, &*progress, &cancel);
            cache::prune(&cache);
            layers
        };
        match tokio::task::spawn_blocking(make).await {
            Ok(layers) => layers?,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // The runtime is being shut down.
            Err(_) => return Err(boxwright_oci::Error::Cancelled.into()),
        }
    };
    Ok(assemble(plan, &bases, &layers))
}

/// The user's base for each image of the plan, or nothing.
async fn bases(
    plan: &BuildPlan,
    cache: &Path,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Vec<Option<Base>>> {
    let Some(reference) = &plan.base else {
        return Ok(vec![None; plan.images.len()]);
    };
    let client = Client::new(plan.client.clone())?;
    let mut bases = Vec::with_capacity(plan.images.len());
    for image in &plan.images {
        let platform = &image.platform;
        let base = base::fetch(&client, reference, platform, cache, progress, cancel).await?;
        bases.push(Some(base));
    }
    Ok(bases)
}

fn assemble(plan: &BuildPlan, bases: &[Option<Base>], layers: &PackageLayers) -> BuiltImage {
    let description = Description {
        package: &layers.shipped,
        signature: &plan.signature,
        model_digest: &layers.model_digest,
        onnxruntime: &plan.onnxruntime,
        epoch: plan.epoch,
    };
    let images = plan.images.iter().zip(bases).map(|(planned, base)| {
        let image = image(planned, base.as_ref(), layers, &description);
        (planned.target, image)
    });
    let images: Vec<(Target, Image)> = images.collect();
    let mut suffixes: Vec<&'static str> = images
        .iter()
        .map(|(target, _)| target.tag_suffix())
        .collect();
    // Targets are sorted, and with them their suffixes are together.
    suffixes.dedup();
    let tags = suffixes.into_iter().map(|suffix| {
        let (targets, images): (Vec<_>, Vec<_>) = images
            .iter()
            .filter(|(target, _)| target.tag_suffix() == suffix)
            .map(|(target, image)| ((*target, image.platform.clone()), image.clone()))
            .unzip();
        BuiltTag {
            suffix,
            targets,
            set: ImageSet::new(images, description.annotations()),
        }
    });
    BuiltImage {
        tags: tags.collect(),
        model_digest: layers.model_digest.clone(),
    }
}

fn image(
    planned: &PlannedImage,
    base: Option<&Base>,
    layers: &PackageLayers,
    description: &Description<'_>,
) -> Image {
    let below: Vec<Layer> = match base {
        Some(base) => base.layers.clone(),
        None => planned.base.iter().cloned().collect(),
    };
    let own = [
        planned.runtime.clone(),
        layers.model.clone(),
        layers.package.clone(),
    ];
    let all = below.into_iter().chain(own).collect();
    let config = description.config(planned.target, base.map(|base| &base.config));
    let mut annotations = description.annotations();
    if let Some(base) = base {
        let (name, digest) = (base.name.clone(), base.digest.to_string());
        annotations.insert("org.opencontainers.image.base.name".to_owned(), name);
        annotations.insert("org.opencontainers.image.base.digest".to_owned(), digest);
    }
    Image::new(planned.platform.clone(), config, all, annotations)
}
