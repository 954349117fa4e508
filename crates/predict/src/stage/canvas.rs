//! Resizing a picture onto a canvas of the model's size.

use boxwright_model::package::Resize;
use boxwright_model::pipeline::ImageInput;

use super::decode::{Picture, RAISE, grouped};
use super::geometry::{self, Misplaced, Placement, Size};
use super::resize::{Resizer, View};
use crate::error::{Error, Result};

/// Longer sides are refused: no camera makes them, and a resize would take memory by the length.
const MAX_SIDE: usize = 1_000_000;

/// A picture of the model's size, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    pub width: usize,
    pub height: usize,
    bytes: Vec<u8>,
    part: Vec<u8>,
}

impl Canvas {
    /// Rows of RGB.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Resizes `picture` onto the canvas, as `image` says; no picture becomes larger than
    /// `max_pixels`.
    pub fn draw(
        &mut self,
        image: &ImageInput,
        max_pixels: usize,
        picture: &Picture,
        resizer: &mut Resizer,
    ) -> Result<()> {
        let placement = place(image, max_pixels, (picture.width, picture.height))?;
        let view = View {
            width: picture.width,
            height: picture.height,
            rgb: &picture.rgb,
        };
        let filter = image.preprocess.filter;
        let Placement {
            resized,
            region,
            canvas,
            at,
            ..
        } = placement;
        (self.width, self.height) = canvas;
        if canvas == (region.width, region.height) {
            resizer.resize(view, resized, filter, region, &mut self.bytes);
        } else {
            resizer.resize(view, resized, filter, region, &mut self.part);
            self.bytes.resize(canvas.0 * canvas.1 * 3, 0);
            let pixels = self.bytes.as_chunks_mut::<3>().0;
            pixels.fill(fill(image));
            let part = self.part.as_chunks::<3>().0;
            for (y, row) in part.chunks_exact(region.width.max(1)).enumerate() {
                let start = (at.1 + y) * canvas.0 + at.0;
                pixels[start..start + row.len()].copy_from_slice(row);
            }
        }
        Ok(())
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
fn place(image: &ImageInput, max_pixels: usize, size: Size) -> Result<Placement> {
    if size.0.max(size.1) > MAX_SIDE {
        return Err(too_narrow(size));
    }
    check_asked(image, max_pixels)?;
    let placement = geometry::place(image, size).map_err(|misplaced| misfit(image, misplaced))?;
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
