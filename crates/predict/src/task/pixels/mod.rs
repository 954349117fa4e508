//! Answers for every pixel of the photo.

mod plane;
mod planes;
mod png;

use boxwright_model::package::{Activation, Range, Upsample};
use boxwright_model::pipeline::{Matte, Segmentation};
use boxwright_model::prediction::{self, Outcome, SegmentClass};
use std::borrow::Cow;

use self::plane::{Axis, Rows};
use self::planes::{Planes, wrong_shape};
use super::only::only;
use super::score::sigmoid;
use crate::error::{Error, Result};
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// The class of each pixel of the photo.
pub(super) fn segmentation(
    task: &Segmentation,
    outputs: &[Slice<'_>],
    frame: &Frame,
) -> Result<Outcome> {
    let output = only(outputs)?;
    let planes = Planes::of(output)?;
    let mask = match (planes.count, output.datatype.is_float()) {
        (1, true) => foreground(task, output, planes, frame)?,
        (1, false) => nearest(&classes(output)?, planes, frame),
        _ if task.upsample == Upsample::Classes => {
            let best = best_of_planes(&scores(output)?, planes);
            nearest(&best, planes, frame)
        }
        _ => best_of_resized(&scores(output)?, planes, frame),
    };
    let (width, height) = frame.photo;
    Ok(Outcome::Segmentation(prediction::Segmentation {
        width,
        height,
        classes: counted(task, &mask),
        mask: png::classes(&mask, width, height)?,
    }))
}

/// How much of each pixel belongs to the foreground, as a picture.
pub(super) fn matte(task: &Matte, outputs: &[Slice<'_>], frame: &Frame) -> Result<Outcome> {
    let output = only(outputs)?;
    let planes = Planes::of(output)?;
    if planes.count != 1 {
        return Err(wrong_shape(
            output,
            "a matte is one plane, [1, height, width]",
        ));
    }
    let mut values = output.floats()?.into_owned();
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        let (value, name) = (values[place], output.name);
        return Err(Error::Run(format!(
            "it gave {value} for pixel {place} of output `{name}`"
        )));
    }
    if task.activation == Activation::Sigmoid {
        values.iter_mut().for_each(|value| *value = sigmoid(*value));
    }
    if task.range == Range::MinMax {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let span = if most > least { most - least } else { 1.0 };
        values
            .iter_mut()
            .for_each(|value| *value = (*value - least) / span);
    }
    let (width, height) = frame.photo;
    let mut grey = vec![0u8; width * height];
    Rows::new(&values, planes, frame).visit(|_, y, x, row| {
        let grey = &mut grey[y * width + x..];
        for (grey, value) in grey.iter_mut().zip(row) {
            *grey = (value * 255.0).clamp(0.0, 255.0) as u8;
        }
    });
    Ok(Outcome::Matte(png::grey(&grey, width, height)?))
}

/// 1 where the single channel is above the threshold.
fn foreground(
    task: &Segmentation,
    output: &Slice<'_>,
    planes: Planes,
    frame: &Frame,
) -> Result<Vec<u32>> {
    let values = scores(output)?;
    let width = frame.photo.0;
    let mut mask = vec![0; width * frame.photo.1];
    let activated = |value: f32| match task.activation {
        Activation::Sigmoid => sigmoid(value),
        Activation::Softmax | Activation::None => value,
    };
    Rows::new(&values, planes, frame).visit(|_, y, x, row| {
        let mask = &mut mask[y * width + x..];
        for (one, value) in mask.iter_mut().zip(row) {
            *one = u32::from(activated(*value) > task.threshold);
        }
    });
    Ok(mask)
}

/// The class of each pixel of the output, which holds classes.
fn classes(output: &Slice<'_>) -> Result<Vec<u32>> {
    let floats = output.floats()?;
    let class = |value: &f32| (*value >= 0.0).then_some(*value as u32);
    floats
        .iter()
        .map(class)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Error::Run(format!(
                "it gave a number that is no class in output `{}`",
                output.name
            ))
        })
}

/// The best class of each pixel of the output; the first of equal ones.
fn best_of_planes(values: &[f32], planes: Planes) -> Vec<u32> {
    let length = planes.length();
    let mut best = vec![0; length];
    let mut most = values[..length].to_vec();
    for (class, plane) in values.chunks_exact(length).enumerate().skip(1) {
        better(plane, class, &mut most, &mut best);
    }
    best
}

fn better(row: &[f32], class: usize, most: &mut [f32], best: &mut [u32]) {
    let class = u32::try_from(class).unwrap_or(u32::MAX);
    for ((value, most), best) in row.iter().zip(most).zip(best) {
        // Without a branch, so that several are compared at once.
        let is_better = *value > *most;
        *most = if is_better { *value } else { *most };
        *best = if is_better { class } else { *best };
    }
}

/// The scores of an output, which are numbers.
fn scores<'a>(output: &'a Slice<'_>) -> Result<Cow<'a, [f32]>> {
    let values = output.floats()?;
    match values.iter().any(|value| value.is_nan()) {
        true => Err(Error::Run(format!(
            "it gave NaN for a pixel of output `{}`",
            output.name
        ))),
        false => Ok(values),
    }
}

/// The best class of each pixel of the photo, of scores that are resized row by row: all classes of
/// a large photo would not fit into memory.
fn best_of_resized(values: &[f32], planes: Planes, frame: &Frame) -> Vec<u32> {
    let (width, height) = frame.photo;
    let mut mask = vec![0; width * height];
    let mut most = vec![f32::NEG_INFINITY; width];
    Rows::new(values, planes, frame).visit(|class, y, x, row| {
        let most = &mut most[x..x + row.len()];
        if class == 0 {
            most.copy_from_slice(row);
        } else {
            better(row, class, most, &mut mask[y * width + x..]);
        }
    });
    mask
}

/// Classes at the photo's size, each pixel that of the nearest.
fn nearest(classes: &[u32], planes: Planes, frame: &Frame) -> Vec<u32> {
    let columns = Axis::horizontal(planes, frame).nearest();
    let rows = Axis::vertical(planes, frame).nearest();
    let pixels = rows.iter().flat_map(|y| {
        let row = &classes[y * planes.width..(y + 1) * planes.width];
        columns.iter().map(|x| row[*x])
    });
    pixels.collect()
}

/// The classes that a mask holds, with the pixels of each.
fn counted(task: &Segmentation, mask: &[u32]) -> Vec<SegmentClass> {
    let mut pixels = std::collections::BTreeMap::new();
    // Most neighbours are of one class.
    for run in mask.chunk_by(|one, other| one == other) {
        *pixels.entry(run[0] as usize).or_insert(0) += run.len();
    }
    let named = |(index, pixels): (usize, usize)| SegmentClass {
        class: task
            .labels
            .as_ref()
            .and_then(|labels| labels.get(index))
            .map_or_else(|| index.to_string(), Clone::clone),
        index,
        pixels,
    };
    pixels.into_iter().map(named).collect()
}
