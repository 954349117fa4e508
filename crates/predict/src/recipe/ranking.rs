//! Which of several recipes is named, and what is as good.

use std::time::Duration;

use boxwright_model::package::{Arithmetic, Crop, Decode, Preprocess, Resize};
use boxwright_model::pipeline::ImageInput;
use boxwright_model::recipe::{Evidence, Recipe, RecipeReport, Verdict};

use super::candidates;
use super::found::Found;
use super::photo::Base;

/// The answer where no recipe comes near.
pub(super) fn none(elapsed: Duration, out_of_time: bool) -> Found {
    Found {
        report: RecipeReport {
            verdict: Verdict::None,
            evidence: Evidence::Tensors,
            recipe: None,
            same: Vec::new(),
            max_difference: 0.0,
            mean_difference: 0.0,
            differing: 0,
            compared: 0,
            elapsed_ms: elapsed.as_secs_f64() * 1000.0,
            out_of_time,
        },
        heat_map: None,
    }
}

/// The model input that a recipe makes.
pub(super) fn input(recipe: &Recipe) -> ImageInput {
    ImageInput {
        name: String::new(),
        layout: recipe.layout,
        dtype: recipe.dtype,
        size: recipe.size,
        stride: recipe.stride,
        preprocess: recipe.preprocess.clone(),
        batch: boxwright_tensor::BatchAxis::Dynamic,
    }
}

/// Recipes that differ from this one by ways to decode that give the same pixels.
pub(super) fn decoded_alike(base: &Base, recipe: &Recipe) -> Vec<Recipe> {
    let alike = |way: &Preprocess| {
        let mut recipe = recipe.clone();
        (recipe.preprocess.decode, recipe.preprocess.exif) = (way.decode, way.exif);
        recipe
    };
    // Only Pillow drafts.
    let drafts = |way: &&Preprocess| !recipe.preprocess.draft || way.decode == Decode::Pillow;
    base.same.iter().filter(drafts).map(alike).collect()
}

/// How far a recipe is from what most people do; of several exact ones the least is named.
pub(super) fn cost(recipe: &Recipe) -> u32 {
    let preprocess = &recipe.preprocess;
    let library = match preprocess.filter.name() {
        name if name.starts_with("format1") => 40,
        name if name.starts_with("torchvision") => 4,
        name if name.starts_with("opencv") => 5,
        name if name.starts_with("tensorflow") => 6,
        _ => 0,
    };
    let side = recipe
        .size
        .map_or(0, |(width, height)| width.min(height) as u32);
    let size = match (preprocess.size, preprocess.resize) {
        (Some(size), Resize::ShortSide) => candidates::oddness(size, side),
        (Some(size), _) => 2 + candidates::oddness(size, side),
        (None, _) => 0,
    };
    let rounding = preprocess.long_side.map_or(0, |rounding| rounding as u32);
    let arithmetic = u32::from(preprocess.arithmetic != Arithmetic::Fused);
    let crop = u32::from(preprocess.crop == Crop::CenterFloor);
    let depth = preprocess.resize_in as u32;
    let align = preprocess.align as u32;
    let resize = match preprocess.resize {
        Resize::Stretch | Resize::ShortSide => 0,
        Resize::None => 1,
        Resize::Letterbox | Resize::LongSide => 2,
        Resize::Thumbnail => 3,
    };
    let central = u32::from(preprocess.central_crop.is_some()) * 3;
    library + size + rounding + arithmetic + crop + depth + align + resize + central
}
