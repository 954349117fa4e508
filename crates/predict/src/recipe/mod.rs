//! Finds the recipe by which a notebook prepares its pictures, from a few photos and the tensors
//! that it made of them, or the answers that its model gave.
//!
//! Mean and standard deviation need no search: for the right pixels x a tensor is a·x + b in every
//! channel, which least squares find, and what is left over tells whether the pixels are right.
//! So the search goes over decoding, geometry and filter: coarsely over a grid of cell means, then
//! over a few rows of the best places, and in the end over whole pictures, by the very stages that
//! a prediction goes through.

mod altered;
mod answers;
mod candidates;
mod coarse;
mod common;
mod complete;
pub mod evidence;
mod explain;
mod fit;
mod found;
mod heat;
mod numbers;
mod parallel;
mod photo;
mod places;
mod ranking;
mod search;
mod target;
#[cfg(test)]
mod tests;
mod verdict;
mod verify;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use search::Search;

pub use answers::{Answer, Answers};
pub use found::Found;
pub use target::Target;

/// Longest that a search takes but for what it has begun: it answers within ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// The recipe that makes these tensors of these photos, one of each.
///
/// # Errors
/// [`crate::Error::Sample`] for a photo that can't be decoded, [`crate::Error::Shape`] where the
/// counts differ.
pub fn from_tensors(
    photos: &[Vec<u8>],
    targets: &[Target],
    max_pixels: u64,
    threads: usize,
    cancel: &AtomicBool,
) -> crate::Result<Found> {
    if photos.len() != targets.len() || photos.is_empty() {
        return Err(crate::Error::Shape(format!(
            "There are {} photos and {} tensors, and each photo needs its own.",
            photos.len(),
            targets.len()
        )));
    }
    let search = Search::new(photos, targets, max_pixels, threads, cancel, PATIENCE);
    verdict::find(&search)
}
