//! Small JPEGs for people to look at.

use crate::error::Result;
use crate::stage::decode::{Compressor, Picture};
use crate::stage::resize::{Kernel, PillowFilter, Region, Resizer, View};

/// The JPEG quality of a thumbnail.
const QUALITY: u8 = 80;

/// Makes thumbnails one after the other, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Thumbnailer {
    compressor: Option<Compressor>,
    resizer: Resizer,
    thinned: Vec<u8>,
    small: Vec<u8>,
}

impl Thumbnailer {
    /// A JPEG of `picture` whose longer side has at most `longest` pixels.
    pub fn make(&mut self, picture: &Picture, longest: usize) -> Result<Vec<u8>> {
        let side = picture.width.max(picture.height);
        let longest = longest.max(1).min(side);
        let scaled = |length: usize| (length * longest).div_ceil(side).max(1);
        let (width, height) = (scaled(picture.width), scaled(picture.height));
        // Skipping pixels down to about three times the size costs nothing and is seen by no one
        // after the filter.
        let step = (side / (longest * 3)).max(1);
        let view = self.thin(picture, step);
        let region = Region {
            left: 0,
            top: 0,
            width,
            height,
        };
        let mut small = std::mem::take(&mut self.small);
        self.resizer.resize_bytes(
            view.view(picture, &self.thinned),
            (width, height),
            Kernel::pillow(PillowFilter::Bilinear),
            region,
            &mut small,
        );
        self.small = small;
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(QUALITY)?),
        };
        compressor.encode(&self.small, width, height)
    }

    fn thin(&mut self, picture: &Picture, step: usize) -> Thinned {
        if step == 1 {
            return Thinned::Whole;
        }
        let (width, height) = (picture.width.div_ceil(step), picture.height.div_ceil(step));
        self.thinned.clear();
        for row in picture.rgb.chunks_exact(picture.width * 3).step_by(step) {
            for pixel in row.as_chunks::<3>().0.iter().step_by(step) {
                self.thinned.extend_from_slice(pixel);
            }
        }
        Thinned::To(width, height)
    }
}

enum Thinned {
    Whole,
    To(usize, usize),
}

impl Thinned {
    fn view<'a>(&self, picture: &'a Picture, thinned: &'a [u8]) -> View<'a> {
        match *self {
            Self::Whole => View {
                width: picture.width,
                height: picture.height,
                rgb: &picture.rgb,
            },
            Self::To(width, height) => View {
                width,
                height,
                rgb: thinned,
            },
        }
    }
}
