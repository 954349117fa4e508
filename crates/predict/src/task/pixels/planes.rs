//! The planes of an output, one a class.

use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The planes of an output: one a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes {
    pub count: usize,
    pub height: usize,
    pub width: usize,
}

impl Planes {
    pub fn of(output: &Slice<'_>) -> Result<Self> {
        let (count, height, width) = match output.shape[..] {
            [count, height, width] => (count, height, width),
            [height, width] => (1, height, width),
            _ => {
                return Err(wrong_shape(
                    output,
                    "this task takes [classes, height, width]",
                ));
            }
        };
        if count == 0 || height == 0 || width == 0 {
            return Err(wrong_shape(output, "there is nothing in it"));
        }
        Ok(Self {
            count,
            height,
            width,
        })
    }

    /// Numbers of one plane.
    pub fn length(self) -> usize {
        self.height * self.width
    }
}

pub(super) fn wrong_shape(output: &Slice<'_>, expected: &str) -> Error {
    Error::Shape(format!(
        "Output `{}` has the shape {:?} for a sample, and {expected}.",
        output.name, output.shape
    ))
}
