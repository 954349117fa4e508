//! Where the class names are: in a file beside the model, in the model, or in `config.json`.

use std::path::Path;

use serde_json::Value;

use super::clues::Clues;
use super::config;
use crate::inspect::Model;
use crate::package::{Postprocess, labels, read_labels};
use crate::paths;

/// Files of a folder that are looked at.
const MOST_FILES: usize = 1000;
/// Names of files with labels, the surest first.
const NAMES: [&str; 6] = [
    "labels.txt",
    "classes.txt",
    "class_names.txt",
    "imagenet_classes.txt",
    "imagenet_labels.txt",
    "synset_words.txt",
];

/// The labels file of a guessed package.
pub(crate) struct Found {
    /// Its name; it may have to be written first.
    pub(crate) file: String,
    pub(crate) reason: String,
}

pub(crate) fn find(clues: &Clues, postprocess: &Postprocess) -> Option<Found> {
    let outputs = &clues.model.summary.signature.outputs;
    let scores = outputs
        .iter()
        .find(|spec| Some(&spec.name) == postprocess.output.as_ref())?;
    let fits = |labels: &[String]| {
        scores
            .classes()
            .is_none_or(|count| count == labels.len() as u64)
    };
    let beside = files(clues.folder).into_iter().find_map(|name| {
        let (path, _) = paths::resolve(clues.folder, &name).ok()?;
        let labels = read_labels(&path).ok().filter(|labels| fits(labels))?;
        let reason = format!(
            "it lies beside the model and names {} classes",
            labels.len()
        );
        Some(Found { file: name, reason })
    });
    beside.or_else(|| {
        let (labels, from) = own(clues.model, clues.folder).filter(|(labels, _)| fits(labels))?;
        let count = labels.len();
        let reason = format!("{from} names {count} classes; the file is written when saving");
        // A file of that name with other labels stays as it is.
        let file = ["labels.txt", "class-labels.txt", "boxwright-labels.txt"]
            .into_iter()
            .find(|name| !clues.folder.join(name).exists())?;
        Some(Found {
            file: file.to_owned(),
            reason,
        })
    })
}

/// Class names in the model's metadata or in `config.json` beside it, and where they were found.
pub(crate) fn own(model: &Model, folder: &Path) -> Option<(Vec<String>, &'static str)> {
    if let Some(labels) = &model.labels {
        return Some((labels.clone(), "the model's metadata"));
    }
    let config = config::beside(folder, "config.json")?;
    from_config(&config).map(|labels| (labels, "config.json"))
}

/// `id2label` of Transformers, or `label_names` of timm.
fn from_config(config: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
    let names: Vec<String> = match config.get("id2label") {
        Some(Value::Object(pairs)) => {
            let pairs = pairs
                .iter()
                .map(|(id, name)| Some((id.parse().ok()?, text(name)?)));
            labels::by_index(pairs.collect::<Option<Vec<_>>>()?)?
        }
        _ => {
            let names = config.get("label_names")?.as_array()?;
            names.iter().map(text).collect::<Option<_>>()?
        }
    };
    // What Transformers writes where nobody named the classes.
    let placeholders = names
        .iter()
        .enumerate()
        .all(|(id, name)| *name == format!("LABEL_{id}"));
    let proper = labels::parse_labels(&labels::to_text(&names)).is_ok_and(|read| read == names);
    (proper && !placeholders).then_some(names)
}

/// Names of files in the folder that may hold labels, the surest first.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries
        .take(MOST_FILES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ranked: Vec<(usize, String)> = names
        .filter_map(|name| Some((rank(&name)?, name)))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, name)| name).collect()
}

fn rank(name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    if let Some(rank) = NAMES.iter().position(|known| *known == lower) {
        return Some(rank);
    }
    let text = lower.ends_with(".txt")
        && ["label", "class", "names"]
            .iter()
            .any(|w| lower.contains(w));
    (text || lower.ends_with(".names")).then_some(NAMES.len())
}
