//! The photos, decoded in every way that gives other pixels.

use boxwright_model::package::{Channels, Decode, GreyOrder, Preprocess};

use crate::error::Result;
use crate::stage::decode::{Decoder, Decoding, Picture};
use crate::stage::source::Alterations;

/// A way to decode, which the recipes of its pixels share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Base {
    /// Fields of decoding, and grey; all others at their default.
    pub preprocess: Preprocess,
    /// Other ways that give the same pixels of all photos.
    pub same: Vec<Preprocess>,
}

/// One photo by one way to decode.
pub(super) struct Photo {
    pub picture: Picture,
}

/// A way to decode, with the photos by it.
pub(super) type Decoded = (Base, Vec<Photo>);

/// The ways to decode, simplest first.
pub(super) fn ways(channels: usize) -> Vec<Preprocess> {
    let libraries = [
        (Decode::Pillow, true),
        (Decode::Pillow, false),
        (Decode::OpenCv, true),
        (Decode::OpenCv, false),
        (Decode::OpenCvUnchanged, false),
        (Decode::TensorFlow, false),
    ];
    let way = |(decode, exif): (Decode, bool), grey: GreyOrder| Preprocess {
        decode,
        exif,
        channels: if channels == 1 {
            Channels::Grey
        } else {
            Channels::Rgb
        },
        grey,
        ..Preprocess::default()
    };
    let mut ways: Vec<_> = libraries
        .into_iter()
        .map(|library| way(library, GreyOrder::Before))
        .collect();
    if channels == 1 {
        ways.push(way((Decode::OpenCvGrey, true), GreyOrder::Before));
        ways.push(way((Decode::OpenCvGrey, false), GreyOrder::Before));
        ways.push(way((Decode::Pillow, true), GreyOrder::After));
        ways.push(way((Decode::Pillow, false), GreyOrder::After));
        ways.push(way((Decode::OpenCv, true), GreyOrder::After));
    }
    ways
}

/// Decodes a photo in one way; with what the package does to it before it is resized.
///
/// # Errors
/// As [`Decoder::decode`]: some libraries refuse what others read.
pub(super) fn decode(
    bytes: &[u8],
    preprocess: &Preprocess,
    draft: Option<(u32, u32)>,
    max_pixels: u64,
) -> Result<Photo> {
    let mut decoder = Decoder::new(max_pixels);
    let decoding = Decoding {
        library: preprocess.decode,
        upright: preprocess.exif,
        draft,
        alpha: false,
    };
    decoder.decode(bytes, &decoding)?;
    let mut picture = std::mem::take(&mut decoder.picture);
    Alterations::default().apply(preprocess, &mut picture)?;
    Ok(Photo { picture })
}

/// The distinct ways to decode these photos: those that give the same pixels are one. No further
/// ways are tried once it is late.
///
/// # Errors
/// Those of the first way, where no way reads the photos.
pub(super) fn distinct(
    photos: &[Vec<u8>],
    channels: usize,
    max_pixels: u64,
    late: &dyn Fn() -> bool,
) -> Result<Vec<Decoded>> {
    let mut found: Vec<Decoded> = Vec::new();
    let mut refusal = None;
    for preprocess in ways(channels) {
        if !found.is_empty() && late() {
            break;
        }
        if let Some((base, _)) = found.iter_mut().find(|known| unturned(known, &preprocess)) {
            base.same.push(preprocess);
            continue;
        }
        let decoded: Result<Vec<Photo>> = photos
            .iter()
            .map(|bytes| decode(bytes, &preprocess, None, max_pixels))
            .collect();
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => {
                refusal.get_or_insert(error);
                continue;
            }
        };
        let same = found.iter_mut().find(|(base, known)| {
            base.preprocess.grey == preprocess.grey
                && known.iter().zip(&decoded).all(|(known, new)| {
                    (known.picture.width, &known.picture.rgb)
                        == (new.picture.width, &new.picture.rgb)
                })
        });
        match same {
            Some((base, _)) => base.same.push(preprocess),
            None => found.push((
                Base {
                    preprocess,
                    same: Vec::new(),
                },
                decoded,
            )),
        }
    }
    match (found.is_empty(), refusal) {
        (true, Some(error)) => Err(error),
        _ => Ok(found),
    }
}

/// Whether a way differs only in that it turns photos, or doesn't, of which none is to be turned.
fn unturned((base, photos): &Decoded, way: &Preprocess) -> bool {
    let other = Preprocess {
        exif: !way.exif,
        ..way.clone()
    };
    let upright = |photo: &Photo| photo.picture.details.orientation == 1;
    base.preprocess == other && photos.iter().all(upright)
}
