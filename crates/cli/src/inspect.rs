//! `boxwright inspect`.

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
    reasons: Vec<Reason>,
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
    let image = package
        .input
        .iter()
        .find(|input| input.kind == InputKind::Image);
    Guesses {
        task: package.postprocess.task.to_string(),
        layout: image.map(|input| input.layout.to_string()),
        preset: Preset::of(&package).map(|preset| preset.to_string()),
        width: image.and_then(|input| input.width),
        height: image.and_then(|input| input.height),
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
    let unknown = || "none that fits".to_owned();
    let mut guessed = vec![("task", guesses.task.clone())];
    if let Some(layout) = &guesses.layout {
        let side = |side: Option<u32>| side.map_or("?".to_owned(), |side| side.to_string());
        let size = format!("{} × {}", side(guesses.width), side(guesses.height));
        guessed.push(("layout", format!("{layout}, {size}")));
        guessed.push(("preset", guesses.preset.clone().unwrap_or_else(unknown)));
    }
    text.push_str(&format!("guessed\n{}", table(&guessed)));
    for Reason { field, reason } in &guesses.reasons {
        text.push_str(&format!("    {}: {}\n", sanitize(field), sanitize(reason)));
    }
    text.trim_end().to_owned()
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
