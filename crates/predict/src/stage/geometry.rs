//! Where a picture goes on the model's canvas: sizes and offsets, by each library's rounding.

use boxwright_model::package::{Align, Crop, Preprocess, Resize, Rounding, StrideRounding};
use boxwright_model::pipeline::ImageInput;

use super::resize::Region;

/// Width and height, in pixels.
pub(crate) type Size = (usize, usize);

/// Where a picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    /// What is cut out of the picture first.
    pub source: Region,
    /// The size that this is resized to.
    pub resized: Size,
    /// The part of the resized picture that is kept.
    pub region: Region,
    /// The size of the tensor.
    pub canvas: Size,
    /// Where the region's upper left corner lies on the canvas.
    pub at: (usize, usize),
}

/// Why a picture has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misplaced {
    /// After resizing it has another size than the input takes.
    Misfit {
        /// The size after resizing.
        resized: Size,
        /// The size that the input takes.
        taken: Size,
    },
}

/// Where a picture of `size` goes.
pub(crate) fn place(image: &ImageInput, size: Size) -> Result<Placement, Misplaced> {
    place_draft(image, size, size)
}

/// Where a picture of `size` goes that was decoded at a part of its own size `full`: Pillow's
/// `Image.thumbnail` reckons with that.
pub(crate) fn place_draft(
    image: &ImageInput,
    size: Size,
    full: Size,
) -> Result<Placement, Misplaced> {
    let source = central_crop(image.preprocess.central_crop, size);
    let resized = match image.preprocess.resize {
        Resize::Thumbnail => resized(image, full),
        _ => resized(image, (source.width, source.height)),
    };
    let canvas = canvas(image, resized)?;
    let axis = |resized, canvas| along(&image.preprocess, resized, canvas);
    let (mut horizontal, mut vertical) = (axis(resized.0, canvas.0), axis(resized.1, canvas.1));
    if image.preprocess.align == Align::TensorFlow && image.preprocess.resize == Resize::Letterbox {
        (horizontal.at, vertical.at) = offsets_of_tensorflow((source.width, source.height), canvas);
    }
    Ok(Placement {
        source,
        resized,
        region: Region {
            left: horizontal.from,
            top: vertical.from,
            width: horizontal.length,
            height: vertical.length,
        },
        canvas,
        at: (horizontal.at, vertical.at),
    })
}

/// `tf.image.central_crop`: the offsets are truncated, and both sides lose as much.
fn central_crop(part: Option<f64>, (width, height): Size) -> Region {
    let offset = |side: usize| match part {
        Some(part) => ((side as f64 - side as f64 * part) / 2.0) as usize,
        None => 0,
    };
    let (left, top) = (offset(width), offset(height));
    Region {
        left,
        top,
        width: (width - 2 * left).max(1),
        height: (height - 2 * top).max(1),
    }
}

/// The size after resizing.
fn resized(image: &ImageInput, size: Size) -> Size {
    let preprocess = &image.preprocess;
    let wanted = preprocess.size.unwrap_or(1) as usize;
    let free = match (preprocess.resize, image.size) {
        (Resize::Stretch, _) if preprocess.size.is_some() => return (wanted, wanted),
        (Resize::Stretch, Some(fixed)) => return fixed,
        (Resize::Letterbox, Some(fixed)) => {
            return letterboxed(preprocess, size, room(preprocess, fixed));
        }
        (Resize::Thumbnail, Some(fixed)) => return thumbnail(size, fixed),
        (Resize::ShortSide, _) => {
            let most = preprocess.max_size.map(|most| most as usize);
            short_side(preprocess.rounding(), size, wanted, most)
        }
        (Resize::LongSide, _) => long_side(preprocess.rounding(), size, wanted),
        _ => size,
    };
    match image.stride {
        Some(stride) => (multiple(free.0, stride), multiple(free.1, stride)),
        None => free,
    }
}

/// What a letterboxed picture is fitted into: the tensor, or a square of `size` within it.
pub(crate) fn room(preprocess: &Preprocess, (width, height): Size) -> Size {
    let most = preprocess.size.map_or(usize::MAX, |size| size as usize);
    (width.min(most), height.min(most))
}

fn multiple(side: usize, (stride, rounding): (usize, StrideRounding)) -> usize {
    let count = match rounding {
        StrideRounding::Up => side.div_ceil(stride),
        StrideRounding::Nearest => (side as f64 / stride as f64).round_ties_even() as usize,
        StrideRounding::Down => side / stride,
    };
    count.max(1) * stride
}

/// A length as a whole number.
fn whole(rounding: Rounding, length: f64) -> usize {
    let whole = match rounding {
        Rounding::Floor | Rounding::Detr => length.floor(),
        Rounding::Round => length.round_ties_even(),
        Rounding::HalfUp => (length + 0.5).floor(),
        Rounding::Ceil => length.ceil(),
    };
    whole as usize
}

fn short_side(
    rounding: Rounding,
    (width, height): Size,
    wanted: usize,
    most: Option<usize>,
) -> Size {
    let (short, long) = (width.min(height), width.max(height));
    let sides = match rounding {
        Rounding::Floor => truncated(short, long, wanted, most),
        Rounding::Detr => detr(short, long, wanted, most),
        Rounding::Round | Rounding::HalfUp | Rounding::Ceil => {
            let scale = wanted as f64 / short as f64;
            let limit = most.map_or(f64::INFINITY, |most| most as f64 / long as f64);
            let scaled = |side: usize| whole(rounding, side as f64 * scale.min(limit));
            if scale <= limit {
                (wanted, scaled(long))
            } else {
                (scaled(short), scaled(long))
            }
        }
    };
    in_order((width, height), sides)
}

/// torchvision's `Resize` of one size, with `max_size`.
fn truncated(short: usize, long: usize, wanted: usize, most: Option<usize>) -> Size {
    let other = (wanted as f64 * long as f64 / short as f64) as usize;
    match most {
        Some(most) if other > most => ((most as f64 * wanted as f64 / other as f64) as usize, most),
        _ => (wanted, other),
    }
}

/// Transformers' `get_size_with_aspect_ratio`.
fn detr(short: usize, long: usize, wanted: usize, most: Option<usize>) -> Size {
    let (short_length, long_length) = (short as f64, long as f64);
    let mut exact = wanted as f64;
    if let Some(most) = most.filter(|most| long_length / short_length * exact > *most as f64) {
        exact = most as f64 * short_length / long_length;
    }
    let rounded = exact.round_ties_even() as usize;
    if rounded == short {
        return (short, long);
    }
    (rounded, (exact * long_length / short_length) as usize)
}

fn long_side(rounding: Rounding, (width, height): Size, wanted: usize) -> Size {
    let (short, long) = (width.min(height), width.max(height));
    let other = match rounding {
        Rounding::Floor | Rounding::Detr => {
            (wanted as f64 * short as f64 / long as f64).floor() as usize
        }
        _ => whole(rounding, short as f64 * (wanted as f64 / long as f64)),
    };
    in_order((width, height), (other, wanted))
}

/// The shorter and the longer side as width and height; neither is nothing.
fn in_order((width, height): Size, (short, long): Size) -> Size {
    let (short, long) = (short.max(1), long.max(1));
    if width <= height {
        (short, long)
    } else {
        (long, short)
    }
}

fn letterboxed(preprocess: &Preprocess, (width, height): Size, most: Size) -> Size {
    let (x, y) = match preprocess.align {
        Align::TensorFlow => {
            let (x, y) = lengths_of_tensorflow((width, height), most);
            (f64::from(x), f64::from(y))
        }
        Align::CenterRound => lengths_of_contain((width, height), most),
        Align::Center | Align::TopLeft => {
            let scale = f64::min(most.0 as f64 / width as f64, most.1 as f64 / height as f64);
            (width as f64 * scale, height as f64 * scale)
        }
    };
    let side =
        |length: f64, most: usize| whole(preprocess.rounding(), length).clamp(1, most.max(1));
    (side(x, most.0), side(y, most.1))
}

/// The exact lengths that Pillow's `ImageOps.contain`, and so `ImageOps.pad`, finds: 85 × 320 into
/// 224 × 224 becomes just more than 59.5 columns.
fn lengths_of_contain((width, height): Size, (most_x, most_y): Size) -> (f64, f64) {
    let (width, height) = (width as f64, height as f64);
    let (most_x, most_y) = (most_x as f64, most_y as f64);
    if width / height > most_x / most_y {
        (most_x, height / width * most_x)
    } else {
        (width / height * most_y, most_y)
    }
}

/// Pillow's `Image.thumbnail`: of the two whole numbers around the other side, the one that keeps
/// the aspect ratio better.
fn thumbnail((width, height): Size, (most_x, most_y): Size) -> Size {
    if most_x >= width && most_y >= height {
        return (width, height);
    }
    let aspect = width as f64 / height as f64;
    let better = |length: f64, error: &dyn Fn(f64) -> f64| {
        let (lower, upper) = (length.floor(), length.ceil());
        let best = if error(upper) < error(lower) {
            upper
        } else {
            lower
        };
        (best as usize).max(1)
    };
    let (x, y) = (most_x as f64, most_y as f64);
    if x / y >= aspect {
        let error = |side: f64| (aspect - side / y).abs();
        (better(y * aspect, &error), most_y)
    } else {
        let error = |side: f64| match side {
            0.0 => 0.0,
            _ => (aspect - x / side).abs(),
        };
        (most_x, better(x / aspect, &error))
    }
}

/// The size of the tensor.
fn canvas(image: &ImageInput, resized: Size) -> Result<Size, Misplaced> {
    let preprocess = &image.preprocess;
    let Some(size) = image.size else {
        return Ok(resized);
    };
    let padded = |side: usize, most: usize| match image.stride {
        Some((stride, _)) => side + (most - side) % stride,
        None => most,
    };
    match preprocess.resize {
        Resize::Letterbox => Ok((padded(resized.0, size.0), padded(resized.1, size.1))),
        _ if preprocess.crop.cuts() => Ok(size),
        Resize::Thumbnail => Ok(resized),
        _ if size == resized => Ok(size),
        _ => Err(Misplaced::Misfit {
            resized,
            taken: size,
        }),
    }
}

/// One axis: where the cut begins, where it lands, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Along {
    from: usize,
    at: usize,
    length: usize,
}

/// The exact lengths that `tf.image.resize_with_pad` finds, in 32 bits as there: 61 × 97 into
/// 96 × 50 becomes just less than 50 rows.
fn lengths_of_tensorflow((width, height): Size, (most_x, most_y): Size) -> (f32, f32) {
    let (width, height) = (width as f32, height as f32);
    let ratio = f32::max(width / most_x as f32, height / most_y as f32);
    (width / ratio, height / ratio)
}

/// Where `tf.image.resize_with_pad` puts a picture: the exact length is not made whole first.
fn offsets_of_tensorflow(size: Size, canvas: Size) -> (usize, usize) {
    let (width, height) = lengths_of_tensorflow(size, canvas);
    // A cast saturates.
    let offset = |length: f32, canvas: usize| ((canvas as f32 - length) / 2.0).floor() as usize;
    (offset(width, canvas.0), offset(height, canvas.1))
}

fn along(preprocess: &Preprocess, resized: usize, canvas: usize) -> Along {
    let half_to_even = |length: usize| (length as f64 / 2.0).round_ties_even() as usize;
    if resized >= canvas {
        let over = resized - canvas;
        let from = match preprocess.crop {
            Crop::CenterFloor => over / 2,
            // torchvision's `CenterCrop`.
            Crop::Center | Crop::None => half_to_even(over),
        };
        return Along {
            from,
            at: 0,
            length: canvas,
        };
    }
    let space = canvas - resized;
    let letterbox = preprocess.resize == Resize::Letterbox;
    let at = match preprocess.align {
        Align::TopLeft if letterbox => 0,
        Align::CenterRound if letterbox => half_to_even(space),
        _ => space / 2,
    };
    Along {
        from: 0,
        at,
        length: resized,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_side_is_rounded_as_the_library_does() {
        let landscape = (451, 300);
        assert_eq!(
            short_side(Rounding::Floor, landscape, 256, None),
            (384, 256)
        );
        assert_eq!(
            short_side(Rounding::Round, landscape, 256, None),
            (385, 256)
        );
        assert_eq!(
            short_side(Rounding::Floor, (427, 640), 256, None),
            (256, 383)
        );
        // 800 and 1333, of DETR: `get_size_with_aspect_ratio((480, 1200), 800, 1333)`.
        let wide = (1200, 480);
        assert_eq!(
            short_side(Rounding::Detr, wide, 800, Some(1333)),
            (1333, 533)
        );
        assert_eq!(
            short_side(Rounding::Floor, wide, 800, Some(1333)),
            (1333, 533)
        );
        assert_eq!(
            short_side(Rounding::HalfUp, wide, 800, Some(1333)),
            (1333, 533)
        );
    }

    #[test]
    fn a_thumbnail_keeps_the_aspect_ratio_as_well_as_it_can() {
        // `Image.new("RGB", (451, 300)).thumbnail((128, 128))` and others, by Pillow.
        assert_eq!(thumbnail((451, 300), (128, 128)), (128, 85));
        assert_eq!(thumbnail((300, 451), (128, 128)), (85, 128));
        assert_eq!(thumbnail((1000, 1), (64, 64)), (64, 1));
        assert_eq!(thumbnail((40, 30), (64, 64)), (40, 30));
    }

    #[test]
    fn letterboxes_have_the_lengths_of_the_library_that_aligns_so() {
        let boxed = |align, size, fixed| {
            let preprocess = Preprocess {
                align,
                long_side: (align == Align::TensorFlow).then_some(Rounding::Floor),
                ..Preprocess::default()
            };
            let resize = Resize::Letterbox;
            let preprocess = Preprocess {
                resize,
                ..preprocess
            };
            letterboxed(&preprocess, size, fixed)
        };
        // `ImageOps.contain` and `tf.image.resize_with_pad`; others differ.
        assert_eq!(boxed(Align::CenterRound, (85, 320), (224, 224)), (60, 224));
        assert_eq!(boxed(Align::Center, (85, 320), (224, 224)), (59, 224));
        assert_eq!(boxed(Align::TensorFlow, (97, 61), (224, 224)), (224, 140));
        assert_eq!(boxed(Align::Center, (97, 61), (224, 224)), (224, 141));
    }

    #[test]
    fn sides_become_multiples_of_the_stride() {
        assert_eq!(multiple(33, (32, StrideRounding::Up)), 64);
        assert_eq!(multiple(48, (32, StrideRounding::Nearest)), 64);
        assert_eq!(multiple(47, (32, StrideRounding::Nearest)), 32);
        assert_eq!(multiple(31, (32, StrideRounding::Down)), 32);
    }
}
