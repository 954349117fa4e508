//! The eight ways in which a camera can be held.

use super::Picture;

/// How the stored picture has to be turned to be upright: the EXIF orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    /// Rows become columns; done before the flips.
    transpose: bool,
    /// Left and right change places.
    mirror: bool,
    /// Top and bottom change places.
    flip: bool,
}

impl Orientation {
    /// The orientation with the EXIF number `tag`; upright for a number that isn't one.
    pub fn from_tag(tag: u16) -> Self {
        let (transpose, mirror, flip) = match tag {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self {
            transpose,
            mirror,
            flip,
        }
    }

    /// The orientation that an EXIF block (a TIFF header and its directories) names.
    pub fn from_exif(block: &[u8]) -> Option<Self> {
        let directory = Directory::first(block)?;
        let entry = directory.find(0x0112)?;
        // A short is left-justified in its four bytes; some writers use a byte or a long.
        let tag = match directory.u16_at(entry + 2)? {
            1 => u16::from(*block.get(entry + 8)?),
            3 => directory.u16_at(entry + 8)?,
            4 => u16::try_from(directory.u32_at(entry + 8)?).ok()?,
            _ => return None,
        };
        Some(Self::from_tag(tag))
    }

    /// The orientation in an XMP packet, where EXIF has none: `tiff:Orientation`.
    pub fn from_xmp(packet: &[u8]) -> Option<Self> {
        const KEY: &[u8] = b"tiff:Orientation";
        let at = packet.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
        match packet.get(at..)? {
            [b'=', b'"', digit @ b'0'..=b'9', ..] | [b'>', digit @ b'0'..=b'9', ..] => {
                Some(Self::from_tag(u16::from(digit - b'0')))
            }
            _ => None,
        }
    }

    /// Turns `picture` upright; `spare` is a buffer that stays.
    pub fn apply(self, picture: &mut Picture, spare: &mut Vec<u8>) {
        if self == Self::default() {
            return;
        }
        let (width, height) = (picture.width, picture.height);
        let (turned_width, turned_height) = if self.transpose {
            (height, width)
        } else {
            (width, height)
        };
        if spare.capacity() < picture.rgb.len() {
            *spare = vec![0; picture.rgb.len()];
        } else {
            spare.resize(picture.rgb.len(), 0);
        }
        // Square blocks, so that neither side strides through memory when rows become columns.
        const BLOCK: usize = 32;
        let (from, _) = picture.rgb.as_chunks::<3>();
        let (to, _) = spare.as_chunks_mut::<3>();
        for top in (0..turned_height).step_by(BLOCK) {
            for left in (0..turned_width).step_by(BLOCK) {
                for y in top..(top + BLOCK).min(turned_height) {
                    let source_y = if self.flip { turned_height - 1 - y } else { y };
                    for x in left..(left + BLOCK).min(turned_width) {
                        let source_x = if self.mirror { turned_width - 1 - x } else { x };
                        let source = if self.transpose {
                            source_x * width + source_y
                        } else {
                            source_y * width + source_x
                        };
                        to[y * turned_width + x] = from[source];
                    }
                }
            }
        }
        std::mem::swap(&mut picture.rgb, spare);
        (picture.width, picture.height) = (turned_width, turned_height);
    }
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

    /// Where the entry of 12 bytes for `tag` begins.
    pub fn find(&self, tag: u16) -> Option<usize> {
        let entries = usize::from(self.u16_at(self.at)?);
        (0..entries)
            .map_while(|entry| self.at.checked_add(2 + entry * 12))
            .find(|at| self.u16_at(*at) == Some(tag))
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

    /// Two columns and three rows, numbered in reading order.
    fn turned(tag: u16) -> (usize, Vec<u8>) {
        let rgb = (1..=6).flat_map(|n| [n; 3]).collect();
        let mut picture = Picture {
            width: 2,
            height: 3,
            rgb,
        };
        Orientation::from_tag(tag).apply(&mut picture, &mut Vec::new());
        (
            picture.width,
            picture.rgb.iter().step_by(3).copied().collect(),
        )
    }

    #[test]
    fn all_eight_orientations_turn_as_exif_says() {
        assert_eq!(turned(1), (2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(2), (2, vec![2, 1, 4, 3, 6, 5]));
        assert_eq!(turned(3), (2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(4), (2, vec![5, 6, 3, 4, 1, 2]));
        assert_eq!(turned(5), (3, vec![1, 3, 5, 2, 4, 6]));
        assert_eq!(turned(6), (3, vec![5, 3, 1, 6, 4, 2]));
        assert_eq!(turned(7), (3, vec![6, 4, 2, 5, 3, 1]));
        assert_eq!(turned(8), (3, vec![2, 4, 6, 1, 3, 5]));
        assert_eq!(turned(9), turned(1));
    }

    #[test]
    fn exif_is_read_in_both_byte_orders_and_never_past_its_end() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        assert_eq!(
            Orientation::from_exif(little),
            Some(Orientation::from_tag(6))
        );
        assert_eq!(Orientation::from_exif(big), Some(Orientation::from_tag(6)));
        for length in 0..20 {
            assert_eq!(Orientation::from_exif(&little[..length]), None, "{length}");
        }
        assert_eq!(Orientation::from_exif(b"II*\0\xff\xff\xff\xff"), None);
    }

    #[test]
    fn xmp_names_an_orientation_too() {
        let packet = br#"<rdf:Description tiff:Orientation="8"/>"#;
        assert_eq!(
            Orientation::from_xmp(packet),
            Some(Orientation::from_tag(8))
        );
        assert_eq!(Orientation::from_xmp(b"tiff:Orientation"), None);
    }
}
