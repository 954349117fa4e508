//! Reading a package file's text: every error names its line.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeArray, DeTable, DeValue};

use super::file::{FORMAT, Package};
use super::preprocess::{Channels, Filter, GreyOrder, Resize, Rounding};
use crate::error::{Error, Result};

const HINT: &str = "The fields of a package file, with their meaning, are in docs/PACKAGE.md.";

impl Package {
    /// Reads a package file's text; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Package`] with the line of what is wrong: TOML that does not parse, another
    /// format, unknown or missing keys, wrong types, and whatever [`Package::problems`] finds
    /// without a model.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self> {
        let refused = |span: Option<Range<usize>>, reason: String| Error::Package {
            path: path.to_owned(),
            line: span.map(|span| line_of(text, span.start)),
            field: None,
            reason,
            hint: HINT.to_owned(),
        };
        let document = DeTable::parse(text)
            .map_err(|error| refused(error.span(), in_one_line(error.message())))?;
        check_format(document.get_ref()).map_err(|(span, reason)| refused(span, reason))?;
        let mut package: Self = toml::from_str(text)
            .map_err(|error| refused(error.span(), in_one_line(error.message())))?;
        upgrade(&mut package);
        match package.problems(None).into_iter().next() {
            None => Ok(package),
            Some((field, message)) => {
                let span = locate(document.get_ref(), &field);
                Err(refused(span, format!("{field}: {message}")))
            }
        }
    }
}

/// Keys that format 1 doesn't have, by their table.
const NEW_IN_2: [(&str, &[&str]); 3] = [
    ("input", &["stride", "stride_rounding", "value", "order"]),
    (
        "preprocess",
        &[
            "decode",
            "draft",
            "jpeg_quality",
            "central_crop",
            "max_size",
            "long_side",
            "antialias",
            "resize_in",
            "pad_normalised",
            "align",
            "grey",
            "scale",
            "arithmetic",
        ],
    ),
    (
        "postprocess",
        &[
            "score_digits",
            "heads",
            "decoder",
            "outputs",
            "box_format",
            "score_threshold",
            "iou_threshold",
            "max_detections",
            "class_agnostic",
            "first_class",
            "keypoints",
            "reduce_labels",
            "upsample",
            "threshold",
            "range",
            "normalise",
            "blank",
        ],
    ),
];

/// What is wrong at a place of the text.
type Refusal = (Option<Range<usize>>, String);

/// The format's version is checked before the keys: another version may have others.
fn check_format(document: &DeTable) -> Result<(), Refusal> {
    let Some((_, format)) = document.iter().find(|(key, _)| key.get_ref() == "format") else {
        return Err((
            None,
            format!("the key `format` is missing: write `format = {FORMAT}` first"),
        ));
    };
    let number = match format.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    let reason = match number {
        Some(2) => return Ok(()),
        Some(1) => return check_keys_of_format_1(document),
        Some(number) => format!(
            "format {number} is not known to this program, which reads formats 1 and {FORMAT}: use \
             a newer Boxwright"
        ),
        None => format!("`format` is no version number: write `format = {FORMAT}`"),
    };
    Err((Some(format.span()), reason))
}

fn check_keys_of_format_1(document: &DeTable) -> Result<(), Refusal> {
    for (key, value) in document {
        let Some((_, new)) = NEW_IN_2.iter().find(|(table, _)| key.get_ref() == table) else {
            continue;
        };
        let tables = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        let keys = tables
            .into_iter()
            .filter_map(|table| table.get_ref().as_table())
            .flat_map(DeTable::keys);
        for key in keys {
            if new.contains(&&**key.get_ref()) {
                let reason = format!(
                    "`{}` is a key of format 2: write `format = 2`, and read in docs/PACKAGE.md \
                     what that changes",
                    key.get_ref()
                );
                return Err((Some(key.span()), reason));
            }
        }
    }
    Ok(())
}

/// Puts into words of this format what a file of format 1 means.
fn upgrade(package: &mut Package) {
    if package.format != 1 {
        return;
    }
    package.format = FORMAT;
    let preprocess = &mut package.preprocess;
    if preprocess.resize == Resize::ShortSide {
        preprocess.long_side = Some(Rounding::Round);
    }
    preprocess.grey = match preprocess.channels {
        Channels::Grey => GreyOrder::After,
        _ => GreyOrder::default(),
    };
    preprocess.filter = match preprocess.filter {
        Filter::OpenCvLinear => Filter::Format1Linear,
        Filter::OpenCvArea => Filter::Format1Area,
        filter => filter,
    };
}

/// Where a dotted field is, or the nearest table around it that is there.
fn locate(document: &DeTable, field: &str) -> Option<Range<usize>> {
    let (mut span, mut table) = (None, Some(document));
    let mut array: Option<&DeArray> = None;
    for part in field.split('.') {
        let found = if let Some(table) = table {
            let entry = table.iter().find(|(key, _)| key.get_ref() == part);
            entry.map(|(key, value)| (key.span(), value.get_ref()))
        } else {
            let value = array.and_then(|array| array.get(part.parse::<usize>().ok()?));
            value.map(|value| (value.span(), value.get_ref()))
        };
        let Some((at, value)) = found else { break };
        (span, table, array) = (Some(at), value.as_table(), value.as_array());
    }
    span
}

/// The 1-based line of a byte.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn in_one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(", ")
}
