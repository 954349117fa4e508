//! Finds the recipe by which a notebook prepares its pictures, from a few photos and the tensors
//! that it made of them, or the answers that its model gave.
//!
//! Mean and standard deviation need no search: for the right pixels x a tensor is a·x + b in every
//! channel, which least squares find, and what is left over tells whether the pixels are right.
//! So the search goes over decoding, geometry and filter: coarsely over a grid of cell means, then
//! over a few rows of the best places, and in the end over whole pictures, by the very stages that
//! a prediction goes through.

mod candidates;
mod coarse;
mod complete;
mod explain;
mod fit;
mod heat;
mod numbers;
mod parallel;
mod photo;
mod search;
mod target;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::atomic::AtomicBool;

use boxwright_model::package::{ImageDtype, Layout, Preprocess, StrideRounding};

pub use target::Target;

/// What a recipe changes in a package.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The stages before the model.
    pub preprocess: Preprocess,
    /// Order of the tensor's axes.
    pub layout: Layout,
    /// Element type of the tensor.
    pub dtype: ImageDtype,
    /// Width and height of the tensor, in pixels, where all pictures get the same.
    pub size: Option<(usize, usize)>,
    /// What the sides of a tensor of any size are a multiple of.
    pub stride: Option<(usize, StrideRounding)>,
}

/// How well a recipe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It gives exactly what the notebook made; in floating point, but for the last digit.
    Exact,
    /// It comes near.
    Near,
    /// No recipe comes near: another photo, or a step that is random.
    None,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// How well it does.
    pub verdict: Verdict,
    /// The recipe; the nearest where none is exact.
    pub recipe: Option<Recipe>,
    /// Recipes that do as well on these photos, and can't be told apart by them.
    pub same: Vec<Recipe>,
    /// The largest difference, in levels of 0..=255 (of answers: of scores).
    pub max_difference: f64,
    /// The mean difference, likewise.
    pub mean_difference: f64,
    /// Numbers that differ by more than the last digit, and all of them.
    pub differing: (usize, usize),
    /// Where it differs on the first photo: a JPEG, the photo in grey and the differences in red.
    pub heat_map: Option<Vec<u8>>,
}

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
) -> crate::Result<Match> {
    if photos.len() != targets.len() || photos.is_empty() {
        return Err(crate::Error::Shape(format!(
            "There are {} photos and {} tensors, and each photo needs its own.",
            photos.len(),
            targets.len()
        )));
    }
    search::Search::new(photos, targets, max_pixels, threads, cancel).run()
}
