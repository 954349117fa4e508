//! What a PNG's chunks say beside the pixels.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::orientation::Orientation;
use super::{exif, icc};

/// The most that a compressed text may grow to; Pillow's limit, too.
const LONGEST_TEXT: u64 = 1 << 20;

/// The gamma that an sRGB chunk stands for, in hundred thousandths.
const SRGB_GAMMA: u32 = 45_455;

#[derive(Debug, Default)]
pub(super) struct Chunks<'a> {
    /// Bits of a sample.
    pub bits: u8,
    /// The colour type of the header: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha.
    pub color: u8,
    /// Colours that are transparent are named.
    pub transparency: bool,
    /// The gamma of the samples, in hundred thousandths.
    pub gamma: Option<u32>,
    /// How many pictures the animation has.
    pub frames: u32,
    /// The first picture is a part of the animation.
    pub first_is_frame: bool,
    /// The name of an embedded colour profile that isn't sRGB.
    pub colour_profile: Option<String>,
    exif: Option<&'a [u8]>,
    /// EXIF as a text of hexadecimal digits, as ImageMagick writes it.
    raw_exif: Option<Cow<'a, [u8]>>,
    xmp: Option<Cow<'a, [u8]>>,
    pixels_begun: bool,
}

impl<'a> Chunks<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut chunks = Self::default();
        let mut rest = bytes.get(8..).unwrap_or(&[]);
        while let Some((header, behind)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, kind @ ..] = *header;
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let Some(data) = behind.get(..length) else {
                break;
            };
            if kind == *b"IEND" {
                break;
            }
            chunks.read(kind, data);
            // Behind the data there are four bytes of checksum.
            rest = behind.get(length + 4..).unwrap_or(&[]);
        }
        chunks
    }

    fn read(&mut self, kind: [u8; 4], data: &'a [u8]) {
        match &kind {
            b"IHDR" => {
                self.bits = data.get(8).copied().unwrap_or(0);
                self.color = data.get(9).copied().unwrap_or(0);
            }
            b"IDAT" => self.pixels_begun = true,
            b"tRNS" => self.transparency = true,
            b"sRGB" => self.gamma = Some(SRGB_GAMMA),
            b"gAMA" => {
                let gamma = data
                    .first_chunk::<4>()
                    .map(|four| u32::from_be_bytes(*four));
                self.gamma = self.gamma.or(gamma);
            }
            b"acTL" => {
                let frames = data
                    .first_chunk::<4>()
                    .map(|four| u32::from_be_bytes(*four));
                self.frames = frames.unwrap_or(0);
            }
            b"fcTL" => self.first_is_frame |= !self.pixels_begun,
            b"eXIf" => self.exif = Some(data),
            b"iCCP" => {
                let profile =
                    keyword(data).and_then(|(_, rest)| inflated(rest.get(1..)?, icc::MOST as u64));
                self.colour_profile = profile.and_then(|profile| icc::name(&profile));
            }
            b"tEXt" | b"zTXt" | b"iTXt" => self.text(kind, data),
            _ => {}
        }
    }

    fn text(&mut self, kind: [u8; 4], data: &'a [u8]) {
        let Some((keyword, rest)) = keyword(data) else {
            return;
        };
        let slot = match keyword {
            b"Raw profile type exif" => &mut self.raw_exif,
            b"XML:com.adobe.xmp" => &mut self.xmp,
            _ => return,
        };
        let text = match &kind {
            b"tEXt" => Some(Cow::Borrowed(rest)),
            b"zTXt" => rest
                .get(1..)
                .and_then(|text| inflated(text, LONGEST_TEXT))
                .map(Cow::Owned),
            _ => international(rest),
        };
        *slot = text.or(slot.take());
    }

    /// The orientation that Pillow finds: EXIF in its chunk or as text, else XMP.
    pub fn pillow(&self) -> Orientation {
        let raw = self.raw_exif.as_deref();
        let found = match self.exif {
            Some(block) => exif::pillow(block),
            None => raw.and_then(unhexed).and_then(|block| exif::pillow(&block)),
        };
        found
            .or_else(|| self.xmp.as_deref().and_then(exif::xmp))
            .unwrap_or_default()
    }

    /// The orientation that OpenCV finds: EXIF in its chunk.
    pub fn opencv(&self) -> Orientation {
        self.exif.and_then(exif::opencv).unwrap_or_default()
    }
}

/// A keyword, and what is behind the zero that ends it.
fn keyword(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().take(80).position(|byte| *byte == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

/// The text of an international text chunk: behind the keyword are whether it is compressed, how,
/// the language and the keyword's translation.
fn international(rest: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [compressed, _, rest @ ..] = rest else {
        return None;
    };
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let text = parts.nth(2)?;
    if *compressed == 0 {
        Some(Cow::Borrowed(text))
    } else {
        inflated(text, LONGEST_TEXT).map(Cow::Owned)
    }
}

/// At most `most` bytes of what `data` unpacks to.
fn inflated(data: &[u8], most: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(data)
        .take(most)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}

/// The bytes of a raw profile: three lines of heading, then hexadecimal digits.
fn unhexed(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .splitn(4, |byte| *byte == b'\n')
        .nth(3)?
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    Some(
        digits
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[high, low]| high << 4 | low)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_chunks(
            kind in prop::sample::select(vec!["IHDR", "gAMA", "acTL", "fcTL", "eXIf", "iCCP", "tEXt", "zTXt", "iTXt"]),
            keyword in prop::sample::select(vec!["", "XML:com.adobe.xmp\0", "Raw profile type exif\0"]),
            data in prop::collection::vec(any::<u8>(), 0..120),
            length in prop::option::of(any::<u32>()),
        ) {
            let data = [keyword.as_bytes(), &data].concat();
            let length = length.unwrap_or(data.len() as u32);
            let file = [b"\x89PNG\r\n\x1a\n", &length.to_be_bytes()[..], kind.as_bytes(), &data, b"crc!"].concat();
            let chunks = Chunks::of(&file);
            let _ = (chunks.pillow(), chunks.opencv());
        }
    }

    #[test]
    fn a_text_that_unpacks_to_very_much_is_cut_off() {
        use std::io::Write;
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b'a'; 8 << 20]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() < 20_000);
        assert_eq!(inflated(&packed, LONGEST_TEXT).unwrap().len(), 1 << 20);
    }
}
