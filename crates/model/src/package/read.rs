//! Reading a package file's text: every error names its line.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeArray, DeTable, DeValue};

use super::file::{FORMAT, Package};
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
        let package: Self = toml::from_str(text)
            .map_err(|error| refused(error.span(), in_one_line(error.message())))?;
        match package.problems(None).into_iter().next() {
            None => Ok(package),
            Some((field, message)) => {
                let span = locate(document.get_ref(), &field);
                Err(refused(span, format!("{field}: {message}")))
            }
        }
    }
}

/// The format's version is checked before the keys: another version may have others.
fn check_format(document: &DeTable) -> Result<(), (Option<Range<usize>>, String)> {
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
    if number == Some(i64::from(FORMAT)) {
        return Ok(());
    }
    let reason = match number {
        Some(number) => format!(
            "format {number} is not known to this program, which reads format {FORMAT}: use a \
             newer Boxwright"
        ),
        None => format!("`format` is no version number: write `format = {FORMAT}`"),
    };
    Err((Some(format.span()), reason))
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
