//! From pixels that explain a tensor to the whole recipe.

use boxwright_model::package::{Arithmetic, Channels, ImageDtype, Preprocess, Resize, Scale};

use boxwright_model::recipe::Recipe;

use super::candidates::Geometry;
use super::explain::explain;
use super::fit::{Line, Order};
use super::numbers::{self, Precision};
use super::target::Target;
use super::verify::{Comparison, Difference};
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;

/// The whole recipe of a filter that fits: with mean and deviation, padding, and the order of the
/// arithmetic that comes nearest on all photos.
pub(super) fn complete(
    targets: &[Target],
    max_pixels: u64,
    geometry: &Geometry,
    mut preprocess: Preprocess,
    pictures: &[&Picture],
    placement: &Placement,
) -> Option<(Recipe, Difference)> {
    let (target, picture) = (targets.first()?, *pictures.first()?);
    let whole = 0..placement.region.height;
    let (order, lines, _) = explain(
        picture,
        target,
        placement,
        &preprocess,
        std::slice::from_ref(&whole),
    )?;
    if order == Order::Bgr {
        preprocess.channels = Channels::Bgr;
    }
    if preprocess.resize == Resize::Letterbox {
        // What lies around a photo that has the tensor's shape, another photo shows.
        for (target, picture) in targets.iter().zip(pictures) {
            let placement = geometry.place(target, (picture.width, picture.height))?;
            let values = around(target, &placement)?;
            if !values.is_empty() {
                if !padding(&mut preprocess, target, &values, order, &lines) {
                    return None;
                }
                break;
            }
        }
    }
    let mut drawn = Drawn::new(targets, max_pixels, geometry, &preprocess, pictures)?;
    let mut best: Option<(Recipe, Difference)> = None;
    for scale in [Scale::Fixed, Scale::PhotoMaximum] {
        if scale == Scale::PhotoMaximum && drawn.each.iter().all(|each| each.brightest() >= 255.0) {
            continue;
        }
        let stretch = match scale {
            Scale::Fixed => 1.0,
            Scale::PhotoMaximum => 255.0 / drawn.each[0].brightest(),
        };
        let stretched: Vec<Line> = lines
            .iter()
            .map(|line| Line {
                scale: line.scale / stretch,
                ..*line
            })
            .collect();
        preprocess.scale = scale;
        let candidate = drawn.best_numbers(&preprocess, &stretched);
        best = match (best, candidate) {
            (Some(best), Some(other)) => Some(shorter_numbers(best, other)),
            (best, other) => best.or(other),
        };
    }
    best
}

/// The better of two recipes; of two exact ones that with the shorter numbers.
fn shorter_numbers(
    best: (Recipe, Difference),
    other: (Recipe, Difference),
) -> (Recipe, Difference) {
    let length = |recipe: &Recipe| numbers::digits(&recipe.preprocess.mean, &recipe.preprocess.std);
    let both = best.1.differing == 0 && other.1.differing == 0;
    let better = match both {
        true => length(&other.0) < length(&best.0),
        false => other.1.less_than(&best.1),
    };
    if better { other } else { best }
}

/// All photos as a recipe draws them, beside their tensors: numbers don't change what is drawn.
struct Drawn<'a> {
    geometry: &'a Geometry,
    targets: &'a [Target],
    each: Vec<Comparison>,
}

impl<'a> Drawn<'a> {
    /// `None` where a photo has no place, or comes to another size than its tensor.
    fn new(
        targets: &'a [Target],
        max_pixels: u64,
        geometry: &'a Geometry,
        preprocess: &Preprocess,
        pictures: &[&Picture],
    ) -> Option<Self> {
        let mut each = Vec::with_capacity(targets.len());
        for (picture, target) in pictures.iter().zip(targets) {
            let mut comparison = Comparison::new(max_pixels);
            let input = geometry.input(preprocess.clone(), target);
            comparison.draw(picture, &input).ok()?;
            each.push(Some(comparison).filter(|drawn| drawn.fits(target))?);
        }
        Some(Self {
            geometry,
            targets,
            each,
        })
    }

    /// Mean and deviation with few digits, and with more where these come clearly nearer.
    fn best_numbers(
        &mut self,
        preprocess: &Preprocess,
        lines: &[Line],
    ) -> Option<(Recipe, Difference)> {
        let target = self.targets.first()?;
        let known = precision(target, lines);
        let mut best: Option<(Recipe, Difference)> = None;
        let mut tried = Vec::new();
        for part in [1.0, 0.1, 0.01, 0.001] {
            let numbers = numbers::named(lines, known.part(part));
            if tried.contains(&numbers) {
                continue;
            }
            let mut preprocess = preprocess.clone();
            (preprocess.mean, preprocess.std) = numbers.clone();
            tried.push(numbers);
            let found = self.best_arithmetic(&preprocess)?;
            let nearer = best.as_ref().is_none_or(|(_, best)| {
                let fewer = found.1.differing < best.differing;
                fewer || (found.1.differing == best.differing && found.1.sum < best.sum * 0.5)
            });
            let done = found.1.max == 0.0;
            if nearer {
                best = Some(found);
            }
            if done {
                return best;
            }
        }
        let best = best?;
        match target.dtype {
            ImageDtype::F16 if best.1.differing == 0 => Some(self.refined(best, lines, known)),
            _ => Some(best),
        }
    }

    /// Halves don't tell numbers as exactly as people write them. Of the short ones that are near,
    /// those are meant that give the tensor to the last bit; the channels don't depend on each other.
    fn refined(
        &mut self,
        best: (Recipe, Difference),
        lines: &[Line],
        known: Precision,
    ) -> (Recipe, Difference) {
        let candidates = numbers::candidates(lines, known);
        if candidates.len() != lines.len() {
            // A channel without contrast tells nothing.
            return best;
        }
        let most = candidates
            .iter()
            .flat_map(|(mean, std)| [mean.len(), std.len()]);
        let most = most.max().unwrap_or_default();
        let mut pairs: Vec<(usize, usize)> = (0..most)
            .flat_map(|mean| (0..most).map(move |std| (mean, std)))
            .collect();
        pairs.sort_by_key(|(mean, std)| mean + std);
        let channels = candidates.len();
        let mut preprocess = best.0.preprocess.clone();
        for arithmetic in Arithmetic::ALL {
            preprocess.arithmetic = *arithmetic;
            let mut nearest = vec![(f64::INFINITY, 0.0, 1.0); channels];
            for (mean, std) in &pairs {
                let of = |all: &[f64], at: usize| all[at.min(all.len() - 1)];
                let numbers = candidates.iter();
                (preprocess.mean, preprocess.std) = numbers
                    .map(|(means, stds)| (of(means, *mean), of(stds, *std)))
                    .unzip();
                for (channel, off) in self.channels(&preprocess, channels).into_iter().enumerate() {
                    if off < nearest[channel].0 {
                        let numbers = (preprocess.mean[channel], preprocess.std[channel]);
                        nearest[channel] = (off, numbers.0, numbers.1);
                    }
                }
                if nearest.iter().all(|(off, ..)| *off == 0.0) {
                    break;
                }
            }
            if nearest.iter().all(|(off, ..)| *off == 0.0) {
                preprocess.mean = nearest.iter().map(|(_, mean, _)| *mean).collect();
                preprocess.std = nearest.iter().map(|(.., std)| *std).collect();
                return self.best_arithmetic(&preprocess).unwrap_or(best);
            }
        }
        best
    }

    /// How far each channel is off, in levels, added up over all photos.
    fn channels(&mut self, preprocess: &Preprocess, count: usize) -> Vec<f64> {
        let mut sums = vec![0.0; count];
        for (comparison, target) in self.each.iter_mut().zip(self.targets) {
            let input = self.geometry.input(preprocess.clone(), target);
            comparison.with(&input, target, |channel, _, levels| sums[channel] += levels);
        }
        sums
    }

    /// The order of the arithmetic that comes nearest on all photos.
    fn best_arithmetic(&mut self, preprocess: &Preprocess) -> Option<(Recipe, Difference)> {
        let mut best: Option<(Arithmetic, Difference)> = None;
        for arithmetic in Arithmetic::ALL {
            let mut all = Difference::default();
            for (comparison, target) in self.each.iter_mut().zip(self.targets) {
                let mut input = self.geometry.input(preprocess.clone(), target);
                input.preprocess.arithmetic = *arithmetic;
                all = comparison.with(&input, target, |_, _, _| {}).and(&all);
            }
            if best.as_ref().is_none_or(|(_, best)| all.less_than(best)) {
                best = Some((*arithmetic, all));
            }
        }
        let (arithmetic, difference) = best?;
        let target = self.targets.first()?;
        let recipe = Recipe {
            preprocess: Preprocess {
                arithmetic,
                ..preprocess.clone()
            },
            layout: target.layout,
            dtype: target.dtype,
            size: self.geometry.size,
            stride: self.geometry.stride,
        };
        Some((recipe, difference))
    }
}

/// How exactly lines are known by numbers of this type.
fn precision(target: &Target, lines: &[Line]) -> Precision {
    let std = lines
        .iter()
        .map(|line| 1.0 / line.scale.abs().max(1e-12))
        .fold(0.0, f64::max);
    match target.dtype {
        ImageDtype::F16 => Precision {
            mean: 2e-3 * std.max(1.0),
            std: 1e-3,
        },
        _ => Precision {
            mean: 1e-4 * std.clamp(1.0, 100.0),
            std: 3e-6,
        },
    }
}

/// The colour around a letterboxed picture; whether there is one.
fn padding(
    preprocess: &mut Preprocess,
    target: &Target,
    values: &[f32],
    order: Order,
    lines: &[Line],
) -> bool {
    let mut pad = [0u8; 3];
    let mut whole = true;
    for (channel, (value, line)) in values.iter().zip(lines).enumerate() {
        let level = (f64::from(*value) - line.offset) / line.scale;
        // The last place of a half.
        let unit = match target.dtype {
            ImageDtype::F16 => f64::from(value.abs()) * 2f64.powi(-10) / line.scale.abs(),
            _ => 0.0,
        };
        let off = (level - level.round()).abs();
        whole &= off < (0.02 + unit).min(0.5) && (0.0..=255.0).contains(&level.round());
        match order {
            Order::Grey => pad = [level.round() as u8; 3],
            _ => pad[order.source(channel)] = level.round() as u8,
        }
    }
    if whole {
        preprocess.pad = Some(pad);
        return true;
    }
    preprocess.pad = None;
    preprocess.pad_normalised = values.first().map(|value| f64::from(*value));
    values.iter().all(|value| *value == values[0])
}

/// The one value of each channel around the picture; empty where nothing lies there, `None` where
/// more than one does.
fn around(target: &Target, placement: &Placement) -> Option<Vec<f32>> {
    let (region, at) = (placement.region, placement.at);
    let inside = |x: usize, y: usize| {
        (at.0..at.0 + region.width).contains(&x) && (at.1..at.1 + region.height).contains(&y)
    };
    let mut around = vec![None; target.channels];
    for y in 0..target.height {
        for x in (0..target.width).filter(|x| !inside(*x, y)) {
            for (channel, around) in around.iter_mut().enumerate() {
                let value = target.plane(channel)[y * target.width + x];
                if around.is_some_and(|known: f32| (known - value).abs() > 1e-5) {
                    return None;
                }
                *around = Some(value);
            }
        }
    }
    Some(around.into_iter().flatten().collect())
}
