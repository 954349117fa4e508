//! BMP.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;

use super::format::Format;
use super::opencv::Unchanged;
use super::orientation::Orientation;
use super::picture::Picture;
use super::request::Request;
use super::{grey, raster, tensorflow};
use crate::error::{Error, Result};

/// How the pixels are stored.
const PLAIN: u32 = 0;
const RLE8: u32 = 1;
const RLE4: u32 = 2;
const MASKS: u32 = 3;

pub(super) fn decode(request: &Request<'_>, picture: &mut Picture) -> Result<Orientation> {
    let Request {
        bytes, decoding, ..
    } = *request;
    let decoder = BmpDecoder::new(Cursor::new(bytes))
        .map_err(|error| raster::refusal(Format::Bmp, bytes, &error))?;
    raster::judge(&decoder, request, picture)?;
    let header = Header::of(bytes).ok_or_else(|| Format::Bmp.cut_off(bytes))?;
    picture.details.bits = if header.bits < 8 {
        header.bits as u8
    } else {
        8
    };
    picture.details.channels = match header.bits {
        0..=8 => 1,
        32 => decoder.color_type().channel_count(),
        _ => 3,
    };
    if decoding.by_tensorflow() {
        header.paint_as_tensorflow(bytes, picture)?;
        return Ok(Orientation::default());
    }
    if decoding.by_pillow() {
        if header.bits == 16 && header.words_masks(bytes).is_some() {
            header.paint_words(bytes, picture, |value, most| (value * 255 / most) as u8)?;
        } else {
            raster::decode(decoder, Format::Bmp, bytes, false, picture)?;
        }
        return Ok(Orientation::default());
    }
    header.check()?;
    if decoding.unchanged() {
        header.unchanged(bytes).check()?;
    }
    match header.bits {
        // OpenCV fills the lower bits with zeros.
        16 => header.paint_words(bytes, picture, |value, most| {
            (value * 256 / (most + 1)) as u8
        })?,
        32 => header.paint_quads(bytes, picture)?,
        _ => raster::decode(decoder, Format::Bmp, bytes, false, picture)?,
    }
    if decoding.grey() {
        let masked = header.bits == 32 && header.masks.is_some();
        picture.turn_grey(if masked {
            grey::opencv_masked
        } else {
            grey::opencv_reader
        });
    }
    Ok(Orientation::default())
}

/// What OpenCV looks at in a header.
#[derive(Debug, Clone, Copy)]
struct Header {
    /// Where the pixels begin.
    offset: usize,
    /// Bytes of the header; 12 is OS/2's.
    size: usize,
    /// Bits of a pixel.
    bits: u16,
    compression: u32,
    /// Rows from the top.
    top_down: bool,
    /// Colours in the palette, 0 for as many as fit.
    colours: u32,
    /// Red, green and blue, where the header has room for them.
    masks: Option<[u32; 3]>,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let size = usize::try_from(u32_at(bytes, 14)?).ok()?;
        let offset = usize::try_from(u32_at(bytes, 10)?).ok()?;
        if size == 12 {
            return Some(Self {
                offset,
                size,
                bits: u16_at(bytes, 24)?,
                compression: PLAIN,
                top_down: false,
                colours: 0,
                masks: None,
            });
        }
        let compression = u32_at(bytes, 30)?;
        let bits = u16_at(bytes, 28)?;
        let masks = match (compression, size, bits) {
            (MASKS, 56.., 32) => Some([u32_at(bytes, 54)?, u32_at(bytes, 58)?, u32_at(bytes, 62)?]),
            _ => None,
        };
        Some(Self {
            offset,
            size,
            bits,
            compression,
            top_down: u32_at(bytes, 22)? >> 31 == 1,
            colours: u32_at(bytes, 46)?,
            masks,
        })
    }

    /// Refuses what OpenCV doesn't read.
    fn check(self) -> Result<()> {
        let known = match self.bits {
            1 | 24 => self.compression == PLAIN,
            4 => matches!(self.compression, PLAIN | RLE4),
            8 => matches!(self.compression, PLAIN | RLE8),
            // It looks for these masks behind the header only.
            16 => self.compression == PLAIN || self.compression == MASKS && self.size == 40,
            32 => matches!(self.compression, PLAIN | MASKS),
            _ => false,
        };
        if known && self.colours <= 256 {
            Ok(())
        } else {
            Err(refused(self.bits))
        }
    }

    /// What `cv2.imdecode(…, -1)` gives.
    fn unchanged(self, bytes: &[u8]) -> Unchanged {
        let channels = match self.bits {
            _ if self.size == 12 => 1,
            1 | 4 | 8 if self.grey_palette(bytes) => 1,
            32 if self.compression == MASKS => 4,
            _ => 3,
        };
        Unchanged { channels, bits: 8 }
    }

    /// Whether all colours of the palette are greys.
    fn grey_palette(self, bytes: &[u8]) -> bool {
        let most = 1 << self.bits;
        let count = match self.colours as usize {
            0 => most,
            count => count.min(most),
        };
        let palette = bytes.get(14 + self.size..).unwrap_or(&[]);
        let mut colours = palette.as_chunks::<4>().0.iter().take(count);
        colours.all(|[blue, green, red, _]| blue == green && blue == red)
    }

    /// The rows of the file from the top of the picture; each is filled up to four bytes.
    fn rows<'a>(self, bytes: &'a [u8], picture: &Picture) -> Result<Vec<&'a [u8]>> {
        let (width, height) = picture.details.stored;
        let pitch = (width * usize::from(self.bits / 8)).next_multiple_of(4);
        let length = pitch.checked_mul(height);
        let pixels = length
            .and_then(|length| bytes.get(self.offset..)?.get(..length))
            .ok_or_else(|| Format::Bmp.cut_off(bytes))?;
        let mut rows: Vec<&[u8]> = pixels.chunks_exact(pitch).collect();
        if !self.top_down {
            rows.reverse();
        }
        Ok(rows)
    }

    /// TensorFlow takes 8 bits for greys, whatever the palette says, and knows no masks.
    fn paint_as_tensorflow(self, bytes: &[u8], picture: &mut Picture) -> Result<()> {
        if self.size == 12 || !matches!(self.bits, 8 | 24 | 32) {
            let reason = "it doesn't know this kind of header, or of pixel";
            return Err(tensorflow::refused(Format::Bmp, reason));
        }
        let rows = self.rows(bytes, picture)?;
        let stored: usize = rows.iter().map(|row| row.len()).sum();
        if bytes.len() != self.offset + stored {
            let reason = "its rows are compressed, or don't end where the file does";
            return Err(tensorflow::refused(Format::Bmp, reason));
        }
        let step = usize::from(self.bits / 8);
        let (width, height) = picture.details.stored;
        picture.reset(width, height);
        for (row, out) in rows.iter().zip(picture.pixels().chunks_exact_mut(width)) {
            for (stored, pixel) in row.chunks_exact(step).zip(out) {
                *pixel = match stored {
                    [blue, green, red, ..] => [*red, *green, *blue],
                    _ => [stored[0]; 3],
                };
            }
        }
        Ok(())
    }

    /// Pixels of 16 bits; `widen` makes 8 bits of a value and the most that it can be.
    fn paint_words(
        self,
        bytes: &[u8],
        picture: &mut Picture,
        widen: fn(u32, u32) -> u8,
    ) -> Result<()> {
        let masks = self.words_masks(bytes).ok_or_else(|| refused(self.bits))?;
        let rows = self.rows(bytes, picture)?;
        let (width, height) = picture.details.stored;
        picture.reset(width, height);
        for (row, out) in rows.iter().zip(picture.pixels().chunks_exact_mut(width)) {
            for (word, pixel) in row.as_chunks::<2>().0.iter().zip(out) {
                let word = u32::from(u16::from_le_bytes(*word));
                *pixel = masks.map(|mask| {
                    let shift = mask.trailing_zeros();
                    widen((word & mask) >> shift, mask >> shift)
                });
            }
        }
        Ok(())
    }

    /// The masks of pixels of 16 bits, which both libraries know two of.
    fn words_masks(self, bytes: &[u8]) -> Option<[u32; 3]> {
        const FIVES: [u32; 3] = [0x7c00, 0x3e0, 0x1f];
        const WIDE_GREEN: [u32; 3] = [0xf800, 0x7e0, 0x1f];
        if self.compression == PLAIN {
            return Some(FIVES);
        }
        let masks = [54, 58, 62].map(|at| u32_at(bytes, at).unwrap_or(0));
        [FIVES, WIDE_GREEN]
            .into_iter()
            .find(|known| *known == masks)
    }

    /// Pixels of 32 bits: by the header's masks, else blue, green, red.
    fn paint_quads(self, bytes: &[u8], picture: &mut Picture) -> Result<()> {
        let rows = self.rows(bytes, picture)?;
        let (width, height) = picture.details.stored;
        let masks = self.masks.unwrap_or([0xff_0000, 0xff00, 0xff]);
        let masks = masks.map(Mask::new);
        picture.reset(width, height);
        for (row, out) in rows.iter().zip(picture.pixels().chunks_exact_mut(width)) {
            for (quad, pixel) in row.as_chunks::<4>().0.iter().zip(out) {
                let quad = u32::from_le_bytes(*quad);
                *pixel = masks.map(|mask| mask.of(quad));
            }
        }
        Ok(())
    }
}

/// The bits of one colour.
#[derive(Debug, Clone, Copy)]
struct Mask {
    bits: u32,
    shift: u32,
    scale: f32,
}

impl Mask {
    fn new(bits: u32) -> Self {
        let shift = bits.trailing_zeros().min(31);
        let most = (bits >> shift).max(1);
        Self {
            bits,
            shift,
            scale: 255.0 / most as f32,
        }
    }

    fn of(self, quad: u32) -> u8 {
        (((quad & self.bits) >> self.shift) as f32 * self.scale) as u8
    }
}

fn refused(bits: u16) -> Error {
    Format::Bmp.refused_by(
        "OpenCV",
        format!("it doesn't know this way to store {bits} bits a pixel"),
    )
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_header(bytes in prop::collection::vec(any::<u8>(), 0..150), bits in 0..33u16) {
            if let Some(header) = Header::of(&bytes) {
                let header = Header { bits, ..header };
                let mut picture = Picture::default();
                picture.details.stored = (3, 2);
                let _ = (header.check(), header.paint_quads(&bytes, &mut picture));
                let _ = header.paint_words(&bytes, &mut picture, |value, _| value as u8);
                if header.bits <= 8 {
                    let _ = header.unchanged(&bytes);
                }
            }
        }
    }
}
