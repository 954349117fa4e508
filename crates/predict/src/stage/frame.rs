//! Where a photo lies in a model's tensor, and the way back: from the tensor's pixels to the photo's.

use super::decode::Picture;
use super::geometry::{Placement, Size};

/// Where a photo lies in the tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    /// Width and height of the photo, turned upright where the package says so, before any resizing.
    pub photo: Size,
    /// The part of the photo, in its own pixels, that was resized: left, top, width, height.
    pub source: [f64; 4],
    /// The size that this part was resized to.
    pub resized: Size,
    /// What was cut off the left and the top after resizing.
    pub cut: Size,
    /// Where the rest lies on the canvas, and how large it is.
    pub at: Size,
    /// Width and height of what lies there.
    pub inner: Size,
    /// Width and height of the tensor.
    pub canvas: Size,
}

impl Frame {
    /// The frame of `picture`, which was decoded and placed so.
    pub fn new(picture: &Picture, placement: &Placement) -> Self {
        let [width, height] = picture.upright_size().map(|side| side as usize);
        // A picture that was decoded smaller.
        let scale = (
            width as f64 / picture.width.max(1) as f64,
            height as f64 / picture.height.max(1) as f64,
        );
        let source = placement.source;
        Self {
            photo: (width, height),
            source: [
                source.left as f64 * scale.0,
                source.top as f64 * scale.1,
                source.width as f64 * scale.0,
                source.height as f64 * scale.1,
            ],
            resized: placement.resized,
            cut: (placement.region.left, placement.region.top),
            at: placement.at,
            inner: (placement.region.width, placement.region.height),
            canvas: placement.canvas,
        }
    }

    /// The frame of a picture that fills a tensor of this size as it is.
    pub fn whole(width: usize, height: usize) -> Self {
        let size = (width, height);
        Self {
            photo: size,
            source: [0.0, 0.0, width as f64, height as f64],
            resized: size,
            cut: (0, 0),
            at: (0, 0),
            inner: size,
            canvas: size,
        }
    }

    /// How many pixels of the tensor a pixel of the photo covers, across and down.
    pub fn gain(&self) -> [f32; 2] {
        [
            (self.resized.0 as f64 / self.source[2].max(1.0)) as f32,
            (self.resized.1 as f64 / self.source[3].max(1.0)) as f32,
        ]
    }

    /// Where the photo's upper left corner lies in the tensor; negative where it was cut off.
    pub fn offset(&self) -> [f32; 2] {
        let gain = self.gain();
        let offset = |at: usize, cut: usize, source: f64, gain: f32| {
            (at as f64 - cut as f64 - source * f64::from(gain)) as f32
        };
        [
            offset(self.at.0, self.cut.0, self.source[0], gain[0]),
            offset(self.at.1, self.cut.1, self.source[1], gain[1]),
        ]
    }

    /// A point of the tensor, in pixels, in the photo's pixels.
    pub fn point(&self, x: f32, y: f32) -> [f32; 2] {
        let (gain, offset) = (self.gain(), self.offset());
        [(x - offset[0]) / gain[0], (y - offset[1]) / gain[1]]
    }

    /// A box of the tensor in the photo's pixels, cut at its edges.
    pub fn bounds(&self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        let ([x0, y0], [x1, y1]) = (self.point(left, top), self.point(right, bottom));
        self.clipped([x0, y0, x1, y1])
    }

    /// A box in the photo's pixels, cut at its edges.
    pub fn clipped(&self, [x0, y0, x1, y1]: [f32; 4]) -> [f32; 4] {
        let (width, height) = (self.photo.0 as f32, self.photo.1 as f32);
        [
            x0.clamp(0.0, width),
            y0.clamp(0.0, height),
            x1.clamp(0.0, width),
            y1.clamp(0.0, height),
        ]
    }
}
