//! What a JPEG's markers say that libjpeg-turbo doesn't tell.

use super::exif;
use super::orientation::Orientation;

/// Where XMP begins in its segment.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

#[derive(Debug, Default)]
pub(super) struct Markers<'a> {
    /// The end is marked: libjpeg would otherwise make up the missing part, Pillow refuses it.
    pub complete: bool,
    /// Bits of a sample.
    pub bits: u8,
    /// Colour components.
    pub components: u8,
    /// Adobe's marker is there, with which inks are stored inverted.
    pub adobe: bool,
    /// The first part of an embedded colour profile.
    pub profile: Option<&'a [u8]>,
    exif: Vec<&'a [u8]>,
    xmp: Option<&'a [u8]>,
}

impl<'a> Markers<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut markers = Self::default();
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
                    markers.complete = ends(bytes.get(at + 2 + length..).unwrap_or(&[]));
                    break;
                }
                kind => markers.read(kind, segment),
            }
            at += 2 + length.max(2);
        }
        markers
    }

    fn read(&mut self, kind: u8, segment: &'a [u8]) {
        match kind {
            0xe1 => {
                self.exif.extend(segment.strip_prefix(b"Exif\0\0"));
                self.xmp = segment.strip_prefix(XMP).or(self.xmp);
            }
            0xe2 if self.profile.is_none() => {
                // Behind the name, the number of the part and how many there are.
                let part = segment.strip_prefix(b"ICC_PROFILE\0\x01");
                self.profile = part.and_then(|part| part.get(1..));
            }
            0xee => self.adobe |= segment.starts_with(b"Adobe") && segment.len() >= 12,
            // The frame, among tables that share its numbers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => {
                self.bits = segment.first().copied().unwrap_or(0);
                self.components = segment.get(5).copied().unwrap_or(0);
            }
            _ => {}
        }
    }

    /// Pillow takes all EXIF segments for one block, and XMP where that has no orientation.
    pub fn pillow(&self) -> Orientation {
        let found = match self.exif.as_slice() {
            [] => None,
            [block] => exif::pillow(block),
            parts => exif::pillow(&parts.concat()),
        };
        found
            .or_else(|| self.xmp.and_then(exif::xmp))
            .unwrap_or_default()
    }

    /// OpenCV takes the first EXIF block that has an orientation, and knows no XMP.
    pub fn opencv(&self) -> Orientation {
        let mut found = self.exif.iter().filter_map(|block| exif::opencv(block));
        found.next().unwrap_or_default()
    }
}

/// Whether the scans end with an end-of-image marker. Whatever follows it is no matter; within
/// the scans 0xff is always stuffed, so the pair is the marker.
fn ends(scans: &[u8]) -> bool {
    scans.windows(2).rev().any(|pair| pair == [0xff, 0xd9])
}
