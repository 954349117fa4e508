//! JPEG, pixel for pixel what Pillow decodes.

use super::turbo::{Decompressor, Header, Trouble};
use super::{Format, Orientation, Picture, check_size, cmyk_to_rgb};
use crate::error::Result;

/// Decodes a JPEG as it is stored; the orientation is the one to apply.
pub(super) fn decode(
    bytes: &[u8],
    turbo: &mut Decompressor,
    max_pixels: u64,
    picture: &mut Picture,
) -> Result<Orientation> {
    let layout = Layout::of(bytes);
    let header = turbo
        .header(bytes)
        .map_err(|trouble| refusal(bytes, &layout, trouble))?;
    // Cut off before the size was said.
    if !layout.complete && (header.width == 0 || header.height == 0) {
        return Err(Format::Jpeg.cut_off(bytes));
    }
    let (width, height) = check_size(header.width as u64, header.height as u64, max_pixels)?;
    if !layout.complete || too_short(bytes, header) {
        return Err(Format::Jpeg.cut_off(bytes));
    }
    let decoded = if header.cmyk {
        let mut cmyk = vec![0; width * height * 4];
        let decoded = turbo.decode(bytes, header, &mut cmyk);
        picture.reset(width, height);
        let inks = cmyk.as_chunks::<4>().0;
        for (rgb, ink) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().zip(inks) {
            // JPEGs store how much light is left, not how much ink there is; so does Pillow read
            // every one of them.
            *rgb = cmyk_to_rgb(ink.map(|stored| 255 - stored));
        }
        decoded
    } else {
        picture.reset(width, height);
        turbo.decode(bytes, header, &mut picture.rgb)
    };
    match decoded {
        // A warning means wrong pixels somewhere. The file is whole, and Pillow shows it too.
        Ok(()) | Err(Trouble::Warning(_)) => Ok(layout.orientation),
        Err(trouble) => Err(refusal(bytes, &layout, trouble)),
    }
}

fn refusal(bytes: &[u8], layout: &Layout, trouble: Trouble) -> crate::Error {
    let (Trouble::Warning(reason) | Trouble::Fatal(reason)) = trouble;
    if layout.complete {
        Format::Jpeg.damaged(reason)
    } else {
        Format::Jpeg.cut_off(bytes)
    }
}

/// Whether the file is shorter than the picture can possibly be: Huffman coding takes at least
/// a bit a block of 8 × 8. Keeps a small file from claiming a large buffer.
fn too_short(bytes: &[u8], header: Header) -> bool {
    let blocks = header.width.div_ceil(8) * header.height.div_ceil(8);
    !header.arithmetic && bytes.len() < blocks / 8
}

/// What the markers say that libjpeg-turbo doesn't tell.
#[derive(Debug, Default)]
struct Layout {
    /// The end is marked: libjpeg would otherwise make up the missing part, Pillow refuses it.
    complete: bool,
    orientation: Orientation,
}

impl Layout {
    fn of(bytes: &[u8]) -> Self {
        let mut layout = Self::default();
        let (mut exif, mut xmp) = (None, None);
        let mut at = 2;
        while let Some(marker) = bytes.get(at..at + 4) {
            if marker[0] != 0xff || marker[1] == 0xff || marker[1] == 0 {
                at += 1;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([marker[2], marker[3]]));
            let segment = bytes.get(at + 4..at + 2 + length).unwrap_or(&[]);
            match marker[1] {
                // Without a length.
                0x01 | 0xd0..=0xd8 => {
                    at += 2;
                    continue;
                }
                0xd9 => break,
                0xda => {
                    layout.complete = ends(bytes.get(at + 2 + length..).unwrap_or(&[]));
                    break;
                }
                0xe1 => {
                    exif = exif.or(segment.strip_prefix(b"Exif\0\0"));
                    xmp = xmp.or(segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0"));
                }
                _ => {}
            }
            at += 2 + length.max(2);
        }
        layout.orientation = exif
            .and_then(Orientation::from_exif)
            .or_else(|| xmp.and_then(Orientation::from_xmp))
            .unwrap_or_default();
        layout
    }
}

/// Whether the scans end with an end-of-image marker. Whatever follows it is no matter; within
/// the scans 0xff is always stuffed, so the pair is the marker.
fn ends(scans: &[u8]) -> bool {
    scans.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}
