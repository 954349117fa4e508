//! What a guess goes by, and the reasons that it gives.

use std::path::Path;

use super::config;
use crate::model_file::Model;

/// All that a guess goes by.
pub(crate) struct Clues<'a> {
    pub(super) model: &'a Model,
    pub(super) folder: &'a Path,
    /// `preprocessor_config.json` of Hugging Face's libraries, beside the model.
    pub(super) processor: Option<serde_json::Value>,
    /// `config.json`, likewise.
    pub(super) config: Option<serde_json::Value>,
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
        Self {
            model,
            folder,
            processor: config::beside(folder, "preprocessor_config.json"),
            config: config::beside(folder, "config.json"),
            words,
        }
    }

    pub(super) fn says(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// Fields' reasons, as they are found.
#[derive(Default)]
pub(crate) struct Reasons(pub(super) Vec<(String, String)>);

impl Reasons {
    pub(super) fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.0.push((field.into(), reason.into()));
    }
}
