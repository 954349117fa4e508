//! What a guess goes by, and the reasons that it gives.

use std::path::Path;

use boxwright_tensor::TensorSpec;
use serde_json::Value;

use super::config;
use super::facts::Ultralytics;
use super::names;
use crate::model_file::Model;

/// All that a guess goes by.
pub(crate) struct Clues<'a> {
    pub(super) model: &'a Model,
    pub(super) folder: &'a Path,
    /// `preprocessor_config.json` of Hugging Face's libraries, beside the model.
    pub(super) processor: Option<serde_json::Value>,
    /// `config.json`, likewise.
    pub(super) config: Option<serde_json::Value>,
    /// What Ultralytics' exporter left in the metadata.
    pub(super) ultralytics: Option<Ultralytics>,
    /// Class names that come with the model, in it or beside it, apart from lists of text.
    pub(super) names: Option<Vec<String>>,
    /// What Transformers calls the model and its processor, in lower case, letters and digits only.
    architecture: String,
    /// What the model is called and says of itself, in lower case.
    pub(super) words: String,
}

impl<'a> Clues<'a> {
    pub(super) fn new(model: &'a Model, folder: &'a Path) -> Self {
        let metadata = [
            "description",
            "model_type",
            "architecture",
            "author",
            "task",
            "head",
        ]
        .map(|key| model.metadata.get(key).map_or("", String::as_str));
        let folder_name = folder.file_name().unwrap_or_default().to_string_lossy();
        let words = [
            &model.summary.file,
            &*folder_name,
            &*model.description,
            &*model.summary.producer,
            &metadata.join(" "),
        ]
        .join(" ")
        .to_lowercase();
        let processor = config::beside(folder, "preprocessor_config.json");
        let config = config::beside(folder, "config.json");
        Self {
            model,
            folder,
            architecture: architecture(config.as_ref(), processor.as_ref()),
            processor,
            config,
            ultralytics: Ultralytics::of(&model.metadata, &words),
            names: names::own(model, folder).map(|(names, _)| names),
            words,
        }
    }

    pub(super) fn outputs(&self) -> &'a [TensorSpec] {
        &self.model.summary.signature.outputs
    }

    pub(super) fn inputs(&self) -> &'a [TensorSpec] {
        &self.model.summary.signature.inputs
    }

    /// How many classes are named with the model.
    pub(super) fn named_classes(&self) -> Option<u64> {
        self.names.as_ref().map(|names| names.len() as u64)
    }

    /// Whether `model_type`, `architectures` or the processor's name has one of these words, in
    /// lower case and without `_` and `-`.
    pub(super) fn architecture(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.architecture.contains(word))
    }

    /// The last operator that computes an output, where the graph says.
    pub(super) fn last_operator(&self, spec: &TensorSpec) -> Option<&str> {
        let operators = self.model.output_operators.get(&spec.name)?;
        operators.last().map(String::as_str)
    }

    pub(super) fn says(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// What Transformers calls a model and its processor.
fn architecture(config: Option<&Value>, processor: Option<&Value>) -> String {
    let text = |value: Option<&Value>, key: &str| {
        let text = value.and_then(|value| value.get(key)?.as_str());
        text.unwrap_or_default().to_owned()
    };
    let listed = config.and_then(|config| config.get("architectures")?.as_array());
    let listed = listed.into_iter().flatten().take(16);
    let listed: Vec<&str> = listed.filter_map(Value::as_str).collect();
    let words = [
        text(config, "model_type"),
        listed.join(" "),
        text(processor, "image_processor_type"),
        text(processor, "feature_extractor_type"),
    ];
    let mut words = words.join(" ").to_lowercase();
    words.retain(|c| c.is_ascii_alphanumeric() || c == ' ');
    words
}

/// Fields' reasons, as they are found.
#[derive(Default)]
pub(crate) struct Reasons(pub(super) Vec<(String, String)>);

impl Reasons {
    pub(super) fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.0.push((field.into(), reason.into()));
    }
}
