//! The search from what the model answered: recipes are run through it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boxwright_model::package::{Arithmetic, Channels, Decode, Filter, Preprocess};
use boxwright_model::pipeline::{ImageInput, Task};
use boxwright_model::recipe::{self, Recipe, RecipeReport, Verdict};

use super::common;
use super::found::Found;
use super::parallel::parallel;
use super::photo::{self, Photo};
use crate::error::{Error, Result};
use crate::pipeline::{Image, Kind};
use crate::predictor::Predictor;
use crate::stage::canvas::Canvas;
use crate::stage::normalise::{Normaliser, TensorBuffer};
use crate::stage::resize::Resizer;
use crate::tensor::Slice;

/// Longest that a search takes but for what it has begun: it answers within ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);
/// The part of its time after which recipes are run on all photos.
const EXPLORED: f64 = 0.7;
/// Answers that are this near, relative to the largest, are the same.
const SAME: f64 = 1e-4;
/// A recipe whose answers are further off, relative to the largest, is none.
const NOT_NEAR: f64 = 0.25;
/// Recipes that go from one step to the next.
const KEPT: usize = 6;
/// Recipes that are listed as doing as well.
const LISTED: usize = 24;

/// What the model answered for one photo.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Every score, by class.
    Scores(Vec<f32>),
    /// Some classes by name, with their scores.
    Classes(Vec<(String, f32)>),
}

/// Answers, and the most that rounding has changed them by.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// One a photo.
    pub each: Vec<Answer>,
    /// Half a unit of the last digit that was written; 0 for binary files.
    pub rounding: f64,
}

/// What is done to the model's scores before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activation {
    None,
    Softmax,
    Sigmoid,
}

/// A recipe with the largest difference of its answers.
struct Tried {
    preprocess: Preprocess,
    difference: f64,
    mean: f64,
}

/// A way to decode, and the photos by it with their numbers.
type DecodedPhotos = (Preprocess, Vec<(usize, Photo)>);

struct Search<'a> {
    predictor: &'a Predictor,
    image: &'a Image,
    photos: &'a [Vec<u8>],
    answers: &'a Answers,
    max_pixels: u64,
    cancel: &'a AtomicBool,
    started: Instant,
    /// Whether something was left out for want of time.
    cut_short: AtomicBool,
}

impl Predictor {
    /// The recipe by which the model gives these answers for these photos, one of each. The package
    /// that is loaded says which output is meant, and the size where the model leaves it open.
    ///
    /// # Errors
    /// [`Error::Sample`] for a photo that can't be decoded, [`Error::Shape`] for answers that aren't
    /// of this model.
    pub fn recipe_from_answers(
        &self,
        photos: &[Vec<u8>],
        answers: &Answers,
        cancel: &AtomicBool,
    ) -> Result<Found> {
        let Kind::Image(image) = &self.pipeline.kind else {
            return Err(Error::Shape(
                "The package takes tensors, so that nothing is done to its samples.".into(),
            ));
        };
        if photos.len() != answers.each.len() || photos.is_empty() {
            return Err(Error::Shape(format!(
                "There are {} photos and {} answers, and each photo needs its own.",
                photos.len(),
                answers.each.len()
            )));
        }
        let search = Search {
            predictor: self,
            image,
            photos,
            answers,
            max_pixels: self.loaded.max_pixels,
            cancel,
            started: Instant::now(),
            cut_short: AtomicBool::new(false),
        };
        search.run()
    }
}

impl Search<'_> {
    fn run(&self) -> Result<Found> {
        let base = Preprocess {
            channels: self.image.input.preprocess.channels,
            ..Preprocess::default()
        };
        let mut best = self.try_all(EXPLORED, &base, 0..1, self.first_guesses())?;
        // Filters and sizes around the best, twice: a better size shows a better filter.
        for _ in 0..2 {
            if self.past(EXPLORED) {
                break;
            }
            let around: Vec<Preprocess> = best
                .iter()
                .take(KEPT)
                .flat_map(|tried| self.around(&tried.preprocess))
                .collect();
            best.extend(self.try_all(EXPLORED, &base, 0..1, around)?);
            sort(&mut best);
        }
        let mut finalists: Vec<Preprocess> = Vec::new();
        for tried in &best {
            if !finalists.contains(&tried.preprocess) && finalists.len() < LISTED {
                finalists.push(tried.preprocess.clone());
            }
        }
        // The best first, and by all ways to decode: what time leaves out is what fits less.
        let (first, others) = finalists.split_at(finalists.len().min(2));
        let decoded = first.iter().flat_map(common::decodings);
        let all: Vec<Preprocess> = first.iter().cloned().chain(decoded).collect();
        let all = [all, others.to_vec()].concat();
        let checked = self.try_all(1.0, &base, 0..self.photos.len(), all)?;
        Ok(match checked.is_empty() {
            // There was time for the first photo only.
            true => self.report(&best, self.photos.len() == 1),
            false => self.report(&checked, true),
        })
    }

    /// Whether the search is cancelled, or this part of its time has gone by.
    fn past(&self, part: f64) -> bool {
        let late = self.started.elapsed() > PATIENCE.mul_f64(part);
        if late {
            self.cut_short.store(true, Ordering::Relaxed);
        }
        late || self.cancel.load(Ordering::Relaxed)
    }

    /// Common normalisations by common geometries, with one filter.
    fn first_guesses(&self) -> Vec<Preprocess> {
        let grey = self.image.input.channels() == 1;
        let orders: &[Channels] = match grey {
            true => &[Channels::Grey],
            false => &[Channels::Rgb, Channels::Bgr],
        };
        let mut all = vec![self.image.input.preprocess.clone()];
        for geometry in common::geometries(&self.image.input).into_iter().take(3) {
            for (mean, std) in common::normalisations(grey) {
                for channels in orders {
                    all.push(Preprocess {
                        channels: *channels,
                        mean: mean.clone(),
                        std: std.clone(),
                        arithmetic: Arithmetic::Torchvision,
                        ..geometry.clone()
                    });
                }
            }
        }
        all
    }

    /// Recipes that differ in geometry or in filter.
    fn around(&self, preprocess: &Preprocess) -> Vec<Preprocess> {
        let filters = [
            (Filter::Bilinear, None),
            (Filter::Bicubic, None),
            (Filter::Lanczos, None),
            (Filter::Nearest, None),
            (Filter::TorchvisionBilinear, None),
            (Filter::TorchvisionBicubic, None),
            (Filter::TorchvisionBilinear, Some(false)),
            (Filter::OpenCvLinear, None),
            (Filter::OpenCvArea, None),
            (Filter::OpenCvCubic, None),
            (Filter::TensorFlowBilinear, None),
            (Filter::TensorFlowBicubic, None),
        ];
        let mut all: Vec<Preprocess> = filters
            .into_iter()
            .map(|(filter, antialias)| Preprocess {
                filter,
                antialias,
                ..preprocess.clone()
            })
            .collect();
        all.extend(
            common::geometries(&self.image.input)
                .into_iter()
                .map(|geometry| Preprocess {
                    resize: geometry.resize,
                    size: geometry.size,
                    long_side: geometry.long_side,
                    crop: geometry.crop,
                    pad: geometry.pad,
                    central_crop: geometry.central_crop,
                    ..preprocess.clone()
                }),
        );
        all
    }

    /// Runs recipes, each once, on some photos, until this part of the time has gone by; those that
    /// fail are left out.
    fn try_all(
        &self,
        part: f64,
        base: &Preprocess,
        photos: std::ops::Range<usize>,
        recipes: Vec<Preprocess>,
    ) -> Result<Vec<Tried>> {
        let mut distinct: Vec<Preprocess> = Vec::new();
        for recipe in recipes {
            if !distinct.contains(&recipe) {
                distinct.push(recipe);
            }
        }
        let ways = self.decoded(base, &photos, &distinct)?;
        let threads = self.predictor.loaded.threads;
        let tried = parallel(threads, distinct.len(), &|| self.past(part), |index| {
            let preprocess = &distinct[index];
            let photos: Vec<&(usize, Photo)> = ways
                .iter()
                .filter(|(way, _)| same_decoding(way, preprocess))
                .flat_map(|(_, photos)| photos)
                .collect();
            self.attempt(preprocess, &photos)
        });
        let mut tried: Vec<Tried> = tried.into_iter().flatten().flatten().collect();
        sort(&mut tried);
        Ok(tried)
    }

    /// The photos by each way of decoding that these recipes need.
    fn decoded(
        &self,
        base: &Preprocess,
        photos: &std::ops::Range<usize>,
        recipes: &[Preprocess],
    ) -> Result<Vec<DecodedPhotos>> {
        let mut ways: Vec<DecodedPhotos> = Vec::new();
        for recipe in recipes {
            if ways.iter().any(|(way, _)| same_decoding(way, recipe)) {
                continue;
            }
            let way = Preprocess {
                decode: recipe.decode,
                exif: recipe.exif,
                channels: recipe.channels,
                grey: recipe.grey,
                ..base.clone()
            };
            let decoded: Result<Vec<(usize, Photo)>> = photos
                .clone()
                .map(|index| {
                    let bytes = &self.photos[index];
                    Ok((index, photo::decode(bytes, &way, None, self.max_pixels)?))
                })
                .collect();
            match decoded {
                Ok(decoded) => ways.push((way, decoded)),
                // Another library may refuse what the first one reads.
                Err(error) if ways.is_empty() && recipe.decode == Decode::Pillow => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        Ok(ways)
    }

    /// The largest and the mean difference of a recipe's answers.
    fn attempt(&self, preprocess: &Preprocess, photos: &[&(usize, Photo)]) -> Option<Tried> {
        let input = ImageInput {
            preprocess: preprocess.clone(),
            ..self.image.input.clone()
        };
        let normaliser = Normaliser::new(&input);
        let mut outputs = Vec::with_capacity(photos.len());
        for (index, photo) in photos {
            let scores = self.scores(&input, &normaliser, photo).ok()?;
            outputs.push((*index, scores));
        }
        if outputs.is_empty() {
            return None;
        }
        let of = |activation: Activation| -> Option<(f64, f64)> {
            let (mut largest, mut sum) = (0.0f64, 0.0);
            for (index, scores) in &outputs {
                let (worst, mean) = self.compare(&self.answers.each[*index], scores, activation)?;
                largest = largest.max(worst);
                sum += mean;
            }
            Some((largest, sum / outputs.len() as f64))
        };
        let activations = [Activation::None, Activation::Softmax, Activation::Sigmoid];
        let (difference, mean) = activations
            .into_iter()
            .filter_map(of)
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Tried {
            preprocess: preprocess.clone(),
            difference,
            mean,
        })
    }

    /// The model's scores for a decoded photo.
    fn scores(
        &self,
        input: &ImageInput,
        normaliser: &Normaliser,
        photo: &Photo,
    ) -> Result<Vec<f32>> {
        let (mut canvas, mut buffer) = (Canvas::default(), normaliser.buffer());
        let mut resizer = Resizer::default();
        canvas.draw(input, self.image.max_pixels, &photo.picture, &mut resizer)?;
        normaliser.normalise(&canvas, 0, &mut buffer);
        let axis = input.batch.length(1);
        let shape = input.shape(axis, canvas.width, canvas.height);
        let outputs = self.outputs();
        let session = &self.predictor.loaded.session;
        let values = run(&mut buffer, shape, |value| session.run(&[value], &outputs))?;
        let name = &session.signature.outputs[outputs[0]].name;
        let value = values
            .first()
            .ok_or_else(|| Error::Run("it gave no output".into()))?;
        let slice = Slice::of(name, value, 0, axis)
            .ok_or_else(|| Error::Shape(format!("output `{name}` has no batch axis")))?;
        slice.scores()
    }

    /// The output that answers are of.
    fn outputs(&self) -> Vec<usize> {
        let outputs = self.predictor.pipeline.task.outputs();
        outputs.first().map_or(vec![0], |output| vec![*output])
    }

    /// The largest and the mean difference of one photo's answer, less what rounding explains, in
    /// parts of the largest number.
    fn compare(
        &self,
        answer: &Answer,
        scores: &[f32],
        activation: Activation,
    ) -> Option<(f64, f64)> {
        let scores = activated(scores, activation);
        let pairs: Vec<(f64, f64)> = match answer {
            Answer::Scores(wanted) if wanted.len() == scores.len() => {
                let wanted = wanted.iter().map(|score| f64::from(*score));
                wanted.zip(scores).collect()
            }
            Answer::Scores(_) => return None,
            Answer::Classes(classes) => classes
                .iter()
                .map(|(class, score)| {
                    Some((f64::from(*score), *scores.get(self.class_index(class)?)?))
                })
                .collect::<Option<_>>()?,
        };
        let largest = pairs
            .iter()
            .fold(1e-6f64, |most, (wanted, _)| most.max(wanted.abs()));
        let off = |(wanted, got): &(f64, f64)| {
            ((wanted - got).abs() - self.answers.rounding).max(0.0) / largest
        };
        let worst = pairs.iter().map(off).fold(0.0, f64::max);
        let mean = pairs.iter().map(off).sum::<f64>() / pairs.len().max(1) as f64;
        Some((worst, mean))
    }

    fn class_index(&self, class: &str) -> Option<usize> {
        let labels = match &self.predictor.pipeline.task {
            Task::Classification(task) => task.heads.first()?.labels.as_deref(),
            _ => None,
        };
        let named = labels.and_then(|labels| labels.iter().position(|label| label == class));
        named.or_else(|| class.parse().ok())
    }

    /// The answer: the nearest of the recipes that were run, which is exact only where all photos
    /// were.
    fn report(&self, checked: &[Tried], on_all_photos: bool) -> Found {
        let best = checked.first();
        let verdict = match best {
            Some(best) if best.difference <= SAME && on_all_photos => Verdict::Exact,
            Some(best) if best.difference <= NOT_NEAR => Verdict::Near,
            _ => Verdict::None,
        };
        let recipe = |tried: &Tried| Recipe {
            preprocess: tried.preprocess.clone(),
            layout: self.image.input.layout,
            dtype: self.image.input.dtype,
            size: self.image.input.size,
            stride: self.image.input.stride,
        };
        let as_good = |tried: &&Tried| verdict == Verdict::Exact && tried.difference <= SAME;
        Found {
            report: RecipeReport {
                verdict,
                evidence: recipe::Evidence::Answers,
                recipe: best.map(recipe),
                same: checked
                    .iter()
                    .skip(1)
                    .filter(as_good)
                    .map(recipe)
                    .take(LISTED)
                    .collect(),
                max_difference: best.map_or(0.0, |best| best.difference),
                mean_difference: best.map_or(0.0, |best| best.mean),
                differing: 0,
                compared: self.answers.each.len(),
                elapsed_ms: self.started.elapsed().as_secs_f64() * 1000.0,
                out_of_time: self.cut_short.load(Ordering::Relaxed),
            },
            heat_map: None,
        }
    }
}

fn run<R>(
    buffer: &mut TensorBuffer,
    shape: Vec<usize>,
    with: impl FnOnce(&ort::value::DynValue) -> Result<R>,
) -> Result<R> {
    buffer.tensor(shape, with)
}

fn sort(tried: &mut [Tried]) {
    tried.sort_by(|a, b| a.difference.total_cmp(&b.difference));
}

fn same_decoding(a: &Preprocess, b: &Preprocess) -> bool {
    let grey = |preprocess: &Preprocess| {
        (preprocess.channels == Channels::Grey).then_some(preprocess.grey)
    };
    (a.decode, a.exif, grey(a)) == (b.decode, b.exif, grey(b))
}

fn activated(scores: &[f32], activation: Activation) -> Vec<f64> {
    let scores = scores.iter().map(|score| f64::from(*score));
    match activation {
        Activation::None => scores.collect(),
        Activation::Sigmoid => scores.map(|score| 1.0 / (1.0 + (-score).exp())).collect(),
        Activation::Softmax => {
            let scores: Vec<f64> = scores.collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(|power| power / sum).collect()
        }
    }
}
