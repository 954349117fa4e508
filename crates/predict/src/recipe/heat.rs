//! Where a recipe differs: the photo in grey, the differences in red.

use boxwright_model::pipeline::ImageInput;

use super::target::Target;
use super::verify::Comparison;
use crate::error::Result;
use crate::stage::decode::{Compressor, Picture};

/// A difference of so many levels is shown in full red.
const FULL: f64 = 32.0;
const QUALITY: u8 = 90;

/// A JPEG of the tensor's size.
pub(super) fn map(
    comparison: &mut Comparison,
    picture: &Picture,
    input: &ImageInput,
    target: &Target,
) -> Result<Vec<u8>> {
    comparison.draw(picture, input)?;
    let length = target.width * target.height;
    let mut worst = vec![0.0f64; length];
    comparison.with(input, target, |_, place, levels| {
        worst[place] = worst[place].max(levels);
    });
    // The tensor itself, brought to grey: what is drawn need not be where the photo is.
    let plane = target.plane(target.channels / 2);
    let (low, high) = plane
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let range = (high - low).max(f32::MIN_POSITIVE);
    let pixel = |(value, worst): (&f32, &f64)| {
        let grey = 40.0 + 150.0 * f64::from((value - low) / range);
        let heat = (worst / FULL).clamp(0.0, 1.0).sqrt();
        let mix = |towards: f64| (grey * (1.0 - heat) + towards * heat) as u8;
        [mix(255.0), mix(20.0), mix(30.0)]
    };
    let rgb: Vec<u8> = plane.iter().zip(&worst).flat_map(pixel).collect();
    Compressor::new(QUALITY)?.encode(&rgb, target.width, target.height)
}
