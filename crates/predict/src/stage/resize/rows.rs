//! Rows that were resized along themselves, kept for the output rows that share them.

/// The last rows made, found by their number in the picture.
pub(super) struct RowCache<T> {
    values: Vec<T>,
    held: Vec<usize>,
    length: usize,
}

impl<T: Copy + Default> RowCache<T> {
    /// Room for `count` rows that follow each other, of `length` values each.
    pub fn new(count: usize, length: usize) -> Self {
        Self {
            values: vec![T::default(); count * length],
            held: vec![usize::MAX; count],
            length,
        }
    }

    /// Makes row `y` unless it is held. It takes the place of row `y - count`.
    pub fn make(&mut self, y: usize, fill: impl FnOnce(&mut [T])) {
        let slot = y % self.held.len();
        if self.held[slot] != y {
            fill(&mut self.values[slot * self.length..(slot + 1) * self.length]);
            self.held[slot] = y;
        }
    }

    /// Row `y`, made before.
    pub fn row(&self, y: usize) -> &[T] {
        let slot = y % self.held.len();
        &self.values[slot * self.length..(slot + 1) * self.length]
    }
}
