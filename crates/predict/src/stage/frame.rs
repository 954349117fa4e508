//! Where a photo lies in a model's tensor, and the way back: from the tensor's pixels to the photo's.

use boxwright_model::package::Decoder;

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
    /// What it was resized to fit into, keeping its aspect ratio, before it was padded; `None` where
    /// it was not.
    pub room: Option<Size>,
}

/// The way from the tensor's pixels to the photo's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mapping {
    /// How many pixels of the tensor a pixel of the photo covers, across and down.
    pub gain: [f32; 2],
    /// Where the photo's upper left corner lies in the tensor; negative where it was cut off.
    pub offset: [f32; 2],
    /// Width and height of the photo.
    photo: Size,
}

impl Frame {
    /// The frame of `picture`, which was decoded and placed so.
    pub fn new(picture: &Picture, placement: &Placement, room: Option<Size>) -> Self {
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
            room,
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
            room: None,
        }
    }

    /// The way back, as the pixels went.
    pub fn mapping(&self) -> Mapping {
        let gain = [
            self.resized.0 as f64 / self.source[2].max(1.0),
            self.resized.1 as f64 / self.source[3].max(1.0),
        ];
        let offset =
            |at: usize, cut: usize, source: f64, gain: f64| at as f64 - cut as f64 - source * gain;
        self.mapped(
            gain,
            [
                offset(self.at.0, self.cut.0, self.source[0], gain[0]),
                offset(self.at.1, self.cut.1, self.source[1], gain[1]),
            ],
        )
    }

    /// The way back as the code that belongs to a decoder reckons it for letterboxed photos: from
    /// the two sizes alone, which differs by the rounding of sides.
    pub fn mapping_of(&self, decoder: Decoder) -> Mapping {
        let whole = self.source == [0.0, 0.0, self.photo.0 as f64, self.photo.1 as f64];
        let Some(room) = self.room.filter(|_| whole) else {
            return self.mapping();
        };
        if self.photo.0 == 0 || self.photo.1 == 0 {
            return self.mapping();
        }
        let (width, height) = (self.photo.0 as f64, self.photo.1 as f64);
        let canvas = [self.canvas.0 as f64, self.canvas.1 as f64];
        let gain = (room.0 as f64 / width).min(room.1 as f64 / height);
        // A photo that lies in a corner is not padded there.
        let centered = |space: [f64; 2]| {
            [(0, self.at.0), (1, self.at.1)].map(|(axis, at)| {
                let half = space[axis] / 2.0;
                if (half - at as f64).abs() <= 0.75 {
                    half
                } else {
                    at as f64
                }
            })
        };
        match decoder {
            Decoder::YoloV8 | Decoder::EndToEnd => {
                let sides = [width, height].map(|side| (side * gain).round_ties_even().max(1.0));
                let space = [canvas[0] - sides[0], canvas[1] - sides[1]];
                let offset = centered(space).map(|half| (half - 0.1).round_ties_even());
                self.mapped([sides[0] / width, sides[1] / height], offset)
            }
            Decoder::YoloV5 | Decoder::YoloV7EndToEnd => {
                let space = [canvas[0] - width * gain, canvas[1] - height * gain];
                self.mapped([gain; 2], centered(space))
            }
            Decoder::YoloX | Decoder::YoloNas => {
                self.mapped([gain; 2], [self.at.0 as f64, self.at.1 as f64])
            }
            _ => self.mapping(),
        }
    }

    fn mapped(&self, gain: [f64; 2], offset: [f64; 2]) -> Mapping {
        Mapping {
            gain: gain.map(|gain| gain as f32),
            offset: offset.map(|offset| offset as f32),
            photo: self.photo,
        }
    }
}

impl Mapping {
    /// A point of the tensor, in pixels, in the photo's pixels.
    pub fn point(&self, x: f32, y: f32) -> [f32; 2] {
        [
            (x - self.offset[0]) / self.gain[0],
            (y - self.offset[1]) / self.gain[1],
        ]
    }

    /// A box of the tensor in the photo's pixels.
    pub fn bounds(&self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        let ([x0, y0], [x1, y1]) = (self.point(left, top), self.point(right, bottom));
        [x0, y0, x1, y1]
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
