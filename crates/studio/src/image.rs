//! Building the images of a package, before they are pushed or written to an archive.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxwright_build::{
    self as build, BuildPlan, Builder, BuiltImage, BuiltTag, DataDir, PlanOptions, Target,
};
use boxwright_files::{Level, Progress};
use boxwright_model::{LoadedPackage, Model};
use boxwright_oci::Reference;
use boxwright_oci::registry::ClientOptions;

use crate::api::{ReportImage, ReportPlatform};
use crate::failure::{Code, Failure, Stop};
use crate::job::JobHandle;

/// The stage in which the plan is made.
pub const PLAN: &str = "plan";
/// The stage in which layers are computed.
pub const BUILD: &str = "build";

/// What is built.
#[derive(Clone)]
pub struct BuildRequest {
    /// The package.
    pub package: LoadedPackage,
    /// Its model.
    pub model: Model,
    /// Where it must run.
    pub targets: Vec<Target>,
    /// What builds it.
    pub builder: Builder,
    /// A base image in place of ours.
    pub base: Option<String>,
    /// How the registry of `base` is spoken to.
    pub base_client: ClientOptions,
    /// The folder of cached layers.
    pub cache: PathBuf,
}

/// Plans and builds the images, as the stages [`PLAN`] and [`BUILD`] of `job`.
///
/// # Errors
/// What can't be planned or built. [`Stop::Cancelled`] once the job is cancelled.
pub async fn build_image(
    data_dir: &DataDir,
    request: &BuildRequest,
    job: &JobHandle,
) -> Result<BuiltImage, Stop> {
    job.stage(PLAN);
    let options = PlanOptions {
        base: request.base.clone(),
        client: request.base_client.clone(),
    };
    let plan: BuildPlan = build::plan(
        &request.package,
        &request.model,
        &request.targets,
        data_dir,
        &options,
    )?;
    job.check()?;
    job.stage(BUILD);
    if let Some(model) = request.package.package.model.files.first() {
        job.describe(&model.path, "model", None);
    }
    let progress = Arc::new(job.stage_progress(BUILD));
    let built = build::build(
        &plan,
        request.builder,
        &request.cache,
        progress,
        job.cancel(),
    )
    .await?;
    describe_layers(&built, job);
    Ok(built)
}

/// Labels the layers, so that their progress can be named.
fn describe_layers(built: &BuiltImage, job: &JobHandle) {
    let images = || built.tags.iter().flat_map(targets);
    for (target, image) in images() {
        for layer in &image.layers {
            let digest = layer.blob.descriptor.digest.to_string();
            let users = images().filter(|(_, other)| {
                other
                    .layers
                    .iter()
                    .any(|l| l.blob.descriptor.digest == layer.blob.descriptor.digest)
            });
            // A layer that several targets share is shown without a target.
            let target = (users.count() == 1).then(|| target.to_string());
            job.describe(&digest, &layer.label, target.as_deref());
        }
    }
}

/// The targets under a tag, with their images.
fn targets(tag: &BuiltTag) -> impl Iterator<Item = (Target, &boxwright_oci::Image)> {
    tag.targets.iter().filter_map(|(target, platform)| {
        let image = tag
            .set
            .images
            .iter()
            .find(|image| image.platform.matches(platform))?;
        Some((*target, image))
    })
}

/// The report's entry of a built tag; `published` if it goes to a registry.
pub fn report_image(tag: &BuiltTag, reference: String, published: bool) -> ReportImage {
    let platforms = targets(tag).map(|(target, image)| ReportPlatform {
        target: target.to_string(),
        platform: image.platform.to_string(),
        digest: image.manifest.descriptor.digest.to_string(),
        size: image.size(),
        verified: None,
    });
    ReportImage {
        reference,
        digest: tag.set.digest().to_string(),
        platforms: platforms.collect(),
        published,
    }
}

/// `to` with a tag: the package's version where it names none. A warning says so, because other
/// programs take `latest`.
///
/// # Errors
/// [`Code::ReferenceInvalid`] if `to` names a digest.
pub fn with_tag(
    to: &Reference,
    package: &LoadedPackage,
    job: &JobHandle,
) -> Result<Reference, Failure> {
    if to.digest().is_some() {
        let message = format!("{to} names a digest, which an image gets from what is in it");
        let hint = "Name a tag instead, or none for the package's version.";
        return Err(Failure::new(Code::ReferenceInvalid, message, hint));
    }
    if to.tag().is_some() {
        return Ok(to.clone());
    }
    let version = &package.package.package.version;
    let tagged = to.with_tag(version)?;
    let warning = format!("{to} names no tag: the package's version, {version}, is taken");
    job.log(Level::Warn, &warning);
    Ok(tagged)
}

/// `reference` with `suffix` appended to its tag: `-gpu`, `-jetson`.
///
/// # Errors
/// If the tag would be too long.
pub fn with_suffix(reference: &Reference, suffix: &str) -> boxwright_oci::Result<Reference> {
    reference.with_tag(&format!("{}{suffix}", reference.tag_or_latest()))
}

/// Converts an error of writing or pushing. A damaged layer of the cache is removed, so that the
/// next try computes it again.
pub fn remove_damaged_layer(error: boxwright_oci::Error, cache: &Path) -> Stop {
    match &error {
        boxwright_oci::Error::FileChanged { path } if path.starts_with(cache) => {
            let _ = std::fs::remove_file(path);
            let message = format!("{} was damaged, and is removed", path.display());
            let hint = "Try again: it is made anew.";
            Failure::new(Code::FileChanged, message, hint)
                .retryable()
                .into()
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_layer_of_the_cache_is_removed_and_a_users_file_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        std::fs::create_dir(&cache).expect("made");
        let (layer, model) = (cache.join("a.tar.gz"), folder.path().join("model.onnx"));
        for (path, stays) in [(&layer, false), (&model, true)] {
            std::fs::write(path, "bytes").expect("written");
            let changed = boxwright_oci::Error::FileChanged { path: path.clone() };
            let stop = remove_damaged_layer(changed, &cache);
            let Stop::Failed(failure) = stop else {
                panic!("{stop:?}")
            };
            assert_eq!((failure.code, failure.retryable), (Code::FileChanged, true));
            assert_eq!(path.exists(), stays, "{failure:?}");
        }
    }
}
