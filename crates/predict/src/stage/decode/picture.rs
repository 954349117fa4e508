//! A decoded picture, and what its file says about itself.

use boxwright_model::prediction::PictureDetails;

use super::format::Format;

/// A decoded picture: rows from the top, three bytes a pixel.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
    /// How opaque each pixel is, where [`Decoding::alpha`](super::Decoding::alpha) asks for it and
    /// the file says; else empty.
    pub alpha: Vec<u8>,
    pub details: Details,
}

/// What the file says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Details {
    /// The format's name.
    pub format: &'static str,
    /// Width and height in the file, before turning and before a draft.
    pub stored: (usize, usize),
    /// Bits of a sample.
    pub bits: u8,
    /// Samples of a pixel; a palette's index is one.
    pub channels: u8,
    /// The EXIF number of the orientation that the library finds, 1 where it finds none.
    pub orientation: u8,
    /// Whether the picture was turned by it.
    pub turned: bool,
    /// The name of an embedded colour profile that isn't sRGB. The pixels are as stored.
    pub colour_profile: Option<String>,
}

impl Details {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format: format.name(),
            orientation: 1,
            ..Self::default()
        }
    }

    /// The same for people.
    pub fn shown(&self) -> PictureDetails {
        PictureDetails {
            format: self.format.to_owned(),
            bits: self.bits,
            channels: self.channels,
            orientation: self.orientation,
            turned: self.turned,
            colour_profile: self.colour_profile.clone(),
        }
    }
}

impl Picture {
    /// Width and height of the file's picture as it is shown here: turned where this is, and as
    /// large as in the file where this was decoded smaller.
    pub fn upright_size(&self) -> [u32; 2] {
        let (width, height) = self.details.stored;
        let sideways = (self.width < self.height) != (width < height);
        let (width, height) = match sideways {
            true => (height, width),
            false => (width, height),
        };
        [width as u32, height as u32]
    }

    /// Where the file's picture ends, in the pixels of this one, if it was decoded smaller: within
    /// the last ones.
    pub fn extent(&self) -> Option<(f64, f64)> {
        let (width, height) = self.details.stored;
        let scale = [2, 4, 8].into_iter().find(|scale| {
            (width.div_ceil(*scale), height.div_ceil(*scale)) == (self.width, self.height)
        })?;
        Some((width as f64 / scale as f64, height as f64 / scale as f64))
    }

    /// Gives the picture a size and room for its pixels; what they hold is left open.
    pub(super) fn reset(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        let length = width * height * 3;
        if self.rgb.capacity() < length {
            // Fresh zeroed pages cost less than copying the old pixels and zeroing the rest.
            self.rgb = vec![0; length];
        } else {
            self.rgb.resize(length, 0);
        }
    }

    /// The pixels, to be written.
    pub(super) fn pixels(&mut self) -> &mut [[u8; 3]] {
        self.rgb.as_chunks_mut::<3>().0
    }

    /// Writes greys into all three channels.
    pub(super) fn paint_greys(&mut self, greys: impl IntoIterator<Item = u8>) {
        for (pixel, grey) in self.pixels().iter_mut().zip(greys) {
            *pixel = [grey; 3];
        }
    }

    /// Makes every pixel grey.
    pub fn turn_grey(&mut self, grey: impl Fn([u8; 3]) -> u8) {
        for pixel in self.pixels() {
            *pixel = [grey(*pixel); 3];
        }
    }
}
