//! The pixels that go in, the part that is wanted, and the pixels that come out.

/// Rows of RGB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub width: usize,
    pub height: usize,
    pub rgb: &'a [u8],
}

impl<'a> View<'a> {
    /// The pixels of row `y`.
    pub fn row(&self, y: usize) -> &'a [[u8; 3]] {
        self.rgb[y * self.width * 3..(y + 1) * self.width * 3]
            .as_chunks()
            .0
    }
}

/// A rectangle of the resized picture, inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Region {
    pub fn columns(&self) -> std::ops::Range<usize> {
        self.left..self.left + self.width
    }

    pub fn rows(&self) -> std::ops::Range<usize> {
        self.top..self.top + self.height
    }
}

/// Rows of RGB in the type that a kernel gives, in a buffer that stays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pixels {
    U8(Vec<u8>),
    F32(Vec<f32>),
}

impl Default for Pixels {
    fn default() -> Self {
        Self::U8(Vec::new())
    }
}

impl Pixels {
    /// `length` bytes to write to; another type's buffer is replaced.
    pub fn bytes(&mut self, length: usize) -> &mut [u8] {
        if let Self::F32(_) = self {
            *self = Self::U8(Vec::new());
        }
        match self {
            Self::U8(all) => {
                all.resize(length, 0);
                all
            }
            Self::F32(_) => &mut [],
        }
    }

    /// `length` floats to write to; another type's buffer is replaced.
    pub fn floats(&mut self, length: usize) -> &mut [f32] {
        if let Self::U8(_) = self {
            *self = Self::F32(Vec::new());
        }
        match self {
            Self::F32(all) => {
                all.resize(length, 0.0);
                all
            }
            Self::U8(_) => &mut [],
        }
    }
}
