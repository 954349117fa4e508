//! From a package to an image in a registry or in an archive.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxwright_build::{
    self as build, BuildPlan, Builder, BuiltImage, BuiltTag, DataDir, PlanOptions, Target,
};
use boxwright_files::{Level, Progress};
use boxwright_handoff::{PublishedImage, PublishedPlatform, docker_run};
use boxwright_model::{LoadedPackage, Model};
use boxwright_oci::registry::{Client, ClientOptions};
use boxwright_oci::{Digest, Reference, archive};

use crate::api::{Report, ReportImage, ReportPlatform, Settings};
use crate::failure::{Code, Failure, Stop};
use crate::job::{PUSH, Running};
use crate::samples::SampleFile;
use crate::verify::{self, Expected, PROVE, PULL, VerifyRequest};
use crate::version;

/// The stage in which the plan is made and refused.
pub const PLAN: &str = "plan";
/// The stage in which layers are computed.
pub const BUILD: &str = "build";
/// The stage in which an archive is written.
pub const WRITE: &str = "write";

/// The stages of a build.
pub const BUILD_STAGES: [&str; 3] = [PLAN, BUILD, WRITE];
/// The stages of a publication without a proof.
pub const PUBLISH_STAGES: [&str; 3] = [PLAN, BUILD, PUSH];
/// The stages of a publication that is proven.
pub const PROVEN_STAGES: [&str; 5] = [PLAN, BUILD, PUSH, PULL, PROVE];

/// Tags that are looked at for one that is free.
const MAX_TRIES: usize = 20;

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
    /// Where what can be computed anew is kept.
    pub cache: PathBuf,
}

/// What is published, and where to.
#[derive(Clone)]
pub struct PublishRequest {
    /// What is built.
    pub build: BuildRequest,
    /// Where to; under the package's version where no tag is named.
    pub to: Reference,
    /// Go on although the tag names another digest.
    pub replace: bool,
    /// The samples to prove it with; no proof where absent.
    pub samples: Option<Vec<SampleFile>>,
    /// Most pixels of a sample.
    pub max_pixels: u64,
    /// Speaks to the registry.
    pub client: Client,
}

/// Builds an archive.
///
/// # Errors
/// What can't be planned, built or written. [`Stop::Cancelled`] once the job is cancelled.
pub async fn build_archive(
    share: &DataDir,
    request: &BuildRequest,
    tag: Option<&Reference>,
    to: &Path,
    job: &Running,
) -> Result<Report, Stop> {
    let tag = tag
        .map(|tag| tagged(tag, &request.package, job))
        .transpose()?;
    let built = build_image(share, request, job).await?;
    job.stage(WRITE);
    let name = to
        .file_name()
        .unwrap_or(to.as_os_str())
        .to_string_lossy()
        .into_owned();
    let identity = &request.package.package.package;
    // So that `docker load` gives it a name.
    let default = || {
        format!("{}:{}", identity.name, identity.version)
            .parse()
            .ok()
    };
    let inside: Option<Reference> = tag.clone().or_else(default);
    let built = Arc::new(built);
    let (image, path, progress) = (Arc::clone(&built), to.to_owned(), job.within(WRITE));
    let cancel = job.cancel().clone();
    let written = tokio::task::spawn_blocking(move || {
        let names: Vec<Option<Reference>> = image
            .tags
            .iter()
            .map(|tag| inside.as_ref()?.with_suffix(tag.suffix).ok())
            .collect();
        let sets: Vec<_> = image
            .tags
            .iter()
            .zip(&names)
            .map(|(tag, name)| (&tag.set, name.as_ref()))
            .collect();
        archive::write(&sets, &path, &progress, &cancel)
    });
    let written = written.await?;
    written.map_err(|error| without_damaged(error, &request.cache))?;
    let images = built.tags.iter().map(|built| {
        let reference = match &tag {
            Some(tag) => tag.with_suffix(built.suffix)?.to_string(),
            None => name.clone(),
        };
        Ok(report_image(built, reference, None))
    });
    Ok(Report {
        images: images.collect::<Result<_, Stop>>()?,
        uploaded_bytes: 0,
        reused_bytes: 0,
        elapsed_ms: job.elapsed_ms(),
    })
}

/// Builds, pushes, and proves where samples are given. A proof that differs is in the report,
/// not an error.
///
/// # Errors
/// [`Code::TagExists`] if a tag names another digest, with a free version; what can't be planned, built, pushed or pulled. [`Stop::Cancelled`] once the job is cancelled.
pub async fn publish(
    share: &DataDir,
    request: &PublishRequest,
    job: &Running,
) -> Result<Report, Stop> {
    let to = tagged(&request.to, &request.build.package, job)?;
    let building = build_image(share, &request.build, job);
    // Samples that can't be read are found out before anything is sent.
    let predicting = expect(share, request, job);
    let (built, mut expected) = tokio::try_join!(building, predicting)?;
    if request.max_pixels != Settings::default().max_pixels {
        job.log(Level::Warn, &own_limit(request.max_pixels));
    }
    job.stage(PUSH);
    let tags: Vec<(&BuiltTag, Reference)> = built
        .tags
        .iter()
        .map(|tag| Ok((tag, to.with_suffix(tag.suffix)?)))
        .collect::<Result<_, Stop>>()?;
    // All are looked at before any is sent.
    let checking = check_tags(request, &to, &tags, job);
    job.or_cancelled(checking).await?;
    let mut report = Report::default();
    for (tag, reference) in &tags {
        let pushed = request
            .client
            .push(&tag.set, reference, job, job.cancel())
            .await
            .map_err(|error| without_damaged(error, &request.build.cache))?;
        report.uploaded_bytes += pushed.uploaded_bytes;
        report.reused_bytes += pushed.reused_bytes;
        let run = docker_run(&published_image(tag, reference, pushed.digest));
        report
            .images
            .push(report_image(tag, reference.to_string(), Some(run)));
    }
    if let Some(samples) = &request.samples {
        prove(
            share,
            request,
            samples,
            &mut expected,
            &tags,
            &mut report,
            job,
        )
        .await?;
    }
    report.elapsed_ms = job.elapsed_ms();
    Ok(report)
}

/// What the preview makes of the samples, where there are any.
async fn expect(
    share: &DataDir,
    request: &PublishRequest,
    job: &Running,
) -> Result<Option<Expected>, Stop> {
    let Some(samples) = &request.samples else {
        return Ok(None);
    };
    let (package, most) = (&request.build.package, request.max_pixels);
    Expected::predict(share, package, samples, most, BUILD, job)
        .await
        .map(Some)
}

async fn build_image(
    share: &DataDir,
    request: &BuildRequest,
    job: &Running,
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
        share,
        &options,
    )?;
    job.check()?;
    job.stage(BUILD);
    if let Some(model) = request.package.package.model.files.first() {
        job.describe(&model.path, "model", None);
    }
    let progress = Arc::new(job.within(BUILD));
    let built = build::build(
        &plan,
        request.builder,
        &request.cache,
        progress,
        job.cancel(),
    )
    .await?;
    describe(&built, job);
    Ok(built)
}

/// A setting of this machine is no part of an image, whose digest is the same on all of them.
fn own_limit(max_pixels: u64) -> String {
    format!(
        "pictures may have {max_pixels} pixels here; a container has its own limit, so run it with \
         MAX_PIXELS={max_pixels} for the same one"
    )
}

/// A layer of the cache that is not what was written there is taken away, so that the next try
/// makes it anew.
fn without_damaged(error: boxwright_oci::Error, cache: &Path) -> Stop {
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

/// Says what each layer is, so that its progress can be named.
fn describe(built: &BuiltImage, job: &Running) {
    let images = || built.tags.iter().flat_map(targets);
    for (target, image) in images() {
        for layer in &image.layers {
            let digest = layer.blob.descriptor.digest.to_string();
            let holders = images().filter(|(_, other)| {
                other
                    .layers
                    .iter()
                    .any(|l| l.blob.descriptor.digest == layer.blob.descriptor.digest)
            });
            // A layer of several targets belongs to none.
            let target = (holders.count() == 1).then(|| target.to_string());
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

/// What the registry holds under `reference` now.
fn published_image(tag: &BuiltTag, reference: &Reference, digest: Digest) -> PublishedImage {
    let platforms = targets(tag).map(|(target, image)| PublishedPlatform {
        target: target.to_string(),
        platform: image.platform.clone(),
        digest: *image.manifest.digest(),
        size: image.size(),
    });
    PublishedImage {
        reference: reference.clone(),
        digest,
        platforms: platforms.collect(),
    }
}

fn report_image(tag: &BuiltTag, reference: String, run: Option<String>) -> ReportImage {
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
        run,
    }
}

/// The reference that is published under: with the package's version as its tag, where it names
/// none. That is said, for another program would take `latest`.
fn tagged(to: &Reference, package: &LoadedPackage, job: &Running) -> Result<Reference, Failure> {
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
    let said = format!("{to} names no tag: the package's version, {version}, is taken");
    job.log(Level::Warn, &said);
    Ok(tagged)
}

/// A tag that names another digest is warned of, with the next version that is free.
async fn check_tags(
    request: &PublishRequest,
    to: &Reference,
    tags: &[(&BuiltTag, Reference)],
    job: &Running,
) -> Result<(), Stop> {
    for (tag, reference) in tags {
        let this = tag.set.digest();
        let found = match request.client.resolve(reference).await? {
            Some(found) if found != *this => found,
            _ => continue,
        };
        if request.replace {
            job.log(Level::Warn, &format!("{reference} named {found} before"));
            continue;
        }
        let free_version = free_version(request, to, tags).await;
        let hint = match &free_version {
            Some(version) => format!("Publish it as {version}, or replace what is there."),
            None => "Publish it as another version, or replace what is there.".to_owned(),
        };
        let message = format!("{reference} is already there and is another image");
        let mut failure = Failure::new(Code::TagExists, message, hint);
        failure
            .causes
            .push(format!("it names {found}, this one is {this}"));
        failure.free_version = free_version;
        return Err(failure.into());
    }
    Ok(())
}

/// The next version under which nothing is published, whatever the target; `None` where that can't
/// be found out.
async fn free_version(
    request: &PublishRequest,
    to: &Reference,
    tags: &[(&BuiltTag, Reference)],
) -> Option<String> {
    let mut version = to.tag()?.to_owned();
    for _ in 0..MAX_TRIES {
        version = version::next(&version);
        let next = to.with_tag(&version).ok()?;
        let mut is_free = true;
        for (tag, _) in tags {
            let asked = next.with_suffix(tag.suffix).ok()?;
            is_free &= request.client.resolve(&asked).await.ok()?.is_none();
        }
        if is_free {
            return Some(version);
        }
    }
    None
}

async fn prove(
    share: &DataDir,
    request: &PublishRequest,
    samples: &[SampleFile],
    expected: &mut Option<Expected>,
    tags: &[(&BuiltTag, Reference)],
    report: &mut Report,
    job: &Running,
) -> Result<(), Stop> {
    let package = &request.build.package;
    for ((tag, reference), image) in tags.iter().zip(&mut report.images) {
        let request = VerifyRequest {
            reference: reference.with_digest(*tag.set.digest()),
            package: package.clone(),
            samples: samples.to_vec(),
            max_pixels: request.max_pixels,
            client: request.client.clone(),
            cache: request.build.cache.clone(),
        };
        let (_, proven) = verify::prove(share, &request, expected, job).await?;
        for platform in &mut image.platforms {
            let found = proven
                .iter()
                .find(|proven| proven.digest == platform.digest);
            platform.verified = found.and_then(|proven| proven.verified.clone());
        }
    }
    Ok(())
}

/// The tag of each kind of target.
trait WithSuffix: Sized {
    fn with_suffix(&self, suffix: &str) -> boxwright_oci::Result<Self>;
}

impl WithSuffix for Reference {
    fn with_suffix(&self, suffix: &str) -> boxwright_oci::Result<Self> {
        self.with_tag(&format!("{}{suffix}", self.tag_or_latest()))
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
            let stop = without_damaged(changed, &cache);
            let Stop::Failed(failure) = stop else {
                panic!("{stop:?}")
            };
            assert_eq!((failure.code, failure.retryable), (Code::FileChanged, true));
            assert_eq!(path.exists(), stays, "{failure:?}");
        }
    }
}
