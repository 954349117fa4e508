//! The eight ways in which a camera can be held.

use super::picture::Picture;

/// How the stored picture has to be turned to be upright: the EXIF orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self(1)
    }
}

impl Orientation {
    /// The orientation with the EXIF number `tag`; upright for a number that isn't one.
    pub fn from_tag(tag: u32) -> Self {
        match u8::try_from(tag) {
            Ok(tag @ 2..=8) => Self(tag),
            _ => Self::default(),
        }
    }

    /// The EXIF number, 1 to 8.
    pub fn tag(self) -> u8 {
        self.0
    }

    fn turn(self) -> Turn {
        let (transpose, mirror, flip) = match self.0 {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Turn {
            transpose,
            mirror,
            flip,
        }
    }

    /// Turns `picture` upright; `spare` is a buffer that stays.
    pub fn apply(self, picture: &mut Picture, spare: &mut Vec<u8>) {
        if self == Self::default() {
            return;
        }
        let turn = self.turn();
        let (width, height) = (picture.width, picture.height);
        let (turned_width, turned_height) = if turn.transpose {
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
                    let source_y = if turn.flip { turned_height - 1 - y } else { y };
                    for x in left..(left + BLOCK).min(turned_width) {
                        let source_x = if turn.mirror { turned_width - 1 - x } else { x };
                        let source = if turn.transpose {
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

/// What an orientation does to rows and columns.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Rows become columns; done before the flips.
    transpose: bool,
    /// Left and right change places.
    mirror: bool,
    /// Top and bottom change places.
    flip: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns and three rows, numbered in reading order.
    fn turned(tag: u32) -> (usize, Vec<u8>) {
        let rgb = (1..=6).flat_map(|n| [n; 3]).collect();
        let mut picture = Picture {
            width: 2,
            height: 3,
            rgb,
            ..Picture::default()
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
}
