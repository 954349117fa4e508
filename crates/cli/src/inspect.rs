//! `boxwright inspect`.

use std::collections::BTreeMap;

use boxwright_studio::Failure;
use boxwright_studio::model::guess::{self, Guessed, Preset};
use boxwright_studio::model::inspect as read;
use boxwright_studio::model::inspect::ModelSummary;
use boxwright_studio::model::package::InputKind;
use boxwright_studio::tensor::TensorSpec;
use serde::Serialize;

use crate::args::Inspect;
use crate::console::print_line;
use crate::text::{grouped, sanitize, size};

/// What `--json` prints: what the model says of itself, and what is guessed from it.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    summary: &'a ModelSummary,
    guessed: Guesses,
}

#[derive(Serialize)]
struct Guesses {
    task: String,
    layout: Option<String>,
    preset: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    /// What both sides of a tensor of any size are a multiple of, in pixels.
    stride: Option<u32>,
    /// How boxes are encoded, for a task that has them.
    decoder: Option<String>,
    /// The output that the task is about, or each output with what it holds.
    outputs: BTreeMap<&'static str, String>,
    /// What each input takes.
    inputs: Vec<Kind>,
    /// The file with the class names.
    labels: Option<String>,
    reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct Kind {
    name: String,
    kind: String,
}

#[derive(Serialize)]
struct Reason {
    field: String,
    reason: String,
}

/// Prints what a model takes and gives.
pub fn inspect(args: &Inspect) -> Result<(), Failure> {
    let model = read(&args.model)?;
    let folder = args
        .model
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let guesses = guesses(guess::package(&model, &folder)?);
    if args.json {
        let document = Inspected {
            summary: &model.summary,
            guessed: guesses,
        };
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::internal("the model can't be printed").caused_by(&error))?;
        print_line(&text)
    } else {
        print_line(&to_text(&model.summary, &guesses))
    }
}

fn guesses(guessed: Guessed) -> Guesses {
    let Guessed { package, reasons } = guessed;
    let postprocess = &package.postprocess;
    let roles = postprocess.outputs.roles().into_iter();
    let mut outputs: BTreeMap<_, _> = roles
        .filter_map(|(role, name)| Some((role, name?.clone())))
        .collect();
    if let (true, Some(output)) = (outputs.is_empty(), &postprocess.output) {
        outputs.insert("output", output.clone());
    }
    let inputs = package.input.iter().map(|input| Kind {
        name: input.name.clone(),
        kind: input.kind.to_string(),
    });
    let image = package
        .input
        .iter()
        .find(|input| input.kind == InputKind::Image);
    Guesses {
        task: postprocess.task.to_string(),
        decoder: postprocess.decoder.map(|decoder| decoder.to_string()),
        outputs,
        inputs: inputs.collect(),
        labels: package.labels.as_ref().map(|labels| labels.file.clone()),
        layout: image.map(|input| input.layout.to_string()),
        preset: Preset::of(&package).map(|preset| preset.to_string()),
        width: image.and_then(|input| input.width),
        height: image.and_then(|input| input.height),
        stride: image.and_then(|input| input.stride),
        reasons: reasons
            .into_iter()
            .map(|(field, reason)| Reason { field, reason })
            .collect(),
    }
}

fn to_text(summary: &ModelSummary, guesses: &Guesses) -> String {
    let opsets = summary.opset.iter().map(|(domain, version)| {
        let domain = if domain.is_empty() { "ai.onnx" } else { domain };
        format!("{domain} {version}")
    });
    let mut rows = vec![
        (
            "format",
            format!("{}, IR version {}", summary.format, summary.ir_version),
        ),
        ("opset", opsets.collect::<Vec<_>>().join(", ")),
        ("producer", summary.producer.clone()),
        ("parameters", grouped(summary.parameters)),
        ("size", size(summary.size_bytes)),
    ];
    rows.extend(tensors("input", &summary.signature.inputs));
    rows.extend(tensors("output", &summary.signature.outputs));
    rows.extend(
        summary
            .external_data
            .iter()
            .map(|file| ("external data", file.clone())),
    );
    let mut text = format!("{}\n{}", sanitize(&summary.file), table(&rows));
    text.push_str(&format!("guessed\n{}", table(&guessed_rows(guesses))));
    for Reason { field, reason } in &guesses.reasons {
        text.push_str(&format!("    {}: {}\n", sanitize(field), sanitize(reason)));
    }
    text.trim_end().to_owned()
}

fn guessed_rows(guesses: &Guesses) -> Vec<(&'static str, String)> {
    let mut rows = vec![("task", guesses.task.clone())];
    let rest = [("decoder", &guesses.decoder), ("labels", &guesses.labels)];
    let given = |(title, value): (&'static str, &Option<String>)| Some((title, value.clone()?));
    rows.extend(rest.into_iter().filter_map(given));
    let outputs = guesses.outputs.iter();
    rows.extend(outputs.map(|(role, name)| (*role, name.clone())));
    if let Some(layout) = &guesses.layout {
        let size = match (guesses.width, guesses.height) {
            (Some(width), Some(height)) => format!("{width} × {height}"),
            _ => "the picture's own size".to_owned(),
        };
        let stride = guesses.stride.map_or_else(String::new, |stride| {
            format!(", each side a multiple of {stride}")
        });
        rows.push(("layout", format!("{layout}, {size}{stride}")));
        let unknown = || "none that fits".to_owned();
        rows.push(("preset", guesses.preset.clone().unwrap_or_else(unknown)));
    }
    if guesses.inputs.len() > 1 {
        let kinds = guesses.inputs.iter();
        rows.extend(kinds.map(|input| ("input", format!("{}: {}", input.name, input.kind))));
    }
    rows
}

fn tensors(
    title: &'static str,
    specs: &[TensorSpec],
) -> impl Iterator<Item = (&'static str, String)> {
    specs
        .iter()
        .map(move |spec| (title, format!("{}  {spec}", spec.name)))
}

fn table(rows: &[(&str, String)]) -> String {
    rows.iter()
        .map(|(title, value)| format!("  {title:14}{}\n", sanitize(value)))
        .collect()
}
