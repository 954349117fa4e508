//! Resampling in eight bits, with Pillow's arithmetic and with OpenCV's.

mod avx2;
mod opencv;
mod pillow;

use boxwright_model::package::Filter;

/// Rows of RGB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub width: usize,
    pub height: usize,
    pub rgb: &'a [u8],
}

/// A rectangle of the resized picture, inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

/// Resizes pictures one after the other, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Resizer {
    between: Vec<u8>,
}

impl Resizer {
    /// The `region` of `source` resized to `width` × `height`, into `out`. What lies outside of
    /// the region is not computed; what lies inside doesn't depend on it.
    pub fn resize(
        &mut self,
        source: View<'_>,
        (width, height): (usize, usize),
        filter: Filter,
        region: Region,
        out: &mut Vec<u8>,
    ) {
        assert!(region.left + region.width <= width && region.top + region.height <= height);
        out.resize(region.width * region.height * 3, 0);
        if region.width == 0 || region.height == 0 {
            return;
        }
        if (source.width, source.height) == (width, height) {
            return cut(source, region, out);
        }
        match filter {
            Filter::Nearest => pillow::nearest(source, (width, height), region, out),
            Filter::OpenCvLinear | Filter::Format1Linear => {
                opencv::linear(source, (width, height), region, out)
            }
            Filter::OpenCvArea | Filter::Format1Area => {
                opencv::area(source, (width, height), region, out)
            }
            _ => {
                pillow::resample(
                    source,
                    (width, height),
                    filter,
                    region,
                    &mut self.between,
                    out,
                );
            }
        }
    }

    /// Gives back what a very large picture took.
    pub fn trim(&mut self, bytes: usize) {
        if self.between.capacity() > bytes {
            self.between = Vec::new();
        }
    }
}

fn cut(source: View<'_>, region: Region, out: &mut [u8]) {
    let rows = source.rgb.chunks_exact(source.width * 3).skip(region.top);
    for (to, from) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        to.copy_from_slice(&from[region.left * 3..(region.left + region.width) * 3]);
    }
}
