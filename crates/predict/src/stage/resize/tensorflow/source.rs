//! Where values are read.

use super::super::view::View;

/// The picture's bytes as floats, and where they are read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub view: View<'a>,
    pub values: &'a [f32; 256],
}

impl Source<'_> {
    pub fn value(&self, byte: u8) -> f32 {
        self.values[usize::from(byte)]
    }
}

/// Input samples for each output sample.
pub(super) fn scale(from: usize, to: usize) -> f32 {
    from as f32 / to as f32
}

/// Where an output sample's centre lies, in input samples.
pub(super) fn centre(from: usize, to: usize, index: usize) -> f32 {
    (index as f32 + 0.5) * scale(from, to) - 0.5
}
