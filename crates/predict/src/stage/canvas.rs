//! Resizing a picture onto a canvas of the model's size.

use boxwright_model::package::Resize;
use boxwright_model::pipeline::ImageInput;

use super::decode::{Picture, RAISE, grouped};
use super::frame::Frame;
use super::geometry::{self, Misplaced, Placement, Size, room};
use super::resize::{Depth, Kernel, PillowFilter, Pixels, Region, Resizer, View};
use super::{alpha, source};
use crate::error::{Error, Result};

/// Longer sides are refused: no camera makes them, and a resize would take memory by the length.
const MAX_SIDE: usize = 1_000_000;

/// A picture of the model's size, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    pub width: usize,
    pub height: usize,
    pixels: Pixels,
    part: Pixels,
    /// Where the picture lies, where something else lies around it.
    inner: Option<Inner>,
}

/// The part of a canvas that the picture covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inner {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Canvas {
    /// Rows of RGB.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The part that the picture covers, where something else lies around it.
    pub fn inner(&self) -> Option<Inner> {
        self.inner
    }

    /// Resizes `picture` onto the canvas, as `image` says; no picture becomes larger than
    /// `max_pixels`. Gives where it lies there.
    pub fn draw(
        &mut self,
        image: &ImageInput,
        max_pixels: usize,
        picture: &Picture,
        resizer: &mut Resizer,
    ) -> Result<Frame> {
        let size = (picture.width, picture.height);
        let full = picture.upright_size().map(|side| side as usize);
        let placement = place(image, max_pixels, size, full.into())?;
        let Placement {
            source: part,
            region,
            canvas,
            at,
            ..
        } = placement;
        let whole = View {
            width: picture.width,
            height: picture.height,
            rgb: &picture.rgb,
        };
        let cut = cut(whole, part);
        let view = View {
            width: part.width,
            height: part.height,
            rgb: cut.as_deref().unwrap_or(whole.rgb),
        };
        let kernel = Kernel::of(&image.preprocess).up_to(picture.extent());
        (self.width, self.height) = canvas;
        let mut resize = |out: &mut Pixels| {
            resize(image, (picture, view), &placement, resizer, out);
        };
        if canvas == (region.width, region.height) {
            self.inner = None;
            resize(&mut self.pixels);
        } else {
            self.inner = Some(Inner {
                left: at.0,
                top: at.1,
                width: region.width,
                height: region.height,
            });
            resize(&mut self.part);
            let fill = fill(image);
            match &self.part {
                Pixels::U8(part) => {
                    let all = self.pixels.bytes(canvas.0 * canvas.1 * 3);
                    paste(part, region.width, all, canvas.0, at, fill);
                }
                Pixels::F32(part) => {
                    let all = self.pixels.floats(canvas.0 * canvas.1 * 3);
                    let full = if kernel.depth() == Depth::Unit {
                        255.0
                    } else {
                        1.0
                    };
                    let fill = fill.map(|byte| f32::from(byte) / full);
                    paste(part, region.width, all, canvas.0, at, fill);
                }
            }
        }
        let letterboxed = image.preprocess.resize == Resize::Letterbox;
        let room = letterboxed.then(|| room(&image.preprocess, placement.canvas));
        Ok(Frame::new(picture, &placement, room))
    }
}

/// The pixels of a part of a picture; `None` for the whole.
pub(crate) fn cut(picture: View<'_>, part: Region) -> Option<Vec<u8>> {
    if (part.width, part.height) == (picture.width, picture.height) {
        return None;
    }
    let rows = picture.rgb.chunks_exact(picture.width * 3);
    let columns = part.left * 3..(part.left + part.width) * 3;
    let rows = rows.skip(part.top).take(part.height);
    Some(
        rows.flat_map(|row| row[columns.clone()].iter().copied())
            .collect(),
    )
}

/// Resizes what was cut out of a picture; together with its alpha where Pillow would.
fn resize(
    image: &ImageInput,
    (picture, view): (&Picture, View<'_>),
    placement: &Placement,
    resizer: &mut Resizer,
    out: &mut Pixels,
) {
    let kernel = Kernel::of(&image.preprocess).up_to(picture.extent());
    let Placement {
        resized, region, ..
    } = *placement;
    let with_alpha = !picture.alpha.is_empty()
        && source::thumbnail_reads(&image.preprocess)
        && resized != (picture.width, picture.height);
    match kernel {
        Kernel::Pillow { filter, .. } if with_alpha && filter != PillowFilter::Nearest => {
            alpha::resize(
                resizer,
                (view, &picture.alpha),
                resized,
                filter,
                region,
                out,
            );
        }
        _ => resizer.resize(view, resized, kernel, region, out),
    }
}

/// Puts rows of `part_width` pixels into rows of `width` pixels, from the column and row `at` on;
/// all others are `fill`.
fn paste<T: Copy>(
    part: &[T],
    part_width: usize,
    all: &mut [T],
    width: usize,
    at: (usize, usize),
    fill: [T; 3],
) {
    let pixels = all.as_chunks_mut::<3>().0;
    pixels.fill(fill);
    let part = part.as_chunks::<3>().0;
    for (y, row) in part.chunks_exact(part_width.max(1)).enumerate() {
        let start = (at.1 + y) * width + at.0;
        pixels[start..start + row.len()].copy_from_slice(row);
    }
}

/// What lies around the picture.
fn fill(image: &ImageInput) -> [u8; 3] {
    match image.preprocess.resize {
        Resize::Letterbox => image.preprocess.pad.unwrap_or_default(),
        _ => [0; 3],
    }
}

/// Where a picture of this size goes.
fn place(image: &ImageInput, max_pixels: usize, size: Size, full: Size) -> Result<Placement> {
    if size.0.max(size.1) > MAX_SIDE {
        return Err(too_narrow(size));
    }
    check_asked(image, max_pixels)?;
    let placement =
        geometry::place_draft(image, size, full).map_err(|misplaced| misfit(image, misplaced))?;
    // Between the two passes there are as many pixels as rows that go in times columns that come
    // out.
    let (region, canvas) = (placement.region, placement.canvas);
    let most = region
        .width
        .saturating_mul(region.height.max(placement.source.height))
        .max(canvas.0.saturating_mul(canvas.1));
    if most > max_pixels {
        return Err(too_narrow(size));
    }
    Ok(placement)
}

/// Refuses a package that asks for more pixels than any picture may have.
fn check_asked(image: &ImageInput, max_pixels: usize) -> Result<()> {
    let preprocess = &image.preprocess;
    let short = match preprocess.resize {
        Resize::ShortSide => preprocess.size.map(|size| size as usize),
        _ => None,
    };
    let asked = [
        ("input's width and height", image.size),
        (
            "package's preprocess.size",
            short.map(|short| (short, short)),
        ),
    ];
    for (field, size) in asked {
        let (width, height) = size.unwrap_or_default();
        let pixels = width.saturating_mul(height);
        if pixels > max_pixels {
            return Err(Error::Shape(format!(
                "The result would have {} × {} = {} pixels by the {field}, and the limit is {}. Set \
                 a smaller one, or {RAISE}.",
                grouped(width as u64),
                grouped(height as u64),
                grouped(pixels as u64),
                grouped(max_pixels as u64)
            )));
        }
    }
    Ok(())
}

fn misfit(image: &ImageInput, misplaced: Misplaced) -> Error {
    let Misplaced::Misfit { resized, taken } = misplaced;
    Error::Shape(format!(
        "The picture is {} × {} pixels after resizing, and input `{}` takes {} × {}. Choose another \
         way to resize, or crop to the centre.",
        resized.0, resized.1, image.name, taken.0, taken.1
    ))
}

fn too_narrow((width, height): Size) -> Error {
    Error::Sample(format!(
        "The picture is {} × {} pixels: too long and narrow to be resized. Crop it.",
        grouped(width as u64),
        grouped(height as u64)
    ))
}
