//! Building images into an archive that Docker and skopeo read.

use std::path::Path;
use std::sync::Arc;

use boxwright_build::{BuiltImage, DataDir};
use boxwright_oci::{Reference, archive};

use crate::api::Report;
use crate::failure::Stop;
use crate::image::{
    BuildRequest, build_image, remove_damaged_layer, report_image, with_suffix, with_tag,
};
use crate::job::JobHandle;

/// The stage in which the archive is written.
pub const WRITE: &str = "write";

/// Builds the images and writes them to the archive `to`. `tag` is the name inside the archive; the
/// package's name and version where absent.
///
/// # Errors
/// What can't be planned, built or written. [`Stop::Cancelled`] once the job is cancelled.
pub async fn build_archive(
    data_dir: &DataDir,
    request: &BuildRequest,
    tag: Option<&Reference>,
    to: &Path,
    job: &JobHandle,
) -> Result<Report, Stop> {
    let tag = tag
        .map(|tag| with_tag(tag, &request.package, job))
        .transpose()?;
    let built = Arc::new(build_image(data_dir, request, job).await?);
    job.stage(WRITE);
    write(&built, request, tag.clone(), to, job).await?;
    let name = to.file_name().unwrap_or(to.as_os_str()).to_string_lossy();
    let images = built.tags.iter().map(|built| {
        let reference = match &tag {
            Some(tag) => with_suffix(tag, built.suffix)?.to_string(),
            None => name.clone().into_owned(),
        };
        Ok(report_image(built, reference, false))
    });
    Ok(Report {
        images: images.collect::<Result<_, Stop>>()?,
        uploaded_bytes: 0,
        reused_bytes: 0,
        elapsed_ms: job.elapsed_ms(),
    })
}

async fn write(
    built: &Arc<BuiltImage>,
    request: &BuildRequest,
    tag: Option<Reference>,
    to: &Path,
    job: &JobHandle,
) -> Result<(), Stop> {
    let identity = &request.package.package.package;
    // `docker load` needs a name.
    let default = || {
        format!("{}:{}", identity.name, identity.version)
            .parse()
            .ok()
    };
    let inside: Option<Reference> = tag.or_else(default);
    let (built, path, cancel) = (Arc::clone(built), to.to_owned(), job.cancel().clone());
    let progress = job.stage_progress(WRITE);
    let written = tokio::task::spawn_blocking(move || {
        let names: Vec<Option<Reference>> = built
            .tags
            .iter()
            .map(|tag| with_suffix(inside.as_ref()?, tag.suffix).ok())
            .collect();
        let sets: Vec<_> = built
            .tags
            .iter()
            .zip(&names)
            .map(|(tag, name)| (&tag.set, name.as_ref()))
            .collect();
        archive::write(&sets, &path, &progress, &cancel)
    });
    written
        .await?
        .map(drop)
        .map_err(|error| remove_damaged_layer(error, &request.cache))
}
