//! The window's preview: what starts it, what it tells, and what is made of it.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Weak};

use boxwright_files::AtomicFile;
use boxwright_model::prediction::{DeviceUsed, Outcome, SampleResult, Timing};

use super::editing::nothing_open;
use super::{Inner, Result, Shown, Studio};
use crate::api::{Event, ExportFormat, PreviewStatus, Sample};
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure};
use crate::places;
use crate::preview::{
    Head, Keeper, Kind, ModelName, RunOptions, SampleDone, ToDo, line, whole_outcome,
    write_document,
};

impl Studio {
    /// Predicts the samples anew.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if no model is open.
    pub async fn preview(&self) -> Result<()> {
        let mut shown = self.inner.lock();
        // A file that was missing may be there now.
        shown.document.as_mut().ok_or_else(nothing_open)?.check();
        self.inner.tell_document(&shown);
        self.inner.restart_preview(&mut shown);
        Ok(())
    }

    /// Stops the running preview.
    ///
    /// # Errors
    /// None at present.
    pub async fn cancel_preview(&self) -> Result<()> {
        let mut shown = self.inner.lock();
        shown.samples.cancel();
        self.inner.tell(Event::Preview(shown.samples.change(false)));
        self.inner.live().wake();
        Ok(())
    }

    /// Takes samples off the list.
    ///
    /// # Errors
    /// None at present.
    pub async fn remove_samples(&self, ids: Vec<u32>) -> Result<()> {
        let mut shown = self.inner.lock();
        shown.samples.remove(&ids);
        for id in ids {
            shown.pictures.remove(id);
        }
        self.inner.tell(Event::Preview(shown.samples.change(true)));
        self.inner.live().wake();
        Ok(())
    }

    /// Takes all samples off the list.
    ///
    /// # Errors
    /// None at present.
    pub async fn clear_samples(&self) -> Result<()> {
        let ids = self.inner.lock().samples.ids();
        self.remove_samples(ids).await
    }

    /// A file name to propose for an export.
    pub fn export_name(&self, format: ExportFormat) -> String {
        let shown = self.inner.lock();
        let name = shown
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
        let (head, timing, results) = self.inner.predictions()?;
        self.inner.lock().last_folder = to.parent().map(Path::to_owned);
        let to = to.to_owned();
        blocking(move || -> Result<()> {
            let write = || {
                let mut file = AtomicFile::create(&to)?;
                export(file.writer(), format, &head, &timing, &results)?;
                file.commit()
            };
            write().map_err(|error| places::not_written(&to, &error))
        })
        .await
    }

    /// A sample's thumbnail as JPEG; `None` where there is none (yet).
    pub fn thumbnail(&self, id: u32) -> Option<Vec<u8>> {
        self.inner.lock().pictures.get(Kind::Thumbnail, id)
    }

    /// A sample's picture as JPEG, its longer side at most 1600 pixels, made by the worker.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if there is no such sample or it is no picture; what the worker
    /// fails with.
    pub async fn large(&self, id: u32) -> Result<Vec<u8>> {
        let (file, package, options) = {
            let shown = self.inner.lock();
            let package = shown.previewed.clone().ok_or_else(nothing_open)?;
            let file = shown.samples.file(id).cloned().ok_or_else(|| {
                let hint = "It has been taken off the list.";
                Failure::new(Code::SampleUnreadable, "there is no such sample", hint)
            })?;
            (file, package, shown.options())
        };
        self.inner.live().large(file, package, options).await
    }
}

impl Inner {
    /// Predicts all samples anew, as far as there is a package that can be run.
    pub(super) fn restart_preview(&self, shown: &mut Shown) {
        shown.previewed = None;
        match shown.document.as_ref().map(OpenDocument::loaded) {
            None => shown.samples.clear_outcomes(),
            Some(Ok(package)) => {
                let batch_size = match shown.settings.batch_size {
                    0 => package.package.batch.max_size,
                    chosen => chosen,
                };
                shown.samples.begin(batch_size);
                shown.previewed = Some(package);
            }
            Some(Err(failure)) => {
                shown.samples.clear_outcomes();
                if !shown.samples.is_empty() {
                    shown.samples.fail(failure);
                }
            }
        }
        self.tell(Event::Preview(shown.samples.change(false)));
        self.live().wake();
    }

    /// Samples were added: they are told, and predicted in the same run.
    pub(super) fn go_on(&self, shown: &mut Shown) {
        let fresh = shown.samples.done() == 0 && !shown.samples.is_active();
        if shown.previewed.is_some() && !fresh {
            shown.samples.resume();
        }
        let added: Vec<Sample> = shown
            .samples
            .samples()
            .filter(|sample| sample.outcome.is_none())
            .cloned()
            .collect();
        self.tell(Event::Samples {
            run: shown.samples.run(),
            samples: added,
        });
        self.tell(Event::Preview(shown.samples.change(true)));
        if fresh {
            self.restart_preview(shown);
        }
        self.live().wake();
    }

    /// Everything that was predicted, as the command line prints it.
    fn predictions(&self) -> Result<(Head, Timing, Vec<SampleResult>)> {
        let mut shown = self.lock();
        let Shown {
            document,
            samples,
            pictures,
            ..
        } = &mut *shown;
        let preview = samples.change(false);
        let nothing = || {
            let hint = "Preview some samples first.";
            Failure::new(Code::SampleUnreadable, "nothing is predicted yet", hint)
        };
        let identity = &document
            .as_ref()
            .ok_or_else(nothing_open)?
            .package()
            .package;
        let head = Head {
            model: ModelName {
                name: identity.name.clone(),
                version: identity.version.clone(),
                digest: samples.model_digest().unwrap_or_default().to_owned(),
            },
            device: preview.device.ok_or_else(nothing)?,
            batch_size: preview.batch_size,
        };
        let result = |sample: &Sample| {
            let outcome = whole_outcome(sample, pictures)?;
            Some(SampleResult {
                sample: sample.name.clone(),
                outcome,
            })
        };
        let results: Vec<SampleResult> = samples.samples().filter_map(result).collect();
        if results.is_empty() {
            Err(nothing())
        } else {
            Ok((head, preview.timing.unwrap_or_default(), results))
        }
    }
}

impl Shown {
    fn options(&self) -> RunOptions {
        RunOptions {
            max_pixels: Some(self.settings.max_pixels),
            ..RunOptions::default()
        }
    }
}

/// What the preview's task knows of the window.
pub(super) struct Desk(pub(super) Weak<Inner>);

impl Desk {
    /// Changes the state of a run that is still the one that is on.
    fn with(&self, run: u32, change: impl FnOnce(&Inner, &mut Shown)) {
        if let Some(inner) = self.0.upgrade() {
            let mut shown = inner.lock();
            if shown.samples.run() == run {
                change(&inner, &mut shown);
            }
        }
    }
}

impl Keeper for Desk {
    fn work(&self) -> Option<ToDo> {
        let inner: Arc<Inner> = self.0.upgrade()?;
        let shown = inner.lock();
        let work = shown.samples.work()?;
        let package = shown.previewed.clone()?;
        let batch_size = shown.settings.batch_size;
        Some(ToDo {
            package,
            options: shown.options(),
            batch_size,
            work,
        })
    }

    fn loaded(&self, run: u32, device: DeviceUsed, model_digest: String) {
        self.with(run, |inner, shown| {
            if shown.samples.is_active() {
                shown.samples.loaded(device, model_digest);
                inner.tell(Event::Preview(shown.samples.change(false)));
            }
        });
    }

    fn results(&self, run: u32, results: Vec<SampleDone>, timing: Timing) {
        self.with(run, |inner, shown| {
            let Shown {
                samples, pictures, ..
            } = shown;
            let changed = samples.apply(run, results, pictures);
            samples.set_timing(timing);
            if !changed.is_empty() {
                inner.tell(Event::Samples {
                    run,
                    samples: changed,
                });
                inner.tell(Event::Preview(samples.change(false)));
            }
        });
    }

    fn finished(&self, run: u32, timing: Timing) {
        self.with(run, |inner, shown| {
            shown.samples.set_timing(timing);
            shown.samples.finish();
            inner.tell(Event::Preview(shown.samples.change(false)));
        });
    }

    fn failed(&self, run: u32, failure: Failure) {
        self.with(run, |inner, shown| {
            if shown.samples.change(false).status != PreviewStatus::Cancelled {
                shown.samples.fail(failure);
                inner.tell(Event::Preview(shown.samples.change(false)));
            }
        });
    }
}

fn export(
    to: &mut impl Write,
    format: ExportFormat,
    head: &Head,
    timing: &Timing,
    results: &[SampleResult],
) -> std::io::Result<()> {
    let lines: Vec<String> = results.iter().map(line).collect();
    match format {
        ExportFormat::Json => write_document(to, head, timing, &mut lines.join(",\n").as_bytes()),
        ExportFormat::Jsonl => lines.iter().try_for_each(|line| writeln!(to, "{line}")),
        ExportFormat::Csv => to.write_all(&as_csv(results)),
    }
}

/// One row a class prediction, or one with the error. Raw outputs are one row an output.
fn as_csv(results: &[SampleResult]) -> Vec<u8> {
    let mut text = String::from("sample,rank,class,score,error\r\n");
    let mut row = |fields: [&str; 5]| {
        let fields = fields.map(csv_field);
        text.push_str(&(fields.join(",") + "\r\n"));
    };
    for SampleResult { sample, outcome } in results {
        match outcome {
            Outcome::Classes(classes) => {
                for (rank, one) in classes.iter().enumerate() {
                    let (rank, score) = ((rank + 1).to_string(), one.score.to_string());
                    row([sample, &rank, &one.class, &score, ""]);
                }
            }
            Outcome::Outputs(outputs) => {
                for (name, output) in outputs {
                    let data = serde_json::to_string(&output.data).unwrap_or_default();
                    row([sample, "", name, &data, ""]);
                }
            }
            Outcome::Error(error) => row([sample, "", "", "", &error.message]),
        }
    }
    text.into_bytes()
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
