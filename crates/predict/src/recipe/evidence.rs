//! What a notebook saved: tensors, or what its model answered, in the files that notebooks write.

use boxwright_model::package::Layout;
use boxwright_tensor::{Tensor, npy, npz, pt};
use serde_json::Value;

use super::answers::{Answer, Answers};
use super::target::{Target, floats};
use crate::error::{Error, Result};

/// A file of evidence.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceFile<'a> {
    /// Its name, which tells text formats apart.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// The tensors of so many photos: one file with all of them, or one file for each, in `.npy`,
/// `.npz` or `.pt`.
///
/// # Errors
/// [`Error::Sample`] for a file that can't be read, [`Error::Shape`] for one that doesn't hold a
/// picture for each photo.
pub fn tensors(files: &[EvidenceFile<'_>], photos: usize, layout: Layout) -> Result<Vec<Target>> {
    let arrays: Vec<Tensor> = files
        .iter()
        .map(arrays)
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let target = |array: &Tensor, photos| Target::from_tensor(array, photos, layout);
    match &arrays[..] {
        [all] => target(all, photos),
        each if each.len() == photos => {
            let one = |array| Ok(target(array, 1)?.remove(0));
            each.iter().map(one).collect()
        }
        other => Err(Error::Shape(format!(
            "There are {} arrays for {photos} photos. Save the tensors of all photos as one array, or \
             each in a file of its own.",
            other.len()
        ))),
    }
}

/// The answers for so many photos: `.npy`, CSV with a line a photo, or JSON.
///
/// # Errors
/// As [`tensors`].
pub fn answers(files: &[EvidenceFile<'_>], photos: usize) -> Result<Answers> {
    let mut each = Vec::new();
    let mut rounding: f64 = 0.0;
    for file in files {
        let lower = file.name.to_lowercase();
        let (found, own) = match () {
            () if lower.ends_with(".json") => json(file)?,
            () if lower.ends_with(".csv") || lower.ends_with(".txt") => csv(file)?,
            () => (binary(file, photos)?, 0.0),
        };
        each.extend(found);
        rounding = rounding.max(own);
    }
    if each.len() != photos {
        return Err(Error::Shape(format!(
            "There are {} answers for {photos} photos: give one for each, in the order of the photos.",
            each.len()
        )));
    }
    Ok(Answers { each, rounding })
}

fn arrays(file: &EvidenceFile<'_>) -> Result<Vec<Tensor>> {
    let named = |reason: String| Error::Sample(format!("{}: {reason}", file.name));
    let is_torch =
        file.name.to_lowercase().ends_with(".pt") || file.name.to_lowercase().ends_with(".pth");
    if is_torch {
        return pt::read(file.bytes).map_err(named);
    }
    if pt::is_zip(file.bytes) {
        return npz::read_all(file.bytes).map_err(|error| named(error.to_string()));
    }
    let array = npy::Array::parse(file.bytes).map_err(|error| named(error.to_string()))?;
    Ok(vec![array.to_tensor("")])
}

/// Scores `[K]` of one photo, or `[N, K]`.
fn binary(file: &EvidenceFile<'_>, photos: usize) -> Result<Vec<Answer>> {
    let mut all = Vec::new();
    for array in arrays(file)? {
        let values = floats(&array)?;
        let rows = match array.shape[..] {
            [_] => 1,
            [rows, ..] if rows == photos => rows,
            _ => 1,
        };
        if rows == 0 || values.is_empty() || !values.len().is_multiple_of(rows) {
            return Err(Error::Shape(format!(
                "{}: the array has the shape {:?}, and answers are [{photos}, classes].",
                file.name, array.shape
            )));
        }
        let rows = values.chunks_exact(values.len() / rows);
        all.extend(rows.map(|row| Answer::Scores(row.to_vec())));
    }
    Ok(all)
}

/// A line a photo; a first line without numbers is a heading.
fn csv(file: &EvidenceFile<'_>) -> Result<(Vec<Answer>, f64)> {
    let text = text(file)?;
    let mut rounding: f64 = 0.0;
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let cells = line.split([',', ';', '\t']).map(str::trim);
        // A first cell may be the photo's name.
        let numbers: Vec<(f32, &str)> = cells
            .filter_map(|cell| Some((cell.parse().ok()?, cell)))
            .collect();
        if numbers.is_empty() {
            continue;
        }
        for (_, cell) in &numbers {
            rounding = rounding.max(half_a_digit(cell));
        }
        all.push(Answer::Scores(
            numbers.into_iter().map(|(number, _)| number).collect(),
        ));
    }
    Ok((all, rounding))
}

/// Half a unit of the last digit of a number as it was written; 0 for one of full precision.
fn half_a_digit(number: &str) -> f64 {
    if number.contains(['e', 'E']) {
        return 0.0;
    }
    let digits = number.split_once('.').map_or(0, |(_, digits)| digits.len());
    match digits {
        1..=6 => 0.5 * 10f64.powi(-(digits as i32)),
        _ => 0.0,
    }
}

/// Lists of numbers, or lists of `{"class", "score"}`, alone or under the names that Boxwright and
/// others give them.
fn json(file: &EvidenceFile<'_>) -> Result<(Vec<Answer>, f64)> {
    let value: Value = serde_json::from_slice(file.bytes)
        .map_err(|error| Error::Sample(format!("{}: it is no JSON: {error}.", file.name)))?;
    let mut rounding = 0.0;
    let mut all = Vec::new();
    collect(&value, &mut all, &mut rounding, 0);
    match all.is_empty() {
        true => Err(Error::Sample(format!(
            "{}: it holds neither lists of scores nor `classPredictions`.",
            file.name
        ))),
        false => Ok((all, rounding)),
    }
}

fn collect(value: &Value, all: &mut Vec<Answer>, rounding: &mut f64, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Array(items) if items.iter().all(Value::is_number) && !items.is_empty() => {
            let numbers = items.iter().filter_map(Value::as_f64);
            all.push(Answer::Scores(
                numbers.map(|number| number as f32).collect(),
            ));
            for item in items {
                *rounding = rounding.max(half_a_digit(&item.to_string()));
            }
        }
        Value::Array(items) if items.iter().all(is_class) && !items.is_empty() => {
            let class = |item: &Value| {
                let score = item.get("score")?;
                *rounding = rounding.max(half_a_digit(&score.to_string()));
                let name = item.get("class").or_else(|| item.get("label"))?;
                let name = name
                    .as_str()
                    .map_or_else(|| name.to_string(), str::to_owned);
                Some((name, score.as_f64()? as f32))
            };
            all.push(Answer::Classes(items.iter().filter_map(class).collect()));
        }
        Value::Array(items) => {
            for item in items {
                collect(item, all, rounding, depth + 1);
            }
        }
        Value::Object(fields) => {
            for (_, field) in fields
                .iter()
                .filter(|(_, field)| field.is_array() || field.is_object())
            {
                collect(field, all, rounding, depth + 1);
            }
        }
        _ => {}
    }
}

fn is_class(item: &Value) -> bool {
    item.get("score").is_some_and(Value::is_number)
        && (item.get("class").is_some() || item.get("label").is_some())
}

fn text<'a>(file: &EvidenceFile<'a>) -> Result<&'a str> {
    std::str::from_utf8(file.bytes)
        .map_err(|_| Error::Sample(format!("{}: it is not UTF-8 text.", file.name)))
}
