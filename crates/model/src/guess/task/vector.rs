//! Outputs that are a vector, or rows of characters.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::input::Picture;
use super::super::shape::{fixed, last, named, rank, shown};
use crate::package::{Activation, Task};

/// Names of outputs that hold a vector to compare with others, not scores; the surest first.
const VECTORS: [&str; 6] = [
    "image_embeds",
    "embed",
    "pooler",
    "feature",
    "latent",
    "descriptor",
];
/// Lengths that vectors have, and lists of classes mostly don't.
const LENGTHS: [u64; 9] = [128, 192, 256, 384, 512, 768, 1024, 1536, 2048];

/// Whether it can be one vector for each picture: floats with a batch, and one axis that is not 1.
fn is_vector(spec: &TensorSpec) -> bool {
    spec.is_scores() && spec.shape.is_some()
        || rank(spec) == Some(1) && last(spec) > Some(1) && spec.datatype.is_float()
}

pub(super) fn embedding(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    let outputs = clues.outputs();
    let named = VECTORS.iter().find_map(|word| {
        let fits = |spec: &&TensorSpec| is_vector(spec) && named(spec, &[*word]);
        outputs.iter().find(fits)
    });
    if let Some(spec) = named {
        let why = format!("{} is one vector a picture, by its name", shown(spec));
        return Some(answer(clues, spec, picture, &why));
    }
    let mut tokens = outputs.iter().filter(|spec| self::named(spec, &["hidden"]));
    if let Some(spec) = tokens.next().filter(|_| outputs.len() == 1) {
        return Some(match is_vector(spec) {
            true => answer(clues, spec, picture, "a vector of the last layer"),
            false => Answer::raw(format!(
                "{} has a vector for each part of a picture: for the task `embedding`, export the \
                 model with its pooled output",
                shown(spec)
            )),
        });
    }
    let classified = clues.architecture(&["imageclassification"]) || clues.ultralytics.is_some();
    if classified || outputs.len() != 1 {
        return None;
    }
    let spec = &outputs[0];
    let softmax = matches!(
        clues.last_operator(spec),
        Some("Softmax" | "Sigmoid" | "LogSoftmax" | "HardSigmoid")
    );
    let length = spec.classes().filter(|length| LENGTHS.contains(length))?;
    let labelled = clues.named_classes() == Some(length)
        || super::super::labels::find(clues, Task::Classification, Some(length)).is_some();
    let scores = self::named(spec, &["prob", "logit", "score", "class", "softmax"]);
    (!softmax && !labelled && !scores).then(|| {
        let why = format!(
            "{} is {length} numbers without a softmax, and nothing names so many classes",
            shown(spec)
        );
        answer(clues, spec, picture, &why)
    })
}

fn answer(clues: &Clues, spec: &TensorSpec, picture: &Picture<'_>, why: &str) -> Answer {
    let face = picture.width == Some(112) && picture.height == Some(112)
        || ["arcface", "insightface", "w600k", "glint360k"]
            .iter()
            .any(|word| clues.says(word));
    let clip =
        named(spec, &["image_embeds"]) || clues.architecture(&["clip"]) || clues.says("clip");
    let family = match (face, clip) {
        (true, _) => Family::ArcFace,
        (_, true) => Family::Clip,
        _ => Family::Other,
    };
    let mut answer = Answer::new(Task::Embedding, family, why).output(&spec.name, why);
    let as_is = "the vector as the model gives it; `l2` divides it by its length, for a cosine";
    answer.because("normalise", as_is);
    answer
}

/// A recogniser of a line of text, by connectionist temporal classification.
pub(super) fn text(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    let rows = |spec: &&TensorSpec| rank(spec) == Some(3) && spec.datatype.is_float();
    let spec = clues
        .outputs()
        .iter()
        .find(rows)
        .filter(|_| clues.outputs().len() == 1)?;
    let characters = clues.model.metadata.contains_key("character");
    let says = [
        "ppocr", "pp-ocr", "crnn", "ctc", "text_rec", "ocr_rec", "_rec_", "recogni",
    ];
    let line =
        matches!(picture.height, Some(32 | 48)) && picture.width.is_none_or(|width| width > 64);
    let paddle = clues.says("paddle") && (line || fixed(spec, 2) > Some(30));
    let named = says.iter().any(|word| clues.says(word)) && (line || picture.is_open());
    if !(characters || paddle || named) {
        return None;
    }
    let why = match characters {
        true => format!("{spec} has a row of scores a step, and the metadata has `character`"),
        false => format!("{spec} has a row of scores a step, as readers of text lines have"),
    };
    let answer = Answer::new(Task::Text, Family::TextRecogniser, &*why)
        .output(&spec.name, why)
        .classes(last(spec));
    let mut answer = match clues.last_operator(spec) {
        Some("Softmax" | "Sigmoid") | None => answer.activation(
            Activation::None,
            "readers of text mostly end with softmax themselves",
        ),
        Some(_) => answer.activation(Activation::Softmax, "the model ends without one"),
    };
    answer.because(
        "blank",
        "the first class is the blank in most readers of text",
    );
    Some(answer)
}
