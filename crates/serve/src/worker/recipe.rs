//! The worker's answer to a search for a recipe.

use std::sync::atomic::AtomicBool;

use boxwright_model::package::Layout;
use boxwright_model::recipe::Evidence;
use boxwright_predict::recipe::{self, evidence};
use boxwright_predict::{Error, Predictor};
use boxwright_worker::FromWorker;
use boxwright_worker::message::{EvidenceFile, Span, slice};
use bytes::Bytes;

/// Most photos of one search.
const MAX_PHOTOS: usize = 5;

/// What is asked.
pub struct Question {
    pub photos: Vec<Span>,
    pub evidence: Evidence,
    pub files: Vec<EvidenceFile>,
    pub layout: Layout,
    pub max_pixels: u64,
}

/// Searches, and gives the message with its body.
pub fn answer(
    question: &Question,
    predictor: Option<&Predictor>,
    body: &Bytes,
    cancel: &AtomicBool,
) -> Result<(FromWorker, Vec<u8>), Error> {
    let part = |span: Span| {
        slice(body, span)
            .ok_or_else(|| Error::Sample("A file's bytes are not in the frame.".into()))
    };
    let photos: Vec<Vec<u8>> = question
        .photos
        .iter()
        .map(|span| Ok(part(*span)?.to_vec()))
        .collect::<Result<_, Error>>()?;
    if photos.is_empty() || photos.len() > MAX_PHOTOS {
        return Err(Error::Sample(format!(
            "A search takes one to {MAX_PHOTOS} photos, and there are {}.",
            photos.len()
        )));
    }
    let files: Vec<(&str, Bytes)> = question
        .files
        .iter()
        .map(|file| Ok((file.name.as_str(), part(file.bytes)?)))
        .collect::<Result<_, Error>>()?;
    let files: Vec<evidence::EvidenceFile<'_>> = files
        .iter()
        .map(|(name, bytes)| evidence::EvidenceFile { name, bytes })
        .collect();
    let found = match question.evidence {
        Evidence::Tensors => {
            let targets = evidence::tensors(&files, photos.len(), question.layout)?;
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            recipe::from_tensors(&photos, &targets, question.max_pixels, threads, cancel)?
        }
        Evidence::Answers => {
            let answers = evidence::answers(&files, photos.len())?;
            let predictor = predictor.ok_or_else(|| {
                Error::Run("no package is loaded, and answers are those of its model".into())
            })?;
            predictor.recipe_from_answers(&photos, &answers, cancel)?
        }
    };
    let heat_map = found.heat_map.unwrap_or_default();
    let message = FromWorker::Matched {
        report: Box::new(found.report),
        heat_map: (!heat_map.is_empty()).then_some([0, heat_map.len() as u64]),
    };
    Ok((message, heat_map))
}
