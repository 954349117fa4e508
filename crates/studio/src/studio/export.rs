//! Writing the window's predictions to a file.

use std::io::Write;
use std::path::Path;

use boxwright_files::AtomicFile;
use boxwright_model::prediction::{Outcome, SampleResult, Timing};

use super::window_state::{Inner, Studio, WindowState, no_document};
use crate::api::{ExportFormat, Sample};
use crate::errors::{blocking, write_failure};
use crate::failure::{Code, Failure, Result};
use crate::preview::{Header, ModelIdentity, whole_outcome, write_document, write_result};

impl Studio {
    /// A file name to propose for an export.
    pub fn export_name(&self, format: ExportFormat) -> String {
        let state = self.inner.lock();
        let name = state
            .document
            .as_ref()
            .map(|open| open.package().package.name.clone());
        let extension = match format {
            ExportFormat::Json => "json",
            ExportFormat::Jsonl => "jsonl",
            ExportFormat::Csv => "csv",
        };
        format!(
            "{}-predictions.{extension}",
            name.as_deref().unwrap_or("boxwright")
        )
    }

    /// Writes the predictions to a file, whole or not at all.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if nothing is predicted yet; that the file can't be written.
    pub async fn export(&self, format: ExportFormat, to: &Path) -> Result<()> {
        let (header, timing, results) = self.inner.predictions()?;
        self.inner.lock().last_folder = to.parent().map(Path::to_owned);
        let to = to.to_owned();
        blocking(move || -> Result<()> {
            let write = || {
                let mut file = AtomicFile::create(&to)?;
                export(file.writer(), format, &header, &timing, &results)?;
                file.commit()
            };
            write().map_err(|error| write_failure(&to, &error))
        })
        .await
    }
}

impl Inner {
    /// Everything that was predicted, as the command line prints it.
    fn predictions(&self) -> Result<(Header, Timing, Vec<SampleResult>)> {
        let mut state = self.lock();
        let WindowState {
            document,
            samples,
            spool,
            ..
        } = &mut *state;
        let preview = samples.change(false);
        let nothing = || {
            let hint = "Preview some samples first.";
            Failure::new(Code::SampleUnreadable, "nothing is predicted yet", hint)
        };
        let identity = &document.as_ref().ok_or_else(no_document)?.package().package;
        let header = Header {
            model: ModelIdentity {
                name: identity.name.clone(),
                version: identity.version.clone(),
                digest: samples.model_digest().unwrap_or_default().to_owned(),
            },
            device: preview.device.ok_or_else(nothing)?,
            batch_size: preview.batch_size,
        };
        let result = |sample: &Sample| {
            let outcome = whole_outcome(sample, spool)?;
            Some(SampleResult {
                sample: sample.name.clone(),
                outcome,
            })
        };
        let results: Vec<SampleResult> = samples.samples().filter_map(result).collect();
        if results.is_empty() {
            Err(nothing())
        } else {
            Ok((header, preview.timing.unwrap_or_default(), results))
        }
    }
}

fn export(
    to: &mut impl Write,
    format: ExportFormat,
    header: &Header,
    timing: &Timing,
    results: &[SampleResult],
) -> std::io::Result<()> {
    match format {
        ExportFormat::Json => write_document(to, header, timing, |to| {
            results.iter().enumerate().try_for_each(|(place, result)| {
                to.write_all(if place > 0 { b",\n" } else { b"" })?;
                write_result(to, result)
            })
        }),
        ExportFormat::Jsonl => results.iter().try_for_each(|result| {
            write_result(to, result)?;
            to.write_all(b"\n")
        }),
        ExportFormat::Csv => to.write_all(&as_csv(results)),
    }
}

/// One row a class, box, output or error. Boxes have columns of their own where there are any, and
/// so have the names of several outputs of classes.
fn as_csv(results: &[SampleResult]) -> Vec<u8> {
    let boxes = |result: &SampleResult| matches!(result.outcome, Outcome::Detections(_));
    let heads = |result: &SampleResult| matches!(result.outcome, Outcome::Heads(_));
    let more: usize = match (results.iter().any(boxes), results.iter().any(heads)) {
        (true, _) => 4,
        (false, true) => 1,
        (false, false) => 0,
    };
    let mut text = String::from("sample,rank,class,score,error");
    text.push_str(match more {
        4 => ",left,top,right,bottom\r\n",
        1 => ",output\r\n",
        _ => "\r\n",
    });
    for SampleResult { sample, outcome } in results {
        for row in csv_rows(outcome) {
            let empty = vec![String::new(); (4 + more).saturating_sub(row.len())];
            let fields = std::iter::once(sample).chain(&row).chain(&empty);
            let fields: Vec<String> = fields.map(|field| csv_field(field)).collect();
            text.push_str(&(fields.join(",") + "\r\n"));
        }
    }
    text.into_bytes()
}

/// Rank, class, score and error of each row, of a box its sides, and of several outputs their names.
fn csv_rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let row = |rank: &str, class: &str, score: &str, error: &str| {
        [rank, class, score, error].map(str::to_owned).to_vec()
    };
    match outcome {
        Outcome::Classes(classes) => (1..)
            .zip(classes)
            .map(|(rank, one)| row(&rank.to_string(), &one.class, &one.score.to_string(), ""))
            .collect(),
        Outcome::Heads(found) => found
            .heads
            .iter()
            .flat_map(|(name, classes)| {
                (1..).zip(classes).map(move |(rank, one)| {
                    let (rank, score) = (usize::to_string(&rank), one.score.to_string());
                    let mut row = row(&rank, &one.class, &score, "");
                    row.push(name.clone());
                    row
                })
            })
            .collect(),
        Outcome::Detections(detections) => (1..)
            .zip(detections)
            .map(|(rank, one)| {
                let mut row = row(&rank.to_string(), &one.class, &one.score.to_string(), "");
                row.extend(one.bounds.map(|side: f32| side.to_string()));
                row
            })
            .collect(),
        Outcome::Segmentation(found) => found
            .classes
            .iter()
            .map(|one| row("", &one.class, &one.pixels.to_string(), ""))
            .collect(),
        Outcome::Matte(png) => vec![row("", "", png, "")],
        Outcome::Embedding(embedding) => vec![row("", "", &to_json(&embedding.values), "")],
        Outcome::Text(line) => vec![row("", &line.value, &line.score.to_string(), "")],
        Outcome::Outputs(outputs) => outputs
            .iter()
            .map(|(name, output)| row("", name, &to_json(&output.data), ""))
            .collect(),
        Outcome::Error(error) => vec![row("", "", "", &error.message)],
    }
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A field as RFC 4180 quotes it. One that a spreadsheet would take for a formula is made text.
fn csv_field(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '@', '\t', '\r'])
        || (field.starts_with('-') && field.parse::<f64>().is_err());
    let field = if formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_table_stays_one_field_and_is_never_a_formula() {
        for (field, expected) in [
            ("tiger cat", "tiger cat"),
            ("great grey owl, Strix", "\"great grey owl, Strix\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=1+1", "'=1+1"),
            ("-cmd", "'-cmd"),
            ("-0.5", "-0.5"),
        ] {
            assert_eq!(csv_field(field), expected);
        }
    }
}
