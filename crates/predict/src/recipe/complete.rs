//! From pixels that explain a tensor to the whole recipe.

use boxwright_model::package::{Arithmetic, Channels, ImageDtype, Preprocess, Resize, Scale};

use boxwright_model::recipe::Recipe;

use super::candidates::Geometry;
use super::explain::{explain, pixels};
use super::fit::{Line, Order};
use super::numbers::{self, Precision};
use super::target::Target;
use super::verify::{Comparison, Difference};
use crate::error::Result;
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
) -> Result<Option<(Recipe, Difference)>> {
    let (Some(target), Some(picture)) = (targets.first(), pictures.first()) else {
        return Ok(None);
    };
    let whole = 0..placement.region.height;
    let explained = explain(
        picture,
        target,
        placement,
        &preprocess,
        std::slice::from_ref(&whole),
    );
    let Some((order, lines, _)) = explained else {
        return Ok(None);
    };
    if order == Order::Bgr {
        preprocess.channels = Channels::Bgr;
    }
    if preprocess.resize == Resize::Letterbox
        && !padding(&mut preprocess, target, placement, order, &lines)
    {
        return Ok(None);
    }
    let mut best: Option<(Recipe, Difference)> = None;
    for scale in [Scale::Fixed, Scale::PhotoMaximum] {
        let maximum = brightest(picture, placement, &preprocess);
        if scale == Scale::PhotoMaximum && maximum >= 255.0 {
            continue;
        }
        let stretch = if scale == Scale::Fixed {
            1.0
        } else {
            255.0 / maximum
        };
        let stretched: Vec<Line> = lines
            .iter()
            .map(|line| Line {
                scale: line.scale / stretch,
                ..*line
            })
            .collect();
        (preprocess.mean, preprocess.std) =
            numbers::named(&stretched, precision(target, &stretched));
        preprocess.scale = scale;
        let Some(candidate) =
            best_arithmetic(targets, max_pixels, geometry, &preprocess, pictures)?
        else {
            continue;
        };
        let better = best
            .as_ref()
            .is_none_or(|(_, difference)| candidate.1.less_than(difference));
        if better {
            best = Some(candidate);
        }
    }
    Ok(best)
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

/// The largest value of the pixels at a place.
fn brightest(picture: &Picture, placement: &Placement, preprocess: &Preprocess) -> f64 {
    let whole = 0..placement.region.height;
    let rows = pixels(picture, placement, preprocess, std::slice::from_ref(&whole));
    let largest = rows
        .iter()
        .flat_map(|(_, _, row)| row.as_flattened())
        .fold(0.0f32, |most, value| most.max(*value));
    f64::from(largest).max(1.0)
}

/// The colour around a letterboxed picture; whether there is one.
fn padding(
    preprocess: &mut Preprocess,
    target: &Target,
    placement: &Placement,
    order: Order,
    lines: &[Line],
) -> bool {
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
                    return false;
                }
                *around = Some(value);
            }
        }
    }
    let Some(values) = around.into_iter().collect::<Option<Vec<f32>>>() else {
        // Nothing lies around the picture.
        return true;
    };
    let mut pad = [0u8; 3];
    let mut whole = true;
    for (channel, (value, line)) in values.iter().zip(lines).enumerate() {
        let level = (f64::from(*value) - line.offset) / line.scale;
        whole &= (level - level.round()).abs() < 0.02 && (0.0..=255.0).contains(&level.round());
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

/// The order of the arithmetic that comes nearest on all photos.
fn best_arithmetic(
    targets: &[Target],
    max_pixels: u64,
    geometry: &Geometry,
    preprocess: &Preprocess,
    pictures: &[&Picture],
) -> Result<Option<(Recipe, Difference)>> {
    let mut differences = vec![Difference::default(); Arithmetic::ALL.len()];
    let mut comparison = Comparison::new(max_pixels);
    for (picture, target) in pictures.iter().zip(targets) {
        let input = geometry.input(preprocess.clone(), target);
        if comparison.draw(picture, &input).is_err() {
            return Ok(None);
        }
        for (arithmetic, all) in Arithmetic::ALL.iter().zip(&mut differences) {
            let mut input = input.clone();
            input.preprocess.arithmetic = *arithmetic;
            *all = comparison.with(&input, target, |_, _, _| {}).and(all);
        }
    }
    let best = Arithmetic::ALL
        .iter()
        .zip(differences)
        .reduce(|best, other| {
            if other.1.less_than(&best.1) {
                other
            } else {
                best
            }
        });
    let (Some((arithmetic, difference)), Some(target)) = (best, targets.first()) else {
        return Ok(None);
    };
    let recipe = Recipe {
        preprocess: Preprocess {
            arithmetic: *arithmetic,
            ..preprocess.clone()
        },
        layout: target.layout,
        dtype: target.dtype,
        size: geometry.size,
        stride: geometry.stride,
    };
    Ok(Some((recipe, difference)))
}
