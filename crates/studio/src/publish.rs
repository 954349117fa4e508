//! From a package to a verified image in a registry.

use boxwright_build::{BuiltImage, BuiltTag, DataDir};
use boxwright_files::{Level, Progress};
use boxwright_oci::Reference;
use boxwright_oci::registry::Client;

use crate::api::{Report, Settings};
use crate::failure::{Code, Failure, Stop};
use crate::image::{
    BUILD, BuildRequest, build_image, remove_damaged_layer, report_image, with_suffix, with_tag,
};
use crate::job::{JobHandle, PUSH};
use crate::samples::SampleFile;
use crate::verify::{self, Expected, VerifyRequest};
use crate::version;

/// Most versions that are tried to find a free one.
const MAX_TRIES: usize = 20;

/// What is published, and where to.
#[derive(Clone)]
pub struct PublishRequest {
    /// What is built.
    pub build: BuildRequest,
    /// Where to; under the package's version where no tag is named.
    pub to: Reference,
    /// Replace a tag that names another digest.
    pub replace: bool,
    /// The samples to verify it with; it is not verified where absent.
    pub samples: Option<Vec<SampleFile>>,
    /// Most pixels of a sample.
    pub max_pixels: u64,
    /// Speaks to the registry.
    pub client: Client,
}

/// A built tag and the reference that it is published under.
type Tag<'a> = (&'a BuiltTag, Reference);

/// Builds, pushes, and verifies where samples are given. An image that predicts something else than
/// the preview is in the report, not an error.
///
/// # Errors
/// [`Code::TagExists`] if a tag names another digest, with a free version; what can't be planned,
/// built, pushed or pulled. [`Stop::Cancelled`] once the job is cancelled.
pub async fn publish(
    data_dir: &DataDir,
    request: &PublishRequest,
    job: &JobHandle,
) -> Result<Report, Stop> {
    let to = with_tag(&request.to, &request.build.package, job)?;
    let building = build_image(data_dir, &request.build, job);
    // Samples that can't be read fail the job before anything is sent.
    let predicting = expect(data_dir, request, job);
    let (built, mut expected) = tokio::try_join!(building, predicting)?;
    if request.max_pixels != Settings::default().max_pixels {
        job.log(Level::Warn, &pixel_limit_warning(request.max_pixels));
    }
    job.stage(PUSH);
    let tags = tags(&built, &to)?;
    // All tags are checked before any is pushed.
    let checking = check_tags(request, &to, &tags, job);
    job.or_cancelled(checking).await?;
    let mut report = push(request, &tags, job).await?;
    if let Some(samples) = &request.samples {
        verify_tags(
            data_dir,
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

fn tags<'a>(built: &'a BuiltImage, to: &Reference) -> Result<Vec<Tag<'a>>, Stop> {
    built
        .tags
        .iter()
        .map(|tag| Ok((tag, with_suffix(to, tag.suffix)?)))
        .collect()
}

async fn push(request: &PublishRequest, tags: &[Tag<'_>], job: &JobHandle) -> Result<Report, Stop> {
    let mut report = Report::default();
    for (tag, reference) in tags {
        let pushed = request
            .client
            .push(&tag.set, reference, job, job.cancel())
            .await
            .map_err(|error| remove_damaged_layer(error, &request.build.cache))?;
        report.uploaded_bytes += pushed.uploaded_bytes;
        report.reused_bytes += pushed.reused_bytes;
        report
            .images
            .push(report_image(tag, reference.to_string(), true));
    }
    Ok(report)
}

/// The predictions of the preview, where there are samples.
async fn expect(
    data_dir: &DataDir,
    request: &PublishRequest,
    job: &JobHandle,
) -> Result<Option<Expected>, Stop> {
    let Some(samples) = &request.samples else {
        return Ok(None);
    };
    let (package, most) = (&request.build.package, request.max_pixels);
    Expected::predict(data_dir, package, samples, most, BUILD, job)
        .await
        .map(Some)
}

/// The pixel limit is a setting of this machine, not part of an image, whose digest is the same on
/// all machines.
fn pixel_limit_warning(max_pixels: u64) -> String {
    format!(
        "pictures may have {max_pixels} pixels here; a container has its own limit, so run it with \
         MAX_PIXELS={max_pixels} for the same one"
    )
}

/// Fails on a tag that names another digest, with the next free version, unless it is to be
/// replaced.
async fn check_tags(
    request: &PublishRequest,
    to: &Reference,
    tags: &[Tag<'_>],
    job: &JobHandle,
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

/// The next version under which nothing is published for any target; `None` where the registry can't
/// be asked.
async fn free_version(
    request: &PublishRequest,
    to: &Reference,
    tags: &[Tag<'_>],
) -> Option<String> {
    let mut version = to.tag()?.to_owned();
    for _ in 0..MAX_TRIES {
        version = version::next(&version);
        let next = to.with_tag(&version).ok()?;
        let mut is_free = true;
        for (tag, _) in tags {
            let candidate = with_suffix(&next, tag.suffix).ok()?;
            is_free &= request.client.resolve(&candidate).await.ok()?.is_none();
        }
        if is_free {
            return Some(version);
        }
    }
    None
}

async fn verify_tags(
    data_dir: &DataDir,
    request: &PublishRequest,
    samples: &[SampleFile],
    expected: &mut Option<Expected>,
    tags: &[Tag<'_>],
    report: &mut Report,
    job: &JobHandle,
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
        let (_, verified) = verify::verify_platforms(data_dir, &request, expected, job).await?;
        for platform in &mut image.platforms {
            let found = verified
                .iter()
                .find(|verified| verified.digest == platform.digest);
            platform.verified = found.and_then(|verified| verified.verified.clone());
        }
    }
    Ok(())
}
