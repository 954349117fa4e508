//! `boxwright preview`.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use boxwright_files::AtomicFile;
use boxwright_studio::api::{JobKind, JobResult, PreviewSummary};
use boxwright_studio::build::DataDir;
use boxwright_studio::errors::{blocking, write_failure};
use boxwright_studio::job::JobHandle;
use boxwright_studio::model::prediction::{ClassPrediction, Outcome, SampleResult, Timing};
use boxwright_studio::preview::{self, Header, PreviewRequest};
use boxwright_studio::worker_session::RunOptions;
use boxwright_studio::{Failure, Stop};

use crate::args::{Format, Preview};
use crate::console::Console;
use crate::package;
use crate::text::sanitize;

/// Results that are kept in memory before they go to a temporary file, in bytes.
const IN_MEMORY: usize = 8 << 20;
/// Bytes of results that are written at a time.
const BUFFER: usize = 256 << 10;
/// Widest column of samples' names.
const MAX_NAME_WIDTH: usize = 40;
/// Elements of a raw output that people are shown.
const MAX_ELEMENTS: usize = 6;

/// Predicts samples and writes the results in their order.
pub async fn preview(args: Preview, console: &Console) -> Result<(), Stop> {
    let title = args.package.display().to_string();
    let job = console.job(JobKind::Preview, &title, &preview::STAGES);
    match predict(args, &job, console).await {
        Ok((count, header, timing)) => {
            job.finish(JobResult::Preview(PreviewSummary { samples: count }));
            let (speed, device) = (timing.images_per_second, header.device);
            let samples = if count == 1 { "sample" } else { "samples" };
            console.print_info(&format!(
                "{count} {samples}, {speed:.1} a second on {} ({}): {}",
                device.kind, device.name, device.reason
            ));
            Ok(())
        }
        Err(stop) => {
            job.stop(stop.clone());
            Err(stop)
        }
    }
}

async fn predict(
    args: Preview,
    job: &JobHandle,
    console: &Console,
) -> Result<(usize, Header, Timing), Stop> {
    let package = package::open(&args.package, console);
    let (package, _) = job.or_cancelled(package).await?;
    let samples = job.or_cancelled(package::samples(&args.samples)).await?;
    let names = samples.iter().map(|sample| sample.name.chars().count());
    let (count, widest) = (samples.len(), names.max().unwrap_or(0));
    let (format, output) = (args.format, args.output);
    let to = output.clone();
    // Opening a pipe blocks until someone reads it.
    let sink = blocking(move || Output::open(format, to.as_deref()));
    let sink = job.or_cancelled(sink).await?;
    let request = PreviewRequest {
        package,
        samples,
        options: RunOptions {
            device: args.device,
            threads: 0,
            max_pixels: Some(package::max_pixels(args.max_pixels)),
        },
        batch_size: args.batch_size.map(|size| size as usize),
        top_k: args.top_k.map(|count| count as usize),
    };
    let mut results = OrderedResults {
        format,
        width: widest.min(MAX_NAME_WIDTH),
        sink,
        waiting: BTreeMap::new(),
        next: 0,
        error: None,
    };
    let mut each = |index, result| results.add(index, result);
    let (header, timing) = preview::run(&DataDir::find()?, &request, job, &mut each).await?;
    results.finish(&header, &timing, output.as_deref())?;
    Ok((count, header, timing))
}

/// Where results go. A document is only written once it is whole, a file only in place of what
/// was there before; lines go out as they come.
enum Output {
    Stdout,
    Spool(Box<tempfile::SpooledTempFile>),
    File(AtomicFile),
}

impl Output {
    fn open(format: Format, output: Option<&Path>) -> Result<Self, Failure> {
        Ok(match (format, output) {
            (Format::Json, _) => Self::Spool(Box::new(tempfile::SpooledTempFile::new(IN_MEMORY))),
            (Format::Text | Format::Jsonl, None) => Self::Stdout,
            (Format::Text | Format::Jsonl, Some(output)) => {
                let file = AtomicFile::create(output);
                Self::File(file.map_err(|error| write_failure(output, &error))?)
            }
        })
    }

    /// A result is written in small parts: those of raw outputs are millions of numbers.
    fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut buffered: BufWriter<Box<dyn Write + '_>> = BufWriter::with_capacity(
            BUFFER,
            match self {
                Self::Stdout => Box::new(io::stdout().lock()),
                Self::Spool(file) => Box::new(file),
                Self::File(file) => Box::new(file.writer()),
            },
        );
        write(&mut buffered)?;
        buffered.flush()
    }
}

/// Writes results in the order of the samples.
struct OrderedResults {
    format: Format,
    width: usize,
    sink: Output,
    waiting: BTreeMap<usize, SampleResult>,
    next: usize,
    error: Option<io::Error>,
}

impl OrderedResults {
    fn add(&mut self, index: usize, result: SampleResult) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            let (before, after) = match self.format {
                Format::Json if self.next > 0 => (",\n", ""),
                Format::Jsonl => ("", "\n"),
                Format::Json | Format::Text => ("", ""),
            };
            let (format, width) = (self.format, self.width);
            let write = |to: &mut dyn Write| {
                to.write_all(before.as_bytes())?;
                match format {
                    Format::Text => to.write_all(to_text(&result, width).as_bytes())?,
                    Format::Json | Format::Jsonl => preview::write_result(to, &result)?,
                }
                to.write_all(after.as_bytes())
            };
            self.next += 1;
            if self.error.is_none() {
                self.error = self.sink.write(write).err();
            }
        }
    }

    fn finish(
        self,
        header: &Header,
        timing: &Timing,
        output: Option<&Path>,
    ) -> Result<(), Failure> {
        let name = output.unwrap_or(Path::new("stdout"));
        let unwritten = |error: io::Error| write_failure(name, &error);
        match self.error {
            // The reader has closed the pipe.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Some(error) => return Err(unwritten(error)),
            None => {}
        }
        let mut spool = match self.sink {
            Output::Stdout => return Ok(()),
            Output::File(file) => return file.commit().map_err(unwritten),
            Output::Spool(spool) => spool,
        };
        spool.rewind().map_err(unwritten)?;
        let Some(output) = output else {
            let mut stdout = io::stdout().lock();
            let written = preview::write_document(&mut stdout, header, timing, |to| {
                io::copy(&mut spool, to).map(drop)
            });
            let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
            return match written {
                Err(error) if !closed(&error) => Err(unwritten(error)),
                _ => Ok(()),
            };
        };
        let mut write = || {
            let mut file = AtomicFile::create(output)?;
            preview::write_document(file.writer(), header, timing, |to| {
                io::copy(&mut spool, to).map(drop)
            })?;
            file.commit()
        };
        write().map_err(unwritten)
    }
}

/// The first of `count` numbers, as text.
fn first_of(count: usize, numbers: impl Iterator<Item = impl ToString>) -> String {
    let first: Vec<String> = numbers
        .take(MAX_ELEMENTS)
        .map(|number| number.to_string())
        .collect();
    let more = if count > MAX_ELEMENTS { ", …" } else { "" };
    first.join(", ") + more
}

fn class_line(one: &ClassPrediction) -> String {
    format!("{:.6}  {}", one.score, sanitize(&one.class))
}

/// A result for people: the sample, then one line a class, box or output.
fn to_text(result: &SampleResult, width: usize) -> String {
    let lines: Vec<String> = match &result.outcome {
        Outcome::Classes(classes) => classes.iter().map(class_line).collect(),
        Outcome::Heads(found) => found
            .heads
            .iter()
            .flat_map(|(name, classes)| {
                let title = format!("{}:", sanitize(name));
                std::iter::once(title).chain(classes.iter().map(class_line))
            })
            .collect(),
        Outcome::Detections(detections) => detections
            .iter()
            .map(|one| {
                let [left, top, right, bottom] = one.bounds;
                let class = sanitize(&one.class);
                let score = one.score;
                format!("{score:.6}  {class}  {left:.1} {top:.1} {right:.1} {bottom:.1}")
            })
            .collect(),
        Outcome::Segmentation(found) => found
            .classes
            .iter()
            .map(|one| {
                let share = one.pixels as f64 / (found.width * found.height).max(1) as f64;
                format!("{:5.1} %  {}", share * 100.0, sanitize(&one.class))
            })
            .collect(),
        Outcome::Matte(png) => vec![format!("a matte: {} bytes of PNG in base64", png.len())],
        Outcome::Embedding(embedding) => vec![format!(
            "{} numbers of length {}: {}",
            embedding.values.len(),
            embedding.norm,
            first_of(embedding.values.len(), embedding.values.iter())
        )],
        Outcome::Text(line) => vec![format!("{:.6}  {}", line.score, sanitize(&line.value))],
        Outcome::Outputs(outputs) => outputs
            .iter()
            .map(|(name, output)| {
                let (name, shape) = (sanitize(name), &output.shape);
                let first = first_of(output.data.len(), output.data.iter());
                format!("{name} {:?} {shape:?}: {first}", output.datatype)
            })
            .collect(),
        Outcome::Error(error) => vec![format!("error: {}", sanitize(&error.message))],
    };
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        let sample = if place == 0 {
            sanitize(&result.sample)
        } else {
            String::new()
        };
        text.push_str(&format!("{sample:width$}  {line}\n"));
    }
    if lines.is_empty() {
        text.push_str(&format!("{}\n", sanitize(&result.sample)));
    }
    text
}

#[cfg(test)]
mod tests {
    use boxwright_studio::model::prediction::{ClassPrediction, DeviceUsed};
    use boxwright_studio::preview::ModelIdentity;

    use super::*;

    fn result(sample: &str) -> SampleResult {
        let class = ClassPrediction {
            class: "tiger \x1b[2Jcat".into(),
            score: 0.391_141,
        };
        SampleResult {
            sample: sample.into(),
            outcome: Outcome::Classes(vec![class]),
        }
    }

    #[test]
    fn a_document_keeps_the_order_of_the_samples_whatever_the_order_of_the_results() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("out.json");
        let mut results = OrderedResults {
            format: Format::Json,
            width: 0,
            sink: Output::open(Format::Json, Some(&output)).expect("a place"),
            waiting: BTreeMap::new(),
            next: 0,
            error: None,
        };
        for place in [2, 0, 1] {
            results.add(place, result(&place.to_string()));
        }
        let (name, version, digest) = ("cat".into(), "1".into(), "sha256:ab".into());
        let model = ModelIdentity {
            name,
            version,
            digest,
        };
        let (kind, name, reason) = (
            boxwright_studio::model::DeviceKind::Cpu,
            "a CPU".into(),
            "no GPU".into(),
        );
        let device = DeviceUsed { kind, name, reason };
        let header = Header {
            model,
            device,
            batch_size: 8,
        };
        let written = results.finish(&header, &Timing::default(), Some(&output));
        written.expect("written");
        let text = std::fs::read(&output).expect("read");
        let document: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let samples = document["results"].as_array().expect("a list");
        let order: Vec<_> = samples.iter().map(|one| one["sample"].as_str()).collect();
        assert_eq!(order, [Some("0"), Some("1"), Some("2")]);
        assert_eq!(document["model"]["name"], "cat");
        assert_eq!(document["batch_size"], 8);
    }

    #[test]
    fn people_see_one_line_a_class_and_no_steering() {
        let text = to_text(&result("cat.jpg"), 9);
        assert_eq!(text, "cat.jpg    0.391141  tiger \u{fffd}[2Jcat\n");
    }
}
