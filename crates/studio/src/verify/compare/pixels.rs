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
    for one in &preview.classes {
        let other = image.classes.iter().find(|other| other.index == one.index);
        // A class of few pixels may be missing.
        if let Some(other) = other.filter(|other| other.class != one.class) {
            let (index, a, b) = (one.index, &one.class, &other.class);
            return differs(format!(
                "class {index} is {a} in the preview, {b} in the image"
            ));
        }
    }
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

#[cfg(test)]
mod tests {
    use boxwright_model::prediction::SegmentClass;

    use super::*;

    /// A row of grey pixels as PNG in base64.
    fn row(pixels: &[u8]) -> String {
        let mut file = Vec::new();
        let width = u32::try_from(pixels.len()).unwrap();
        let mut encoder = png::Encoder::new(&mut file, width, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(pixels).unwrap();
        writer.finish().unwrap();
        STANDARD.encode(file)
    }

    fn classes(pixels: &[u8], name: &str) -> Segmentation {
        Segmentation {
            width: pixels.len(),
            height: 1,
            classes: vec![SegmentClass {
                class: name.to_owned(),
                index: 1,
                pixels: pixels.iter().filter(|pixel| **pixel == 1).count(),
            }],
            mask: row(pixels),
        }
    }

    fn with(ones: usize) -> Vec<u8> {
        (0..2000).map(|place| u8::from(place < ones)).collect()
    }

    #[test]
    fn masks_may_differ_in_few_pixels_and_classes_keep_their_names() {
        let preview = classes(&with(1000), "cat");
        for (ones, name, exact, emulated) in [
            (1000, "cat", true, true),
            (1001, "cat", true, true),
            (1010, "cat", false, true),
            (1100, "cat", false, false),
            (1000, "dog", false, false),
        ] {
            let image = classes(&with(ones), name);
            for (tolerance, expected) in [
                (difference::SAME_ARCHITECTURE, exact),
                (difference::EMULATED, emulated),
            ] {
                let found = segmentations(&preview, &image, tolerance);
                assert_eq!(found.words.is_none(), expected, "{ones} {name}");
            }
        }
    }

    #[test]
    fn mattes_differ_by_their_levels() {
        let (grey, lighter, white) = (row(&[100; 50]), row(&[101; 50]), row(&[200; 50]));
        assert!(
            mattes(&grey, &grey, difference::SAME_ARCHITECTURE)
                .words
                .is_none()
        );
        assert!(
            mattes(&grey, &lighter, difference::EMULATED)
                .words
                .is_none()
        );
        assert!(
            mattes(&grey, &lighter, difference::SAME_ARCHITECTURE)
                .words
                .is_some()
        );
        assert!(mattes(&grey, &white, difference::EMULATED).words.is_some());
        assert!(
            mattes(&grey, &row(&[100; 49]), difference::EMULATED)
                .words
                .is_some()
        );
        assert!(
            mattes(&grey, "no PNG", difference::EMULATED)
                .words
                .is_some()
        );
    }
}
