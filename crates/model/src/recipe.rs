//! The preprocessing that a notebook uses, as the search for it reports it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

impl Evidence {
    /// The unit of differences, in words.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Tensors => "levels of 255",
            Self::Answers => "of the largest score",
        }
    }
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
    /// A package's own recipe. Of one without an image input, layout and type are those of `like`.
    pub fn of(package: &Package, like: &Self) -> Self {
        let input = package.image_input();
        let side = |side: Option<u32>| side.and_then(|side| usize::try_from(side).ok());
        Self {
            preprocess: package.preprocess.clone(),
            layout: input.map_or(like.layout, |input| input.layout),
            dtype: input.map_or(like.dtype, |input| input.dtype),
            size: input.and_then(|input| side(input.width).zip(side(input.height))),
            stride: input.and_then(|input| Some((side(input.stride)?, input.stride_rounding))),
        }
    }

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
        let fields = |recipe: &Self| -> serde_json::Map<String, Value> {
            let value = serde_json::to_value(&recipe.preprocess).unwrap_or_default();
            let mut fields = match value {
                Value::Object(fields) => fields,
                _ => serde_json::Map::new(),
            };
            let size = recipe
                .size
                .map(|(width, height)| format!("{width} × {height}"));
            fields.insert("layout".into(), json(&recipe.layout));
            fields.insert("dtype".into(), json(&recipe.dtype));
            fields.insert("stride".into(), json(&recipe.stride));
            fields.insert("width × height".into(), json(&size));
            fields
        };
        let (mine, theirs) = (fields(self), fields(other));
        let names: std::collections::BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        names
            .into_iter()
            .filter(|name| mine.get(*name) != theirs.get(*name))
            .map(|name| (name.clone(), shown(mine.get(name)), shown(theirs.get(name))))
            .collect()
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A value as a package file has it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| shown(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(value) => value.to_string(),
    }
}
