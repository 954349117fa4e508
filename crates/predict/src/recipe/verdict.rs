//! From whole recipes to the answer.

use std::sync::atomic::Ordering;

use boxwright_model::package::ImageDtype;
use boxwright_model::recipe::{Evidence, Recipe, RecipeReport, Verdict};

use super::found::Found;
use super::heat;
use super::photo;
use super::ranking::{decoded_alike, input, none};
use super::search::{Bases, Checked, Search};
use super::target::Target;
use super::verify::Comparison;
use crate::error::Result;

/// A recipe that is further off, in levels (root mean square), is none.
const NOT_NEAR: f64 = 12.0;
/// Recipes that are listed as doing as well.
const LISTED: usize = 24;

/// The answer: the simplest of the exact recipes, else the nearest.
///
/// # Errors
/// [`crate::Error::Sample`] for a photo that can't be decoded.
pub(super) fn find(search: &Search<'_>) -> Result<Found> {
    let (bases, mut checked) = search.run()?;
    // Of halves, what is the same to the last bit leaves no doubt about what is only near.
    let halves = search
        .targets
        .iter()
        .any(|target| target.dtype == ImageDtype::F16);
    let bits = halves && checked.iter().any(|found| found.difference.max == 0.0);
    let is_exact = |found: &Checked| {
        let difference = &found.difference;
        difference.differing == 0 && (!bits || difference.max == 0.0)
    };
    checked.sort_by(|a, b| {
        let key = |found: &Checked| if is_exact(found) { found.cost } else { 0 };
        is_exact(b)
            .cmp(&is_exact(a))
            .then(key(a).cmp(&key(b)))
            .then(a.difference.sum.total_cmp(&b.difference.sum))
            .then(a.cost.cmp(&b.cost))
    });
    let out_of_time = search.cut_short.load(Ordering::Relaxed);
    let Some(best) = checked.first() else {
        return Ok(none(search.started.elapsed(), out_of_time));
    };
    let exact = is_exact(best);
    let verdict = match exact {
        true => Verdict::Exact,
        false if best.difference.mean() <= NOT_NEAR => Verdict::Near,
        false => Verdict::None,
    };
    let same = match exact {
        true => same(
            &bases,
            best,
            checked[1..].iter().filter(|found| is_exact(found)),
        ),
        false => Vec::new(),
    };
    let heat_map = match (exact, search.targets.first()) {
        (false, Some(target)) => Some(heat(search, target, &best.recipe)?),
        _ => None,
    };
    Ok(Found {
        report: RecipeReport {
            verdict,
            evidence: Evidence::Tensors,
            recipe: Some(best.recipe.clone()),
            same,
            max_difference: best.difference.max,
            mean_difference: best.difference.mean(),
            differing: best.difference.differing,
            compared: best.difference.count,
            elapsed_ms: search.started.elapsed().as_secs_f64() * 1000.0,
            out_of_time,
        },
        heat_map,
    })
}

/// What can't be told from the best on these photos.
fn same<'a>(
    bases: &Bases,
    best: &Checked,
    others: impl Iterator<Item = &'a Checked>,
) -> Vec<Recipe> {
    let mut same: Vec<Recipe> = Vec::new();
    for other in others {
        if !same.contains(&other.recipe) && other.recipe != best.recipe {
            same.push(other.recipe.clone());
        }
    }
    same.extend(decoded_alike(&bases[best.base].0, &best.recipe));
    same.truncate(LISTED);
    same
}

/// Where a recipe differs on the first photo: a JPEG.
fn heat(search: &Search<'_>, target: &Target, recipe: &Recipe) -> Result<Vec<u8>> {
    let bytes = search.photos.first().map(Vec::as_slice).unwrap_or_default();
    let photo = photo::decode(bytes, &recipe.preprocess, None, search.max_pixels)?;
    heat::map(
        &mut Comparison::new(search.max_pixels),
        &photo.picture,
        &input(recipe),
        target,
    )
}
