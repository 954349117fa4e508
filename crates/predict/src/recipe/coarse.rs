//! Cell means over a grid, by summed-area tables: which places of a photo a tensor can be of.

use super::fit::{Order, Sums};
use super::target::Target;
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;

/// Cells of the grid along each axis.
const CELLS: usize = 24;
/// The longer side, in pixels, that a photo is thinned to before it is summed up.
const LONGEST: usize = 1200;

/// Sums over all rectangles from the upper left corner, a channel at a time.
#[derive(Debug)]
pub(super) struct SummedArea {
    /// Blocks across and down.
    width: usize,
    height: usize,
    /// Pixels of the picture in a block, across and down.
    block: (f64, f64),
    channels: usize,
    sums: Vec<f64>,
}

impl SummedArea {
    /// Of a picture; large ones by blocks of pixels.
    pub fn of_picture(picture: &Picture) -> Self {
        let step = picture.width.max(picture.height).div_ceil(LONGEST).max(1);
        let (width, height) = (picture.width.div_ceil(step), picture.height.div_ceil(step));
        let rows = picture.rgb.as_chunks::<3>().0;
        let mut means = vec![0.0; width * height * 3];
        for by in 0..height {
            let ys = by * step..((by + 1) * step).min(picture.height);
            for bx in 0..width {
                let xs = bx * step..((bx + 1) * step).min(picture.width);
                let mut sum = [0u32; 3];
                for y in ys.clone() {
                    for pixel in &rows[y * picture.width + xs.start..y * picture.width + xs.end] {
                        for channel in 0..3 {
                            sum[channel] += u32::from(pixel[channel]);
                        }
                    }
                }
                let count = (xs.len() * ys.len()) as f64;
                for channel in 0..3 {
                    means[(channel * height + by) * width + bx] = f64::from(sum[channel]) / count;
                }
            }
        }
        let block = (
            picture.width as f64 / width as f64,
            picture.height as f64 / height as f64,
        );
        Self::new(width, height, 3, block, means.into_iter())
    }

    pub fn of_target(target: &Target) -> Self {
        let values = target.planes.iter().map(|value| f64::from(*value));
        Self::new(
            target.width,
            target.height,
            target.channels,
            (1.0, 1.0),
            values,
        )
    }

    fn new(
        width: usize,
        height: usize,
        channels: usize,
        block: (f64, f64),
        mut values: impl Iterator<Item = f64>,
    ) -> Self {
        let stride = width + 1;
        let mut sums = vec![0.0; channels * stride * (height + 1)];
        for channel in 0..channels {
            let base = channel * stride * (height + 1);
            for y in 0..height {
                let mut row = 0.0;
                for x in 0..width {
                    row += values.next().unwrap_or_default();
                    let above = sums[base + y * stride + x + 1];
                    sums[base + (y + 1) * stride + x + 1] = above + row;
                }
            }
        }
        Self {
            width,
            height,
            block,
            channels,
            sums,
        }
    }

    /// The sum from the corner to a point, in pixels.
    fn until(&self, channel: usize, x: f64, y: f64) -> f64 {
        let stride = self.width + 1;
        let base = channel * stride * (self.height + 1);
        let x = (x / self.block.0).clamp(0.0, self.width as f64);
        let y = (y / self.block.1).clamp(0.0, self.height as f64);
        let (x0, y0) = (
            (x as usize).min(self.width - 1),
            (y as usize).min(self.height - 1),
        );
        let (fx, fy) = (x - x0 as f64, y - y0 as f64);
        let at = |x: usize, y: usize| self.sums[base + y * stride + x];
        let upper = at(x0, y0) * (1.0 - fx) + at(x0 + 1, y0) * fx;
        let lower = at(x0, y0 + 1) * (1.0 - fx) + at(x0 + 1, y0 + 1) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    /// The mean of a rectangle, in pixels.
    fn mean(&self, channel: usize, (x0, x1): (f64, f64), (y0, y1): (f64, f64)) -> f64 {
        let sum =
            self.until(channel, x1, y1) - self.until(channel, x0, y1) - self.until(channel, x1, y0)
                + self.until(channel, x0, y0);
        let area = ((x1 - x0) / self.block.0) * ((y1 - y0) / self.block.1);
        sum / area.max(1e-9)
    }
}

/// The part of the tensor's variance, 0 to 1, that a photo at this place doesn't explain.
pub(super) fn unexplained(photo: &SummedArea, target: &SummedArea, place: &Placement) -> f64 {
    let part = |length: usize, cell: usize| length as f64 * cell as f64 / CELLS as f64;
    let (region, at) = (place.region, place.at);
    let scale_x = place.source.width as f64 / place.resized.0 as f64;
    let scale_y = place.source.height as f64 / place.resized.1 as f64;
    let mut cells = Vec::with_capacity(CELLS * CELLS);
    for row in 0..CELLS {
        let ys = (part(region.height, row), part(region.height, row + 1));
        for column in 0..CELLS {
            let xs = (part(region.width, column), part(region.width, column + 1));
            cells.push((xs, ys));
        }
    }
    let of_photo = |channel: usize| -> Vec<f64> {
        let from_x = |x: f64| place.source.left as f64 + (region.left as f64 + x) * scale_x;
        let from_y = |y: f64| place.source.top as f64 + (region.top as f64 + y) * scale_y;
        let mean = |(xs, ys): &((f64, f64), (f64, f64))| {
            let xs = (from_x(xs.0), from_x(xs.1));
            photo.mean(channel, xs, (from_y(ys.0), from_y(ys.1)))
        };
        cells.iter().map(mean).collect()
    };
    let of_target = |channel: usize| -> Vec<f64> {
        let mean = |(xs, ys): &((f64, f64), (f64, f64))| {
            let xs = (at.0 as f64 + xs.0, at.0 as f64 + xs.1);
            let ys = (at.1 as f64 + ys.0, at.1 as f64 + ys.1);
            target.mean(channel, xs, ys)
        };
        cells.iter().map(mean).collect()
    };
    let photos: [Vec<f64>; 3] = std::array::from_fn(of_photo);
    let targets: Vec<Vec<f64>> = (0..target.channels).map(of_target).collect();
    let left = |order: &Order| -> f64 {
        let of = |(channel, target): (usize, &Vec<f64>)| {
            let mut sums = Sums::default();
            for (x, t) in photos[order.source(channel)].iter().zip(target) {
                sums.add(*x, *t);
            }
            sums.line().unexplained
        };
        targets.iter().enumerate().map(of).sum::<f64>() / targets.len() as f64
    };
    Order::all(target.channels)
        .iter()
        .map(left)
        .fold(1.0, f64::min)
}
