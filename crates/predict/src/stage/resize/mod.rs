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
mod view;

#[cfg(test)]
mod tests;

pub(crate) use kernel::{Depth, Kernel, PillowFilter};

pub(crate) use view::{Pixels, Region, View};

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
