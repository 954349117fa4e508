//! The preprocessing that a notebook uses, as the search for it reports it.

use serde::{Deserialize, Serialize};

use crate::package::{ImageDtype, InputKind, Layout, Package, Preprocess, StrideRounding};

/// What a recipe changes in a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Recipe {
    /// The stages before the model.
    pub preprocess: Preprocess,
    /// Order of the tensor's axes.
    pub layout: Layout,
    /// Element type of the tensor.
    pub dtype: ImageDtype,
    /// Width and height of the tensor, in pixels, where all pictures get the same.
    pub size: Option<(usize, usize)>,
    /// What the sides of a tensor of any size are a multiple of, in pixels, and how they become so.
    pub stride: Option<(usize, StrideRounding)>,
}

/// How well a recipe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It gives exactly what the notebook made; in floating point, but for the last digits.
    Exact,
    /// It comes near.
    Near,
    /// No recipe comes near: another photo, or a step that is random.
    None,
}

/// What a recipe was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Tensors; differences are in levels of 0..=255.
    Tensors,
    /// The model's answers; differences are in scores.
    Answers,
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeReport {
    /// How well the recipe does.
    pub verdict: Verdict,
    /// What it was held against.
    pub evidence: Evidence,
    /// The recipe; the nearest where none is exact.
    pub recipe: Option<Recipe>,
    /// Recipes that do as well on these photos, and can't be told apart by them.
    pub same: Vec<Recipe>,
    /// The largest difference; 0 where there is no recipe.
    pub max_difference: f64,
    /// The mean difference, likewise.
    pub mean_difference: f64,
    /// Numbers that differ by more than their last digits.
    pub differing: usize,
    /// Numbers that were compared.
    pub compared: usize,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
    /// Whether time ran out before every recipe was tried: what is named is the best so far.
    #[serde(default)]
    pub out_of_time: bool,
}

impl Recipe {
    /// Puts the recipe into a package. Sizes are left as they are where the recipe fits any.
    pub fn apply(&self, package: &mut Package) {
        package.preprocess = self.preprocess.clone();
        let image = |input: &&mut crate::package::Input| input.kind == InputKind::Image;
        let Some(input) = package.input.iter_mut().find(image) else {
            return;
        };
        (input.layout, input.dtype) = (self.layout, self.dtype);
        let side = |side: usize| u32::try_from(side).ok();
        (input.width, input.height) = match self.size {
            Some((width, height)) => (side(width), side(height)),
            None => (None, None),
        };
        input.stride = self.stride.and_then(|(stride, _)| side(stride));
        input.stride_rounding = self
            .stride
            .map(|(_, rounding)| rounding)
            .unwrap_or_default();
    }

    /// The fields in which two recipes differ, as in a package file, with both values.
    pub fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let fields = |recipe: &Self| -> serde_json::Map<String, serde_json::Value> {
            let text = |value| serde_json::to_value(value).unwrap_or_default();
            let mut fields = match text(&recipe.preprocess) {
                serde_json::Value::Object(fields) => fields,
                _ => serde_json::Map::new(),
            };
            fields.insert(
                "stride".into(),
                serde_json::to_value(recipe.stride).unwrap_or_default(),
            );
            fields.insert(
                "width × height".into(),
                serde_json::to_value(recipe.size).unwrap_or_default(),
            );
            fields
        };
        let (mine, theirs) = (fields(self), fields(other));
        let shown = |value: Option<&serde_json::Value>| match value {
            Some(serde_json::Value::String(text)) => text.clone(),
            None | Some(serde_json::Value::Null) => "none".to_owned(),
            Some(value) => value.to_string(),
        };
        let names: std::collections::BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        names
            .into_iter()
            .filter(|name| mine.get(*name) != theirs.get(*name))
            .map(|name| (name.clone(), shown(mine.get(name)), shown(theirs.get(name))))
            .collect()
    }
}
