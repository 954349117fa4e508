//! A picture through JPEG and back, as some notebooks do to see what compression costs.

use super::format::Format;
use super::picture::Picture;
use super::turbo::{Compressor, Decompressor, Samples, Trouble};
use crate::error::Result;

/// Encodes as Pillow's `save(…, format="JPEG", quality=…)` and OpenCV's
/// `imencode(".jpg", …, [cv2.IMWRITE_JPEG_QUALITY, …])` do, and decodes again.
#[derive(Debug)]
pub(crate) struct RoundTrip {
    compressor: Compressor,
    decompressor: Decompressor,
}

impl RoundTrip {
    /// A round trip of `quality`, 1 to 100.
    pub fn new(quality: u8) -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(quality)?,
            decompressor: Decompressor::new()?,
        })
    }

    /// Replaces the picture's pixels by what the JPEG keeps of them.
    pub fn apply(&mut self, picture: &mut Picture) -> Result<()> {
        let (width, height) = (picture.width, picture.height);
        let jpeg = self.compressor.encode(&picture.rgb, width, height)?;
        let failed = |trouble| {
            let (Trouble::Warning(reason) | Trouble::Fatal(reason)) = trouble;
            Format::Jpeg.damaged(reason)
        };
        let header = self.decompressor.header(&jpeg).map_err(failed)?;
        let rgb = &mut picture.rgb;
        self.decompressor
            .decode(&jpeg, header, 1, Samples::Rgb, rgb)
            .map_err(failed)
    }
}
