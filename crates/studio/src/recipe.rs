//! Finds the recipe that a notebook prepares its pictures by, in a worker.

use std::io::Read;
use std::path::{Path, PathBuf};

use boxwright_build::DataDir;
use boxwright_model::LoadedPackage;
use boxwright_model::package::{Layout, Package};
use boxwright_model::recipe::{Evidence, RecipeReport};
use boxwright_worker::ToWorker;
use boxwright_worker::message::{EvidenceFile, Span};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::errors::blocking;
use crate::failure::{Code, Failure, Stop};
use crate::worker_session::{RunOptions, WorkerSession};

/// Most photos of one search.
pub const MAX_PHOTOS: usize = 5;
/// Most bytes of all photos and files of a search: they travel in one frame.
pub(crate) const MAX_BYTES: u64 = 512 << 20;

/// What is asked.
#[derive(Debug, Clone)]
pub struct RecipeRequest {
    /// The package whose recipe is looked for.
    pub package: LoadedPackage,
    /// One to [`MAX_PHOTOS`] photos.
    pub photos: Vec<PathBuf>,
    /// What the files hold.
    pub evidence: Evidence,
    /// What the notebook saved of these photos, in their order: one file, or one for each.
    pub files: Vec<PathBuf>,
    /// Device, threads and limits.
    pub options: RunOptions,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeAnswer {
    /// The report.
    pub report: RecipeReport,
    /// Where the nearest recipe differs on the first photo: a JPEG.
    pub heat_map: Option<Bytes>,
}

/// Searches.
///
/// # Errors
/// [`Code::SampleUnreadable`] for a file that can't be read or isn't what it should be, and what the
/// worker fails with; [`Stop::Cancelled`] once `cancel` is set.
pub async fn find(
    data_dir: &DataDir,
    request: &RecipeRequest,
    cancel: &CancellationToken,
) -> Result<RecipeAnswer, Stop> {
    if request.photos.is_empty() || request.photos.len() > MAX_PHOTOS {
        return Err(Failure::new(
            Code::SampleUnreadable,
            format!("{} photos were given", request.photos.len()),
            format!("Give one to {MAX_PHOTOS} photos."),
        )
        .into());
    }
    let (photos, files) = (request.photos.clone(), request.files.clone());
    let mut body = blocking(move || Body::read(&photos, &files)).await?;
    let question = ToWorker::Match {
        photos: std::mem::take(&mut body.photos),
        evidence: request.evidence,
        files: std::mem::take(&mut body.files),
        layout: layout(&request.package.package),
        max_pixels: request.options.max_pixels,
    };
    let mut session = WorkerSession::new(data_dir);
    let load = request.options.load(&request.package)?;
    let found = tokio::select! {
        found = session.match_recipe(request.evidence, &load, question, body.bytes.into(), cancel) => found?,
        () = cancel.cancelled() => None,
    };
    session.stop().await;
    match found {
        Some((report, heat_map)) => Ok(RecipeAnswer { report, heat_map }),
        None => Err(Stop::Cancelled),
    }
}

/// Whether a file's array is of answers rather than of pictures, by its name and its size: a hint.
pub fn guess_evidence(path: &Path) -> Evidence {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    match extension.as_str() {
        "csv" | "txt" | "json" => Evidence::Answers,
        // An array of a thousand scores for five photos is smaller than any picture of 64 pixels.
        _ if path.metadata().is_ok_and(|found| found.len() < 24_000) => Evidence::Answers,
        _ => Evidence::Tensors,
    }
}

fn layout(package: &Package) -> Layout {
    package
        .image_input()
        .map(|input| input.layout)
        .unwrap_or_default()
}

/// Photos and files, one after the other.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    photos: Vec<Span>,
    files: Vec<EvidenceFile>,
}

impl Body {
    fn read(photos: &[PathBuf], files: &[PathBuf]) -> Result<Self, Failure> {
        let mut body = Self::default();
        for photo in photos {
            let span = body.append(photo)?;
            body.photos.push(span);
        }
        for file in files {
            let bytes = body.append(file)?;
            let name = file.file_name().unwrap_or_default();
            body.files.push(EvidenceFile {
                name: name.to_string_lossy().into_owned(),
                bytes,
            });
        }
        Ok(body)
    }

    fn append(&mut self, path: &Path) -> Result<Span, Failure> {
        let refused = |reason: &dyn std::fmt::Display| {
            Failure::new(
                Code::SampleUnreadable,
                format!("{} can't be read: {reason}", path.display()),
                "Check that it is there, and a file of sensible size.",
            )
        };
        let start = self.bytes.len() as u64;
        let file = std::fs::File::open(path).map_err(|error| refused(&error))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(refused(&"it is no regular file"));
        }
        file.take(MAX_BYTES - start.min(MAX_BYTES) + 1)
            .read_to_end(&mut self.bytes)
            .map_err(|error| refused(&error))?;
        let length = self.bytes.len() as u64 - start;
        if self.bytes.len() as u64 > MAX_BYTES {
            return Err(refused(&"all files together are larger than 512 MiB"));
        }
        Ok([start, length])
    }
}
