//! How many samples run together: as many as was measured to be fastest.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Runs of each size before the sizes are compared.
const TRIALS: u32 = 3;

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
    /// Of all runs, in milliseconds a sample.
    sum: f64,
}

impl BatchTimes {
    /// The size for the next run, of `most` at most where the model takes no more: one that has been tried too little, the smallest first, so that
    /// first results come soon; else the fastest.
    pub fn choose(&self, wanted: BatchSize, most: usize) -> usize {
        if let BatchSize::Exactly(_) = wanted {
            return most;
        }
        let times = self.times();
        let mut fastest: Option<Times> = None;
        for size in sizes(most) {
            match times.iter().find(|times| times.size == size) {
                Some(times) if times.runs >= TRIALS => {
                    if fastest.is_none_or(|best| times.mean() < best.mean()) {
                        fastest = Some(*times);
                    }
                }
                _ => return size,
            }
        }
        fastest.map_or(most, |times| times.size)
    }

    /// A run of `size` samples took so long.
    pub fn add(&self, size: usize, milliseconds: f64) {
        let mut times = self.times();
        let a_sample = milliseconds / size.max(1) as f64;
        match times.iter_mut().find(|times| times.size == size) {
            Some(times) => {
                times.runs += 1;
                times.sum += a_sample;
            }
            None => times.push(Times {
                size,
                runs: 1,
                sum: a_sample,
            }),
        }
    }

    fn times(&self) -> MutexGuard<'_, Vec<Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    fn mean(self) -> f64 {
        self.sum / f64::from(self.runs.max(1))
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

    #[test]
    fn every_size_is_tried_and_the_fastest_stays() {
        let times = BatchTimes::default();
        let mut tried = Vec::new();
        for _ in 0..40 {
            let size = times.choose(BatchSize::AtMost(6), 6);
            tried.push(size);
            // 9, 8, 12 and 14 milliseconds a sample.
            let a_sample =
                [9.0, 8.0, 12.0, 14.0][[1, 2, 4, 6].iter().position(|one| *one == size).unwrap()];
            times.add(size, a_sample * size as f64);
        }
        assert_eq!(&tried[..12], [1, 1, 1, 2, 2, 2, 4, 4, 4, 6, 6, 6]);
        assert!(tried[12..].iter().all(|size| *size == 2), "{tried:?}");
        assert_eq!(times.choose(BatchSize::Exactly(6), 6), 6);
    }

    #[test]
    fn a_size_that_became_slow_gives_way() {
        let times = BatchTimes::default();
        for (size, milliseconds) in [(1, 5.0), (2, 12.0)] {
            (0..TRIALS).for_each(|_| times.add(size, milliseconds));
        }
        assert_eq!(times.choose(BatchSize::AtMost(2), 2), 1);
        (0..3).for_each(|_| times.add(1, 9.0));
        assert_eq!(times.choose(BatchSize::AtMost(2), 2), 2);
    }
}
