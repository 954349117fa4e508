//! Resizing with the arithmetic of the library that is named: the same pixels, bit for bit.

mod choice;
mod kernel;
mod legacy;
mod opencv;
mod pillow;
mod rows;
mod tensorflow;
mod torch;
mod vectorised;

#[cfg(test)]
mod tests;

pub(crate) use kernel::{Depth, Kernel, OpenCvFilter, PillowFilter, TensorFlowFilter, TorchFilter};

/// Rows of RGB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub width: usize,
    pub height: usize,
    pub rgb: &'a [u8],
}

impl<'a> View<'a> {
    /// The pixels of row `y`.
    fn row(&self, y: usize) -> &'a [[u8; 3]] {
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
    fn columns(&self) -> std::ops::Range<usize> {
        self.left..self.left + self.width
    }

    fn rows(&self) -> std::ops::Range<usize> {
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

/// Resizes pictures one after the other, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Resizer {
    between: pillow::Between,
}

impl Resizer {
    /// The `region` of `source` resized to `width` × `height`, into `out`. What lies inside of the
    /// region doesn't depend on it.
    pub fn resize(
        &mut self,
        source: View<'_>,
        size: (usize, usize),
        kernel: Kernel,
        region: Region,
        out: &mut Pixels,
    ) {
        assert!(region.left + region.width <= size.0 && region.top + region.height <= size.1);
        let length = region.width * region.height * 3;
        if kernel.depth() == Depth::Rounded {
            let mut sums = vec![0.0; length];
            floats(source, size, kernel, region, &mut sums);
            for (to, sum) in out.bytes(length).iter_mut().zip(sums) {
                *to = sum.round_ties_even() as u8;
            }
        } else if kernel.gives_bytes() {
            self.bytes(source, size, kernel, region, out.bytes(length));
        } else {
            floats(source, size, kernel, region, out.floats(length));
        }
    }

    /// The same for kernels that give bytes.
    pub fn resize_bytes(
        &mut self,
        source: View<'_>,
        size: (usize, usize),
        kernel: Kernel,
        region: Region,
        out: &mut Vec<u8>,
    ) {
        let mut pixels = Pixels::U8(std::mem::take(out));
        self.resize(source, size, kernel, region, &mut pixels);
        if let Pixels::U8(bytes) = pixels {
            *out = bytes;
        }
    }

    fn bytes(
        &mut self,
        source: View<'_>,
        size: (usize, usize),
        kernel: Kernel,
        region: Region,
        out: &mut [u8],
    ) {
        if out.is_empty() {
            return;
        }
        if (source.width, source.height) == size && !kernel.takes_part(source) {
            return cut(source, region, out);
        }
        match kernel {
            Kernel::Pillow {
                filter,
                reducing_gap,
                extent,
            } => {
                let (right, bottom) = extent.unwrap_or((source.width as f64, source.height as f64));
                let how = (filter, [0.0, 0.0, right, bottom], reducing_gap);
                pillow::resize(source, size, how, region, &mut self.between, out);
            }
            Kernel::OpenCv { filter, .. } => opencv::bytes(source, size, filter, region, out),
            Kernel::Torch {
                filter, antialias, ..
            } => {
                torch::bytes(source, size, filter, antialias, region, out);
            }
            // The nearest neighbours: all others give floats.
            Kernel::TensorFlow { .. } => {
                tensorflow::nearest(source, size, region, |pixel| *pixel, out);
            }
            Kernel::LegacyLinear => legacy::linear(source, size, region, out),
            Kernel::LegacyArea => legacy::area(source, size, region, out),
        }
    }

    /// Gives back what a very large picture took.
    pub fn trim(&mut self, bytes: usize) {
        self.between.trim(bytes);
    }
}

fn floats(source: View<'_>, size: (usize, usize), kernel: Kernel, region: Region, out: &mut [f32]) {
    if out.is_empty() {
        return;
    }
    let values = kernel.values();
    // TensorFlow resizes pictures of the right size too.
    let copied = !matches!(kernel, Kernel::TensorFlow { .. });
    if copied && (source.width, source.height) == size {
        let rows = out.chunks_exact_mut(region.width * 3);
        for (to, y) in rows.zip(region.rows()) {
            let from = source.row(y)[region.columns()].as_flattened();
            for (to, byte) in to.iter_mut().zip(from) {
                *to = values[usize::from(*byte)];
            }
        }
        return;
    }
    match kernel {
        Kernel::OpenCv { filter, .. } => {
            opencv::floats(source, &values, size, filter, region, out);
        }
        Kernel::Torch {
            filter, antialias, ..
        } => {
            torch::floats(source, &values, size, (filter, antialias), region, out);
        }
        Kernel::TensorFlow {
            filter, antialias, ..
        } => {
            tensorflow::floats(source, &values, size, (filter, antialias), region, out);
        }
        Kernel::Pillow { .. } | Kernel::LegacyLinear | Kernel::LegacyArea => {}
    }
}

fn cut(source: View<'_>, region: Region, out: &mut [u8]) {
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        to.copy_from_slice(source.row(y)[region.columns()].as_flattened());
    }
}
