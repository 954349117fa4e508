//! The list of class names of a guessed package: those that come with the model, or a plain list
//! beside it.

use std::path::Path;

use super::clues::Clues;
use super::names;
use crate::package::{Task, read_labels};
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

/// The list for a task with so many classes, where their number is fixed.
pub(crate) fn find(clues: &Clues, task: Task, classes: Option<u64>) -> Option<Found> {
    let fits = |labels: &[String]| {
        let count = labels.len() as u64;
        classes.is_none_or(|classes| match task {
            // The blank, and a space at the end, are often left out of the list.
            Task::Text => (count..=count + 2).contains(&classes),
            Task::Segmentation if reduces(clues) => count == classes || count == classes + 1,
            _ => count == classes,
        })
    };
    let own = || {
        let (labels, from) = names::own(clues.model, clues.folder)?;
        fits(&labels).then_some(())?;
        let what = if task == Task::Text {
            "characters"
        } else {
            "classes"
        };
        let count = labels.len();
        let reason = format!("{from} names {count} {what}; the file is written when saving");
        // A file of that name with other labels stays as it is.
        let file = ["labels.txt", "class-labels.txt", "boxwright-labels.txt"]
            .into_iter()
            .find(|name| is_free(clues.folder, name, &labels))?;
        Some(Found {
            file: file.to_owned(),
            reason,
        })
    };
    let beside = || {
        files(clues.folder, task).into_iter().find_map(|name| {
            let (path, _) = paths::resolve(clues.folder, &name).ok()?;
            let labels = read_labels(&path).ok().filter(|labels| fits(labels))?;
            let reason = format!(
                "it lies beside the model and names {} classes",
                labels.len()
            );
            Some(Found { file: name, reason })
        })
    };
    own().or_else(beside)
}

/// Whether labels may be written as `name`: nothing is there, or they are.
fn is_free(folder: &Path, name: &str, labels: &[String]) -> bool {
    let path = folder.join(name);
    !path.exists() || read_labels(&path).is_ok_and(|there| there == labels)
}

/// Whether the processor says that the labels begin with a background that the model leaves out.
pub(crate) fn reduces(clues: &Clues) -> bool {
    let processor = clues.processor.as_ref();
    let flag = |key: &str| processor.and_then(|config| config.get(key)?.as_bool());
    flag("do_reduce_labels").or(flag("reduce_labels")) == Some(true)
}

/// Names of files in the folder that may hold labels, the surest first.
fn files(folder: &Path, task: Task) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries
        .take(MOST_FILES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ranked: Vec<(usize, String)> = names
        .filter_map(|name| Some((rank(&name, task)?, name)))
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, name)| name).collect()
}

fn rank(name: &str, task: Task) -> Option<usize> {
    let lower = name.to_lowercase();
    if let Some(rank) = NAMES.iter().position(|known| *known == lower) {
        return Some(rank);
    }
    let words: &[&str] = match task {
        Task::Text => &["label", "char", "dict", "keys", "alphabet", "vocab"],
        _ => &["label", "class", "names"],
    };
    let text = lower.ends_with(".txt") && words.iter().any(|word| lower.contains(word));
    (text || lower.ends_with(".names")).then_some(NAMES.len())
}
