//! What a package says about decoding, and what happens to a picture before it is resized.

use boxwright_model::package::{Channels, Decode, Depth, GreyOrder, Preprocess, Resize};
use boxwright_model::pipeline::ImageInput;

use super::decode::{Decoding, Picture, RoundTrip, grey};
use crate::error::Result;

/// How a package wants its pictures decoded.
pub(crate) fn decoding(image: &ImageInput) -> Decoding {
    let preprocess = &image.preprocess;
    Decoding {
        library: preprocess.decode,
        upright: preprocess.exif,
        draft: draft(image),
        alpha: thumbnail_reads(&image.preprocess),
    }
}

/// Whether Pillow's `Image.thumbnail` reads the file, and what it shrinks is not RGB yet.
pub(crate) fn thumbnail_reads(preprocess: &Preprocess) -> bool {
    let turns_grey = preprocess.channels == Channels::Grey && preprocess.grey == GreyOrder::Before;
    preprocess.draft
        && preprocess.decode == Decode::Pillow
        && preprocess.resize == Resize::Thumbnail
        && preprocess.jpeg_quality.is_none()
        && preprocess.central_crop.is_none()
        && !turns_grey
}

/// The size that Pillow's `Image.draft` is asked for; `Image.thumbnail` asks by itself.
fn draft(image: &ImageInput) -> Option<(u32, u32)> {
    let preprocess = &image.preprocess;
    let size = |(width, height): (usize, usize)| {
        Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))
    };
    match preprocess.resize {
        _ if !preprocess.draft => None,
        // It asks for twice as much: Pillow's `reducing_gap`.
        Resize::Thumbnail => image
            .size
            .and_then(|(width, height)| size((width * 2, height * 2))),
        Resize::ShortSide | Resize::LongSide => preprocess.size.map(|side| (side, side)),
        _ => image.size.and_then(size),
    }
}

/// Changes the pixels of decoded pictures, with codecs that stay.
#[derive(Debug, Default)]
pub(crate) struct Alterations {
    round_trip: Option<(u8, RoundTrip)>,
}

impl Alterations {
    /// The JPEG round trip and the grey of a package, in place.
    pub fn apply(&mut self, preprocess: &Preprocess, picture: &mut Picture) -> Result<()> {
        if let Some(quality) = preprocess.jpeg_quality {
            self.round_trip(quality)?.apply(picture)?;
        }
        if preprocess.channels == Channels::Grey && preprocess.grey == GreyOrder::Before {
            picture.turn_grey(Grey::of(preprocess).bytes);
        }
        Ok(())
    }

    fn round_trip(&mut self, quality: u8) -> Result<&mut RoundTrip> {
        let kept = self.round_trip.take().filter(|(kept, _)| *kept == quality);
        let round_trip = match kept {
            Some(kept) => kept,
            None => (quality, RoundTrip::new(quality)?),
        };
        Ok(&mut self.round_trip.insert(round_trip).1)
    }
}

/// How colours become grey, of bytes and of floats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grey {
    pub bytes: fn([u8; 3]) -> u8,
    pub floats: fn([f32; 3]) -> f32,
}

impl Grey {
    /// The grey of the library that resizes tensors, else of the one that decodes.
    pub fn of(preprocess: &Preprocess) -> Self {
        let filter = preprocess.filter.name();
        if filter.starts_with("tensorflow") || preprocess.decode == Decode::TensorFlow {
            return Self {
                bytes: grey::tensorflow_u8,
                floats: grey::tensorflow,
            };
        }
        if filter.starts_with("torchvision") && preprocess.grey == GreyOrder::After {
            let first = preprocess.resize_in == Depth::Rounded;
            return Self {
                bytes: if first {
                    grey::torchvision_u8
                } else {
                    grey::torchvision_v2_u8
                },
                floats: grey::torchvision_v2,
            };
        }
        let bytes = match preprocess.decode {
            Decode::Pillow | Decode::TensorFlow => grey::pillow,
            Decode::OpenCv | Decode::OpenCvGrey | Decode::OpenCvUnchanged => grey::opencv,
        };
        Self {
            bytes,
            floats: grey::torchvision,
        }
    }
}
