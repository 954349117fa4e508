//! How many samples run together: as many as was measured to be fastest.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs of each size before the sizes are compared.
const TRIALS: u32 = 4;
/// A larger batch has to take at most this share of the time a sample.
const FASTER: f64 = 0.98;

/// How many samples run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// So many while there are as many.
    Exactly(usize),
    /// So many or fewer, as is fastest. On a processor a batch that leaves its cache is slower than
    /// its samples one by one; a GPU wants large ones.
    AtMost(usize),
}

/// What runs of a model have taken, by their size.
#[derive(Debug, Default)]
pub(crate) struct BatchTimes(Mutex<Vec<Times>>);

#[derive(Debug, Clone, Copy)]
struct Times {
    size: usize,
    runs: u32,
    /// The least of all runs but the first, in milliseconds a sample: other work on the machine only
    /// adds to it.
    least: f64,
}

impl BatchTimes {
    /// The size for the next run, of `most` at most where the model takes no more. Sizes are tried from
    /// the smallest on, so that first results come soon, and as long as each is faster than the one
    /// before.
    pub fn choose(&self, wanted: BatchSize, most: usize) -> usize {
        if let BatchSize::Exactly(_) = wanted {
            return most;
        }
        let times = self.times();
        let mut fastest: Option<Times> = None;
        for size in sizes(most) {
            match (times.iter().find(|times| times.size == size), fastest) {
                (None, _) => return size,
                (Some(times), _) if times.runs < TRIALS => return size,
                (Some(times), Some(best)) if times.least > best.least * FASTER => {
                    return best.size;
                }
                (Some(times), _) => fastest = Some(*times),
            }
        }
        most
    }

    /// A run of `size` samples took so long.
    pub fn add(&self, size: usize, milliseconds: f64) {
        let mut times = self.times();
        let a_sample = milliseconds / size.max(1) as f64;
        match times.iter_mut().find(|times| times.size == size) {
            Some(times) => {
                times.runs += 1;
                times.least = times.least.min(a_sample);
            }
            // The first run of a size also plans its memory.
            None => times.push(Times {
                size,
                runs: 1,
                least: f64::INFINITY,
            }),
        }
    }

    fn times(&self) -> MutexGuard<'_, Vec<Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchSize {
    /// Most samples together.
    pub fn most(self) -> usize {
        match self {
            Self::Exactly(size) | Self::AtMost(size) => size.max(1),
        }
    }
}

/// 1, 2, 4 and so on, and the limit itself.
fn sizes(limit: usize) -> impl Iterator<Item = usize> {
    let powers = std::iter::successors(Some(1usize), |size| size.checked_mul(2));
    powers
        .take_while(move |size| *size < limit)
        .chain(std::iter::once(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes that are chosen where a run takes so long a sample, by its size.
    fn chosen(most: usize, milliseconds: impl Fn(usize) -> f64) -> Vec<usize> {
        let times = BatchTimes::default();
        let mut chosen = Vec::new();
        for _ in 0..60 {
            let size = times.choose(BatchSize::AtMost(most), most);
            chosen.push(size);
            times.add(size, milliseconds(size) * size as f64);
        }
        chosen
    }

    #[test]
    fn sizes_are_tried_while_they_are_faster() {
        let on_a_processor = chosen(8, |size| 8.0 + size as f64);
        assert_eq!(on_a_processor[..8], [1, 1, 1, 1, 2, 2, 2, 2]);
        assert!(on_a_processor[8..].iter().all(|size| *size == 1));
        let on_a_gpu = chosen(24, |size| 1.0 + 10.0 / size as f64);
        assert_eq!(
            on_a_gpu[8..24],
            [4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 24, 24, 24, 24]
        );
        assert!(on_a_gpu[24..].iter().all(|size| *size == 24));
    }

    #[test]
    fn a_size_that_is_asked_for_is_taken() {
        let times = BatchTimes::default();
        assert_eq!(times.choose(BatchSize::Exactly(6), 6), 6);
        assert_eq!(times.choose(BatchSize::AtMost(1), 1), 1);
    }

    #[test]
    fn a_first_run_and_disturbed_ones_do_not_decide() {
        let times = BatchTimes::default();
        for milliseconds in [50.0, 5.0, 9.0, 5.0] {
            times.add(1, milliseconds);
        }
        for milliseconds in [2.0, 12.0, 13.0, 14.0] {
            times.add(2, milliseconds);
        }
        assert_eq!(times.choose(BatchSize::AtMost(8), 8), 1);
    }
}
