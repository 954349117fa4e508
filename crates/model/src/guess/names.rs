//! Class names that come with a model, apart from plain lists: in its metadata, in a configuration
//! beside it, or in a list whose lines begin with their numbers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::config;
use super::direction::{CLASSES, is_direction};
use crate::model_file::Model;
use crate::package::{labels, read_labels};
use crate::paths;

/// Most bytes of a list or of a data set's description.
const LARGEST: u64 = 4 << 20;

/// Class names that come with the model, and where they were found.
pub(crate) fn own(model: &Model, folder: &Path) -> Option<(Vec<String>, &'static str)> {
    if let Some(labels) = model
        .labels
        .as_ref()
        .filter(|names| !are_placeholders(names))
    {
        return Some((labels.clone(), "the model's metadata"));
    }
    let json = |name: &'static str, read: fn(&Value) -> Option<Vec<String>>| {
        let value = config::beside(folder, name)?;
        Some((proper(read(&value)?)?, name))
    };
    json("config.json", from_config)
        // Teachable Machine's.
        .or_else(|| json("metadata.json", |value| listed(value.get("labels")?)))
        // Lobe's.
        .or_else(|| {
            json("signature.json", |value| {
                listed(value.get("classes")?.get("Label")?)
            })
        })
        .or_else(|| json("labels.json", from_labels))
        .or_else(|| json("classes.json", from_labels))
        .or_else(|| list_in_json(folder))
        .or_else(|| data_set(folder))
        .or_else(|| table(folder))
        .or_else(|| numbered(folder))
        .or_else(|| {
            let classes = CLASSES.map(str::to_owned).to_vec();
            is_direction(model).then_some((classes, "PP-OCR's own code"))
        })
}

/// Names that stand for none: those that exporters make up from the index.
fn are_placeholders(names: &[String]) -> bool {
    let made_up = ["LABEL_", "label_", "class_", "class"];
    names.iter().enumerate().all(|(id, name)| {
        let id = id.to_string();
        let rest = |word: &&str| name.strip_prefix(word) == Some(&id);
        made_up.iter().any(rest)
    })
}

/// The names, if a file of labels can hold them.
fn proper(names: Vec<String>) -> Option<Vec<String>> {
    let read = labels::parse_labels(&labels::to_text(&names)).ok()?;
    (read == names && !are_placeholders(&names)).then_some(names)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(|text| text.trim().to_owned())
}

fn listed(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

fn by_number(value: &Value) -> Option<Vec<String>> {
    let pairs = value.as_object()?.iter();
    let pair = |(key, value): (&String, &Value)| match value {
        // The other way round: `{"cat": 0}`.
        Value::Number(id) => Some((id.as_u64()?, key.trim().to_owned())),
        // Keras' `{"0": ["n01440764", "tench"]}`.
        Value::Array(names) => Some((key.parse().ok()?, text(names.last()?)?)),
        _ => Some((key.parse().ok()?, text(value)?)),
    };
    let pairs: Vec<_> = pairs.map(pair).collect::<Option<_>>()?;
    let count = pairs.len();
    labels::by_index(pairs).filter(|names| names.len() == count)
}

/// `id2label` of Transformers, or `label_names` of timm.
fn from_config(config: &Value) -> Option<Vec<String>> {
    match config.get("id2label") {
        Some(pairs @ Value::Object(_)) => by_number(pairs),
        _ => listed(config.get("label_names")?),
    }
}

/// `{"labels": […]}`, `{"0": "cat"}` or `{"cat": 0}`.
fn from_labels(value: &Value) -> Option<Vec<String>> {
    for key in ["labels", "classes", "names", "id2label"] {
        if let Some(inner) = value.get(key) {
            return listed(inner).or_else(|| by_number(inner));
        }
    }
    by_number(value)
}

/// The text of a small file beside the model.
fn read(folder: &Path, name: &str) -> Option<String> {
    let (path, length) = paths::resolve(folder, name).ok()?;
    if length > LARGEST {
        return None;
    }
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(LARGEST)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

/// A list in JSON: `["cat", "dog"]`.
fn list_in_json(folder: &Path) -> Option<(Vec<String>, &'static str)> {
    ["labels.json", "classes.json"]
        .into_iter()
        .find_map(|name| {
            let value: Value = serde_json::from_str(&read(folder, name)?).ok()?;
            Some((proper(listed(&value)?)?, name))
        })
}

/// `names` in the description of a data set of Ultralytics or YOLOv5, of which only the forms that
/// they write are read.
fn data_set(folder: &Path) -> Option<(Vec<String>, &'static str)> {
    ["data.yaml", "data.yml", "dataset.yaml"]
        .into_iter()
        .find_map(|name| Some((proper(from_yaml(&read(folder, name)?)?)?, name)))
}

fn from_yaml(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines();
    let first = lines.find_map(|line| line.strip_prefix("names:"))?;
    let first = first.split(" #").next().unwrap_or_default().trim();
    if first.starts_with(['[', '{']) {
        // Such a list may go on over several lines, and its names need no quotes.
        let end = if first.starts_with('[') { ']' } else { '}' };
        let mut inner = first.to_owned();
        while !inner.contains(end) {
            inner.push(' ');
            inner.push_str(lines.next()?.trim());
        }
        return labels::from_value(&inner).or_else(|| unquoted(&inner));
    }
    let rows = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '\t', '-', '#']));
    let mut names = Vec::new();
    for row in rows.map(|row| row.split(" #").next().unwrap_or_default().trim()) {
        let name = match (row.strip_prefix("- "), row.split_once(':')) {
            _ if row.is_empty() || row.starts_with('#') => continue,
            (Some(name), _) => name,
            (None, Some((index, name))) if index.trim().parse() == Ok(names.len()) => name,
            _ => return None,
        };
        names.push(name.trim().trim_matches(['"', '\'']).to_owned());
    }
    (!names.is_empty()).then_some(names)
}

fn unquoted(list: &str) -> Option<Vec<String>> {
    let inner = list.strip_prefix('[')?.split(']').next()?;
    let name = |name: &str| name.trim().trim_matches(['"', '\'']).to_owned();
    Some(
        inner
            .split(',')
            .map(name)
            .filter(|name| !name.is_empty())
            .collect(),
    )
}

/// A table of numbers and names, with or without a line of titles.
fn table(folder: &Path) -> Option<(Vec<String>, &'static str)> {
    ["labels.csv", "classes.csv", "class_dict.csv"]
        .into_iter()
        .find_map(|name| Some((proper(from_table(&read(folder, name)?)?)?, name)))
}

fn from_table(text: &str) -> Option<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let cell = |cell: &str| cell.trim().trim_matches('"').to_owned();
    let mut rows = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .peekable();
    let titles: Vec<String> = rows
        .peek()?
        .split(',')
        .map(|title| cell(title).to_lowercase())
        .collect();
    let title = titles.iter().position(|title| {
        ["name", "label", "class", "class_name", "display_name"].contains(&&**title)
    });
    if title.is_some() {
        rows.next();
    }
    let numbered = |row: &str| {
        let (number, name) = row.split_once(',')?;
        Some((number.trim().parse::<u64>().ok()?, cell(name)))
    };
    let rows: Vec<&str> = rows.collect();
    let pairs: Option<Vec<_>> = rows.iter().map(|row| numbered(row)).collect();
    if let Some(names) = pairs
        .filter(|_| titles.len() == 2)
        .and_then(labels::by_index)
    {
        return Some(names);
    }
    let column = title.unwrap_or(0);
    rows.iter()
        .map(|row| row.split(',').nth(column).map(cell))
        .collect()
}

/// Teachable Machine's `labels.txt`: `0 cat`, and COCO's likewise.
fn numbered(folder: &Path) -> Option<(Vec<String>, &'static str)> {
    let (path, _) = paths::resolve(folder, "labels.txt").ok()?;
    let lines = read_labels(&path).ok()?;
    Some((
        proper(without_numbers(&lines)?)?,
        "labels.txt, without its numbers,",
    ))
}

/// The names behind the lines' own numbers, from 0 on, if all lines have theirs.
pub(crate) fn without_numbers(lines: &[String]) -> Option<Vec<String>> {
    let name = |(index, line): (usize, &String)| {
        let rest = line.strip_prefix(&index.to_string())?;
        let name = rest.strip_prefix([' ', '\t', ':', ','])?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    };
    lines.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_description_of_a_data_set_are_read_in_every_usual_form() {
        for text in [
            "path: x\nnc: 2\nnames: ['cat', 'big dog']\n",
            "names: [cat, big dog]  # two\n",
            "names:\n  0: cat\n  1: big dog\nroboflow: x\n",
            "names:\n- cat\n- \"big dog\"\n",
            "names: {0: 'cat', 1: 'big dog'}\n",
            "names: ['cat',\n  'big dog']\n",
        ] {
            assert_eq!(from_yaml(text).unwrap(), ["cat", "big dog"], "{text}");
        }
        for text in [
            "nc: 2\n",
            "names: !!python/object/apply:os.system [ls]\n",
            "names: [cat\n",
        ] {
            assert_eq!(from_yaml(text), None, "{text}");
        }
    }

    #[test]
    fn tables_and_numbered_lines_are_read() {
        for text in [
            "cat\nbig dog\n",
            "0,cat\n1,big dog\n",
            "id,name\n0,cat\n1,big dog\n",
            "name,r,g,b\ncat,0,0,0\nbig dog,1,1,1\n",
        ] {
            assert_eq!(from_table(text).unwrap(), ["cat", "big dog"], "{text}");
        }
        let lines = ["0 cat", "1 big dog"].map(str::to_owned);
        assert_eq!(without_numbers(&lines).unwrap(), ["cat", "big dog"]);
        let lines = ["7 cat", "1 dog"].map(str::to_owned);
        assert_eq!(without_numbers(&lines), None);
    }
}
