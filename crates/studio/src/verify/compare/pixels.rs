//! Answers for every pixel: masks may differ in few pixels, where two classes are all but equal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boxwright_model::prediction::Segmentation;

use super::difference::{self, Found, differs};

/// The share of pixels that may differ on the same architecture.
const SAME_ARCHITECTURE: f64 = 1e-3;
/// The share on an emulated one.
const EMULATED: f64 = 2e-2;

/// The share of a mask's pixels that may differ where numbers may differ by `tolerance`.
pub(super) fn tolerance(tolerance: f64) -> f64 {
    match tolerance > difference::SAME_ARCHITECTURE {
        true => EMULATED,
        false => SAME_ARCHITECTURE,
    }
}

/// Masks of the same size that differ in few pixels.
pub(super) fn segmentations(preview: &Segmentation, image: &Segmentation, numbers: f64) -> Found {
    if preview.mask == image.mask {
        return Found::same();
    }
    compare(
        &preview.mask,
        &image.mask,
        |a, b| f64::from(u8::from(a != b)),
        tolerance(numbers),
    )
}

/// Mattes of the same size whose mean difference is small.
pub(super) fn mattes(preview: &str, image: &str, numbers: f64) -> Found {
    if preview == image {
        return Found::same();
    }
    let levels = |a: u16, b: u16| f64::from(a.abs_diff(b)) / 255.0;
    compare(preview, image, levels, tolerance(numbers))
}

/// The mean difference of two pictures' pixels.
fn compare(preview: &str, image: &str, off: impl Fn(u16, u16) -> f64, most: f64) -> Found {
    let (Some(a), Some(b)) = (decoded(preview), decoded(image)) else {
        return differs("a mask can't be read".to_owned());
    };
    if (a.width, a.height) != (b.width, b.height) {
        return differs("the masks have different sizes".to_owned());
    }
    let pixels = a.values.iter().zip(&b.values);
    let sum: f64 = pixels.map(|(a, b)| off(*a, *b)).sum();
    let share = sum / a.values.len().max(1) as f64;
    Found {
        most: share,
        words: (share > most).then(|| format!("{:.3} % of the mask differs", share * 100.0)),
    }
}

/// A grey picture.
struct Grey {
    width: u32,
    height: u32,
    values: Vec<u16>,
}

/// The pixels of a PNG in base64, as they are stored; `None` for what the worker does not write.
fn decoded(text: &str) -> Option<Grey> {
    let bytes = STANDARD.decode(text).ok()?;
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    let pixels = &pixels[..info.buffer_size()];
    let values = match (info.color_type, info.bit_depth) {
        (png::ColorType::Grayscale, png::BitDepth::Eight) => {
            pixels.iter().copied().map(u16::from).collect()
        }
        (png::ColorType::Grayscale, png::BitDepth::Sixteen) => {
            let (wide, _) = pixels.as_chunks();
            wide.iter().copied().map(u16::from_be_bytes).collect()
        }
        _ => return None,
    };
    Some(Grey {
        width: info.width,
        height: info.height,
        values,
    })
}
