//! The orientation in a picture's metadata, as each library reads it.

use super::orientation::Orientation;

/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;

/// The orientation that Pillow finds in an EXIF block (a TIFF header and its directories).
pub(super) fn pillow(block: &[u8]) -> Option<Orientation> {
    // A prefix that the block has in a JPEG.
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let directory = Directory::first(block)?;
    let mut total = 0;
    for at in directory.entries()? {
        // A directory that is cut off in an entry ends before it.
        block.get(at..at.checked_add(12)?)?;
        let (kind, count) = (directory.u16_at(at + 2)?, directory.u32_at(at + 4)?);
        let Some(unit) = unit_size(kind) else {
            continue;
        };
        let size = u64::from(count) * unit;
        if size > 4 {
            total += size;
            if total > block.len() as u64 {
                continue;
            }
            let end = u64::from(directory.u32_at(at + 8)?) + size;
            if end > block.len() as u64 {
                return None;
            }
        }
        if directory.u16_at(at)? == ORIENTATION && size > 0 {
            let tag = match (kind, count) {
                (3 | 8, 1) => u32::from(directory.u16_at(at + 8)?),
                (4 | 9, 1) => directory.u32_at(at + 8)?,
                _ => 1,
            };
            return Some(Orientation::from_tag(tag));
        }
    }
    None
}

/// Bytes of one value of a TIFF field's type.
fn unit_size(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 => 8,
        _ => return None,
    })
}

/// The orientation that OpenCV finds in an EXIF block: two bytes, whatever the field's type. It
/// gives up at the first field before it that lies outside of the block.
pub(super) fn opencv(block: &[u8]) -> Option<Orientation> {
    let directory = Directory::first(block)?;
    for at in directory.entries()? {
        let tag = directory.u16_at(at)?;
        if tag == ORIENTATION {
            let tag = directory.u16_at(at.checked_add(8)?)?;
            return Some(Orientation::from_tag(u32::from(tag)));
        }
        let (start, length) = match tag {
            // Texts: description, make, model, software, date, copyright.
            0x010e | 0x010f | 0x0110 | 0x0131 | 0x0132 | 0x8298 => {
                let length = directory.u32_at(at.checked_add(4)?)?;
                let start = if length > 4 {
                    directory.u32_at(at.checked_add(8)?)?
                } else {
                    8
                };
                (start, length)
            }
            // Rationals: resolutions, white point, primaries, YCbCr coefficients, black and white.
            0x011a | 0x011b => (directory.u32_at(at.checked_add(8)?)?, 8),
            0x013e => (directory.u32_at(at.checked_add(8)?)?, 16),
            0x0211 => (directory.u32_at(at.checked_add(8)?)?, 24),
            0x013f | 0x0214 => (directory.u32_at(at.checked_add(8)?)?, 48),
            // Shorts: the resolution's unit, where YCbCr samples lie.
            0x0128 | 0x0213 => {
                directory.u16_at(at.checked_add(8)?)?;
                continue;
            }
            _ => continue,
        };
        if u64::from(start) + u64::from(length) > block.len() as u64 {
            return None;
        }
    }
    None
}

/// The orientation in an XMP packet, `tiff:Orientation`, which Pillow takes where EXIF has none.
pub(super) fn xmp(packet: &[u8]) -> Option<Orientation> {
    const KEY: &[u8] = b"tiff:Orientation";
    packet
        .windows(KEY.len())
        .enumerate()
        .filter(|(_, window)| *window == KEY)
        .find_map(|(at, _)| match packet.get(at + KEY.len()..)? {
            [b'=', b'"', digit @ b'0'..=b'9', ..] | [b'>', digit @ b'0'..=b'9', ..] => {
                Some(Orientation::from_tag(u32::from(digit - b'0')))
            }
            _ => None,
        })
}

/// The first directory of a TIFF file, which is also what an EXIF block is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    block: &'a [u8],
    little: bool,
    at: usize,
}

impl<'a> Directory<'a> {
    pub fn first(block: &'a [u8]) -> Option<Self> {
        let little = match block.get(..4)? {
            [b'I', b'I', 42, 0] => true,
            [b'M', b'M', 0, 42] => false,
            _ => return None,
        };
        let mut directory = Self {
            block,
            little,
            at: 0,
        };
        directory.at = usize::try_from(directory.u32_at(4)?).ok()?;
        Some(directory)
    }

    /// Where the entries of 12 bytes begin, as many as the directory says that it has.
    fn entries(&self) -> Option<impl Iterator<Item = usize>> {
        let entries = usize::from(self.u16_at(self.at)?);
        let start = self.at;
        Some((0..entries).map_while(move |entry| start.checked_add(2 + entry * 12)))
    }

    /// Where the entry for `tag` begins.
    pub fn find(&self, tag: u16) -> Option<usize> {
        self.entries()?.find(|at| self.u16_at(*at) == Some(tag))
    }

    /// The bytes of `tag`, a field of more than four bytes.
    pub fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        let at = self.find(tag)?;
        let length = usize::try_from(self.u32_at(at.checked_add(4)?)?).ok()?;
        let start = usize::try_from(self.u32_at(at.checked_add(8)?)?).ok()?;
        self.block.get(start..start.checked_add(length)?)
    }

    pub fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    pub fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    /// `value` as the block's byte order has it.
    pub fn bytes_of(&self, value: u16) -> [u8; 2] {
        if self.little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read_and_never_past_their_end() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        let turned = Some(Orientation::from_tag(6));
        for read in [pillow, opencv] {
            assert_eq!(read(little), turned);
            assert_eq!(read(big), turned);
            for length in 0..20 {
                assert_eq!(read(&little[..length]), None, "{length}");
            }
            assert_eq!(read(b"II*\0\xff\xff\xff\xff"), None);
        }
        // Pillow reads whole entries, OpenCV the two bytes.
        assert_eq!(pillow(&little[..20]), None);
        assert_eq!(opencv(&little[..20]), turned);
    }

    #[test]
    fn the_type_of_the_field_matters_to_each_library_in_its_own_way() {
        let byte = b"II*\0\x08\0\0\0\x01\0\x12\x01\x01\0\x01\0\0\0\x06\0\0\0";
        assert_eq!(pillow(byte), Some(Orientation::default()));
        assert_eq!(opencv(byte), Some(Orientation::from_tag(6)));
        let long = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x06";
        assert_eq!(pillow(long), Some(Orientation::from_tag(6)));
        assert_eq!(opencv(long), Some(Orientation::default()));
    }

    #[test]
    fn xmp_names_an_orientation_too() {
        let packet = br#"<tiff:Orientations/><rdf:Description tiff:Orientation="8"/>"#;
        assert_eq!(xmp(packet), Some(Orientation::from_tag(8)));
        assert_eq!(xmp(b"tiff:Orientation"), None);
    }
}
