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
        preprocess.scale = scale;
        let candidate = best_numbers(
            targets,
            max_pixels,
            geometry,
            &preprocess,
            pictures,
            &stretched,
        )?;
        best = match (best, candidate) {
            (Some(best), Some(other)) => Some(shorter_numbers(best, other)),
            (best, other) => best.or(other),
        };
    }
    Ok(best)
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

/// Mean and deviation with few digits, and with more where these come clearly nearer.
fn best_numbers(
    targets: &[Target],
    max_pixels: u64,
    geometry: &Geometry,
    preprocess: &Preprocess,
    pictures: &[&Picture],
    lines: &[Line],
) -> Result<Option<(Recipe, Difference)>> {
    let Some(target) = targets.first() else {
        return Ok(None);
    };
    let mut best: Option<(Recipe, Difference)> = None;
    let mut tried = Vec::new();
    for part in [1.0, 0.1, 0.01, 0.001] {
        let Precision { mean, std } = precision(target, lines);
        let precision = Precision {
            mean: mean * part,
            std: std * part,
        };
        let numbers = numbers::named(lines, precision);
        if tried.contains(&numbers) {
            continue;
        }
        let mut preprocess = preprocess.clone();
        (preprocess.mean, preprocess.std) = numbers.clone();
        tried.push(numbers);
        let found = best_arithmetic(targets, max_pixels, geometry, &preprocess, pictures)?;
        let Some(found) = found else {
            return Ok(best);
        };
        let nearer = best.as_ref().is_none_or(|(_, best)| {
            let fewer = found.1.differing < best.differing;
            fewer || (found.1.differing == best.differing && found.1.sum < best.sum * 0.5)
        });
        let done = found.1.max == 0.0;
        if nearer {
            best = Some(found);
        }
        if done {
            break;
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
        // A tensor of another size.
        if differences.iter().any(|all| all.max.is_infinite()) {
            return Ok(None);
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
