//! A file that a notebook saved, read as far as it takes to propose photos for it: of how many
//! photos it is, and of which. What is found is a hint: what counts is how the worker reads it.

use std::io::Read;
use std::path::{Path, PathBuf};

use boxwright_model::recipe::Evidence;
use boxwright_tensor::{npy, npz, pt};
use serde_json::Value;

use crate::failure::{Code, Failure};
use crate::recipe::{MAX_BYTES, guess_evidence};

/// Deepest list of a JSON file that is looked into.
const MAX_DEPTH: usize = 8;
/// What the weights of a model are called in a checkpoint.
const WEIGHTS: [&str; 5] = [
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "num_batches_tracked",
];

/// A file, and what it holds.
#[derive(Debug, Clone)]
pub struct NotebookFile {
    /// The file.
    pub path: PathBuf,
    /// Its name, for showing.
    pub name: String,
    /// What it holds, or why it can't be read.
    pub content: Result<Content, Failure>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Arrays.
    Arrays(Vec<NamedShape>),
    /// What a model answered, in text: for each photo the words that stand with it.
    Answers(Vec<String>),
}

/// An array without its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedShape {
    /// The key that it is saved under; empty where it has none.
    pub name: String,
    /// Axes, outermost first.
    pub shape: Vec<usize>,
}

impl NotebookFile {
    /// Reads a file.
    pub fn read(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            content: content(&path),
            path,
        }
    }

    fn stem(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(&self.name, |(stem, _)| stem)
    }
}

/// Whether a file of `torch.save` holds tensors of photos, and not the weights of a model.
pub fn is_torch_evidence(path: &Path) -> bool {
    let Ok(Content::Arrays(tensors)) = content(path) else {
        return false;
    };
    let is_weight = |tensor: &NamedShape| WEIGHTS.iter().any(|end| tensor.name.ends_with(end));
    !tensors.iter().any(is_weight)
}

/// What files hold, by their shapes, or else by their names and sizes: a hint.
pub fn evidence(files: &[NotebookFile]) -> Evidence {
    let is_picture = |file: &NotebookFile| match &file.content {
        Ok(Content::Arrays(arrays)) => arrays.iter().any(|array| array.shape.len() > 2),
        Ok(Content::Answers(_)) => false,
        Err(_) => guess_evidence(&file.path) == Evidence::Tensors,
    };
    match files.iter().any(is_picture) {
        true => Evidence::Tensors,
        false => Evidence::Answers,
    }
}

/// The words that stand with each photo that the files are of, in their order; empty where there
/// are none.
pub fn photo_words(files: &[NotebookFile], evidence: Evidence) -> Vec<String> {
    let arrays = files.iter().filter_map(|file| match &file.content {
        Ok(Content::Arrays(arrays)) => Some(arrays.len()),
        _ => None,
    });
    // Several arrays are one of each photo.
    let is_one = arrays.sum::<usize>() == 1;
    let mut words = Vec::new();
    for file in files {
        match &file.content {
            Ok(Content::Answers(each)) => words.extend(each.iter().cloned()),
            Ok(Content::Arrays(arrays)) => {
                for array in arrays {
                    let rows = match evidence {
                        Evidence::Tensors if !is_one => 1,
                        Evidence::Tensors => pictures(&array.shape),
                        Evidence::Answers => answers(&array.shape),
                    };
                    // The name of a file with several says nothing about each.
                    let own = match (rows, arrays.len()) {
                        (1, 1) => format!("{}/{}", file.stem(), array.name),
                        (1, _) => array.name.clone(),
                        _ => String::new(),
                    };
                    words.extend(std::iter::repeat_n(own, rows));
                }
            }
            Err(_) => {}
        }
    }
    words
}

/// How many pictures an array is of.
fn pictures(shape: &[usize]) -> usize {
    let is_channels = |length: usize| length == 1 || length == 3;
    match *shape {
        [first, _, last] if is_channels(first) || is_channels(last) => 1,
        [count, _, _] | [count, _, _, _] => count,
        _ => 1,
    }
}

/// How many photos an array of scores is of.
fn answers(shape: &[usize]) -> usize {
    match *shape {
        [count, _, ..] => count,
        _ => 1,
    }
}

fn content(path: &Path) -> Result<Content, Failure> {
    let bytes = read(path)?;
    let extension = path.extension().unwrap_or_default();
    match extension.to_string_lossy().to_lowercase().as_str() {
        "csv" | "txt" => Ok(Content::Answers(csv(&String::from_utf8_lossy(&bytes)))),
        "json" => json(&bytes),
        "pt" | "pth" => torch(&bytes),
        _ => arrays(&bytes),
    }
    .and_then(|content| match &content {
        Content::Answers(each) if each.is_empty() => Err("it holds no scores".to_owned()),
        _ => Ok(content),
    })
    .map_err(|reason| unreadable(path, &reason))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    // Reading a pipe or a device could block.
    if !path.is_file() {
        return Err(unreadable(path, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error.to_string()))?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(unreadable(path, "it is larger than 512 MiB")),
        false => Ok(bytes),
    }
}

fn unreadable(path: &Path, reason: &str) -> Failure {
    let name = path.file_name().unwrap_or(path.as_os_str());
    // The formats' own errors begin with what is said here.
    let reason = reason
        .split_once("can't be read: ")
        .map_or(reason, |(_, why)| why);
    Failure::new(
        Code::SampleUnreadable,
        format!(
            "{} can't be read: {}",
            name.to_string_lossy(),
            reason.trim_end_matches('.')
        ),
        "Save the tensor of each photo with numpy.save, or the model's scores as CSV or JSON.",
    )
}

fn torch(bytes: &[u8]) -> Result<Content, String> {
    let tensors = pt::read(bytes)?.into_iter();
    let shapes = tensors.map(|tensor| NamedShape {
        name: tensor.name,
        shape: tensor.shape,
    });
    Ok(Content::Arrays(shapes.collect()))
}

fn arrays(bytes: &[u8]) -> Result<Content, String> {
    if pt::is_zip(bytes) {
        let arrays = npz::read_all(bytes).map_err(|error| error.to_string())?;
        let shapes = arrays.into_iter().map(|array| NamedShape {
            name: array.name,
            shape: array.shape,
        });
        return Ok(Content::Arrays(shapes.collect()));
    }
    let array = npy::Array::parse(bytes).map_err(|error| error.to_string())?;
    let (name, shape) = (String::new(), array.shape);
    Ok(Content::Arrays(vec![NamedShape { name, shape }]))
}

/// The words of each line that has numbers.
fn csv(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let (numbers, words): (Vec<&str>, Vec<&str>) = line
            .split([',', ';', '\t'])
            .map(str::trim)
            .partition(|cell| cell.parse::<f32>().is_ok());
        (!numbers.is_empty()).then(|| words.join("/"))
    };
    text.lines().filter_map(line).collect()
}

fn json(bytes: &[u8]) -> Result<Content, String> {
    let value = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    let mut rows = Vec::new();
    collect(&value, "", &mut rows, 0);
    Ok(Content::Answers(rows))
}

/// Lists of scores, or of classes with theirs, each with the keys above it and its sample's name.
fn collect(value: &Value, words: &str, rows: &mut Vec<String>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let is_score =
        |item: &Value| item.is_number() || item.get("score").is_some_and(Value::is_number);
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(is_score) => {
            rows.push(words.to_owned());
        }
        Value::Array(items) => {
            for item in items {
                collect(item, words, rows, depth + 1);
            }
        }
        Value::Object(fields) => {
            let sample = fields.values().find_map(Value::as_str).unwrap_or_default();
            for (key, field) in fields {
                collect(field, &format!("{words}/{sample}/{key}"), rows, depth + 1);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: Content) -> NotebookFile {
        NotebookFile {
            path: name.into(),
            name: name.to_owned(),
            content: Ok(content),
        }
    }

    fn arrays_of(shapes: &[(&str, &[usize])]) -> Content {
        let shape = |(name, shape): &(&str, &[usize])| NamedShape {
            name: (*name).to_owned(),
            shape: shape.to_vec(),
        };
        Content::Arrays(shapes.iter().map(shape).collect())
    }

    #[test]
    fn an_array_is_of_as_many_photos_as_the_worker_reads_it_as() {
        for (shape, evidence, expected) in [
            (&[3, 224, 224][..], Evidence::Tensors, 1),
            (&[224, 224, 3], Evidence::Tensors, 1),
            (&[2, 3, 224, 224], Evidence::Tensors, 2),
            (&[5, 64, 64], Evidence::Tensors, 5),
            (&[64, 64], Evidence::Tensors, 1),
            (&[1000], Evidence::Answers, 1),
            (&[2, 1000], Evidence::Answers, 2),
        ] {
            let files = [file("x.npy", arrays_of(&[("", shape)]))];
            assert_eq!(photo_words(&files, evidence).len(), expected, "{shape:?}");
            assert_eq!(
                super::evidence(&files) == Evidence::Tensors,
                shape.len() > 2
            );
        }
    }

    #[test]
    fn keys_and_file_names_name_the_photos() {
        let keyed = arrays_of(&[("cat", &[3, 8, 8]), ("dog", &[3, 8, 8])]);
        let files = [file("batch.npz", keyed)];
        assert_eq!(photo_words(&files, Evidence::Tensors), ["cat", "dog"]);
        let one = |name| file(name, arrays_of(&[("", &[3, 8, 8])]));
        let files = [one("cat.npy"), one("dog.npy")];
        assert_eq!(photo_words(&files, Evidence::Tensors), ["cat/", "dog/"]);
        let files = [file("cat.npy", arrays_of(&[("", &[2, 3, 8, 8])]))];
        assert_eq!(photo_words(&files, Evidence::Tensors), ["", ""]);
    }

    #[test]
    fn text_has_a_row_for_each_photo_with_its_words() {
        assert_eq!(
            csv("photo,tench,shark\ncat.jpg,0.25,0.75\n0.5,0.5\n\n"),
            ["cat.jpg", ""]
        );
        let of = |text: &str| json(text.as_bytes());
        let preview = r#"{"results": [{"sample": "cat.jpg", "classPredictions": [{"class": "tiger cat", "score": 0.4}]}]}"#;
        let Ok(Content::Answers(rows)) = of(preview) else {
            panic!("answers")
        };
        assert_eq!(rows.len(), 1);
        assert!(rows[0].contains("cat.jpg"), "{rows:?}");
        assert_eq!(
            of("[[0.1, 0.9], [1, 0]]"),
            Ok(Content::Answers(vec![String::new(); 2]))
        );
        assert!(of("{").is_err());
    }

    #[test]
    fn weights_are_no_evidence_and_a_damaged_file_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cat.npy");
        std::fs::write(&path, b"\x93NUMPY").expect("written");
        let file = NotebookFile::read(path.clone());
        let failure = file.content.expect_err("damaged");
        assert!(
            failure.message.starts_with("cat.npy can't be read: "),
            "{failure}"
        );
        assert!(!is_torch_evidence(&path));
    }
}
