//! Masks of one bit a pixel, at the tensor's size, and their way to the photo's: bilinear over zeros
//! and ones, of which more than a half is one, as Ultralytics draws them.

use std::ops::Range;

use boxwright_model::prediction::RunLengths;

use crate::stage::frame::Frame;

/// The part of a mask that can hold ones, column by column.
pub(super) struct Bits {
    columns: Range<usize>,
    rows: Range<usize>,
    /// Row by row.
    ones: Vec<bool>,
}

impl Bits {
    /// A mask that is zero outside of these columns and rows, of which rows are still to come.
    pub fn new(columns: Range<usize>, rows: Range<usize>) -> Self {
        Self {
            ones: Vec::with_capacity(columns.len() * rows.len()),
            columns,
            rows,
        }
    }

    pub fn push_row(&mut self, row: impl Iterator<Item = bool>) {
        self.ones.extend(row);
    }

    pub fn is_empty(&self) -> bool {
        !self.ones.contains(&true)
    }

    fn get(&self, x: usize, y: usize) -> bool {
        self.columns.contains(&x)
            && self.rows.contains(&y)
            && self.ones[(y - self.rows.start) * self.columns.len() + x - self.columns.start]
    }
}

/// The tensor and the photo's place in it.
pub(super) struct Canvas {
    columns: Vec<Option<Tap>>,
    rows: Vec<Option<Tap>>,
    /// Rows of the photo that lie between the same two of the tensor.
    groups: Vec<Range<usize>>,
    size: (usize, usize),
}

/// The two nearest pixels of the tensor for one of the photo, and the weight of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tap {
    from: usize,
    to: usize,
    weight: f32,
}

/// Rows of the photo with one answer for each column of the tensor, or with several.
struct Piece {
    rows: Range<usize>,
    even: Option<[bool; 2]>,
}

impl Canvas {
    /// Of which a photo's pixel takes the one that it lies in, as PyTorch's `interpolate` does
    /// without a mode: MMDeploy's way.
    pub fn nearest(frame: &Frame) -> Self {
        let near = |taps: &mut Vec<Option<Tap>>, start: usize, seen: usize, photo: usize| {
            let scale = seen as f32 / photo.max(1) as f32;
            for (place, tap) in taps.iter_mut().enumerate() {
                let at = start + ((place as f32 * scale) as usize).min(seen.saturating_sub(1));
                let whole = Tap {
                    from: at,
                    to: at,
                    weight: 0.0,
                };
                *tap = tap.map(|_| whole);
            }
        };
        let mut canvas = Self::new(frame);
        near(
            &mut canvas.columns,
            frame.at.0,
            frame.inner.0,
            frame.photo.0,
        );
        near(&mut canvas.rows, frame.at.1, frame.inner.1, frame.photo.1);
        canvas.groups = groups(&canvas.rows);
        canvas
    }

    pub fn new(frame: &Frame) -> Self {
        let mapping = frame.mapping();
        let columns = Axis {
            photo: frame.photo.0,
            seen: frame.at.0..frame.at.0 + frame.inner.0,
            is_whole: frame.resized.0 == frame.inner.0,
            gain: mapping.gain[0],
            offset: mapping.offset[0],
        };
        let rows = Axis {
            photo: frame.photo.1,
            seen: frame.at.1..frame.at.1 + frame.inner.1,
            is_whole: frame.resized.1 == frame.inner.1,
            gain: mapping.gain[1],
            offset: mapping.offset[1],
        };
        let rows = rows.taps();
        Self {
            columns: columns.taps(),
            groups: groups(&rows),
            rows,
            size: frame.canvas,
        }
    }

    /// In pixels of the tensor.
    pub fn width(&self) -> usize {
        self.size.0
    }

    /// In pixels of the tensor.
    pub fn height(&self) -> usize {
        self.size.1
    }

    /// The mask at the photo's size, as run lengths. Of a column only the rows are looked at where
    /// the mask changes: a large photo takes no longer than its columns.
    pub fn in_photo(&self, bits: &Bits) -> RunLengths {
        let mut counts = Counts::default();
        let near = bits.columns.start.saturating_sub(1)..bits.columns.end;
        let (mut pieces, mut of) = (Vec::new(), None);
        for column in &self.columns {
            let Some(column) = column.filter(|column| near.contains(&column.from)) else {
                counts.add(false, self.rows.len());
                continue;
            };
            let pair = [column.from, column.to];
            if of != Some(pair) {
                pieces = self.pieces(bits, pair);
                of = Some(pair);
            }
            let across = |[left, right]: [bool; 2]| {
                let number = |one: bool| f32::from(u8::from(one));
                (1.0 - column.weight) * number(left) + column.weight * number(right)
            };
            for piece in &pieces {
                if let Some(even) = piece.even {
                    counts.add(across(even) > 0.5, piece.rows.len());
                    continue;
                }
                for row in self.rows[piece.rows.clone()].iter().flatten() {
                    let above = across(pair.map(|x| bits.get(x, row.from)));
                    let below = across(pair.map(|x| bits.get(x, row.to)));
                    counts.add((1.0 - row.weight) * above + row.weight * below > 0.5, 1);
                }
            }
        }
        counts.finish([self.rows.len(), self.columns.len()])
    }

    /// The photo's rows by what lies in two columns of the tensor.
    fn pieces(&self, bits: &Bits, pair: [usize; 2]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for rows in &self.groups {
            let even = match self.rows[rows.start] {
                None => Some([false; 2]),
                Some(row) => {
                    let above = pair.map(|x| bits.get(x, row.from));
                    (above == pair.map(|x| bits.get(x, row.to))).then_some(above)
                }
            };
            match pieces.last_mut() {
                Some(last) if last.even == even => last.rows.end = rows.end,
                _ => pieces.push(Piece {
                    rows: rows.clone(),
                    even,
                }),
            }
        }
        pieces
    }
}

fn groups(rows: &[Option<Tap>]) -> Vec<Range<usize>> {
    let same = |one: &Option<Tap>, other: &Option<Tap>| {
        one.map(|tap| (tap.from, tap.to)) == other.map(|tap| (tap.from, tap.to))
    };
    let mut start = 0;
    let chunks = rows.chunk_by(same).map(|chunk| {
        start += chunk.len();
        start - chunk.len()..start
    });
    chunks.collect()
}

/// How the photo's pixels lie along one axis.
struct Axis {
    photo: usize,
    /// The tensor's pixels that hold the photo.
    seen: Range<usize>,
    /// Whether they hold all of it.
    is_whole: bool,
    gain: f32,
    offset: f32,
}

impl Axis {
    /// Where each of the photo's pixels lies; `None` for those that the model did not see.
    fn taps(&self) -> Vec<Option<Tap>> {
        let seen = self.seen.len();
        let scale = seen as f32 / self.photo.max(1) as f32;
        let tap = |place: usize| {
            let center = match self.is_whole {
                // As PyTorch's `interpolate` reckons from the two sizes.
                true => (place as f32 + 0.5) * scale - 0.5,
                false => {
                    let at = (place as f32 + 0.5) * self.gain + self.offset;
                    let at = at - self.seen.start as f32;
                    if !(0.0..seen as f32).contains(&at) {
                        return None;
                    }
                    at - 0.5
                }
            };
            let (center, last) = (center.max(0.0), seen.checked_sub(1)?);
            let from = (center as usize).min(last);
            Some(Tap {
                from: self.seen.start + from,
                to: self.seen.start + (from + 1).min(last),
                weight: (center - from as f32).min(1.0),
            })
        };
        (0..self.photo).map(tap).collect()
    }
}

/// Runs of zeros and ones in turn, zeros first.
#[derive(Default)]
pub(super) struct Counts {
    runs: Vec<u32>,
    ones: bool,
    run: u32,
}

impl Counts {
    pub fn add(&mut self, one: bool, pixels: usize) {
        if pixels == 0 {
            return;
        }
        if one != self.ones {
            self.runs.push(self.run);
            (self.run, self.ones) = (0, one);
        }
        let pixels = u32::try_from(pixels).unwrap_or(u32::MAX);
        self.run = self.run.saturating_add(pixels);
    }

    pub fn finish(mut self, size: [usize; 2]) -> RunLengths {
        self.runs.push(self.run);
        RunLengths {
            size,
            counts: self.runs,
        }
    }
}
