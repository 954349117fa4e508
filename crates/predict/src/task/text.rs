//! A line of text, by connectionist temporal classification (Graves et al., 2006): the best class of
//! each step, of which equal neighbours are one, and blanks are none.

use boxwright_model::pipeline::Text;
use boxwright_model::prediction::{Outcome, TextLine};

use super::only::only;
use super::score::{activate, best};
use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The text, with the mean score of its characters.
pub(super) fn outcome(task: &Text, outputs: &[Slice<'_>]) -> Result<Outcome> {
    let output = only(outputs)?;
    let [.., steps, classes] = output.shape[..] else {
        return Err(wrong_shape(output));
    };
    let rows = output.shape.iter().product::<usize>();
    if classes == 0 || rows != steps * classes {
        return Err(wrong_shape(output));
    }
    let floats = output.floats()?;
    let mut value = String::new();
    let (mut sum, mut count, mut before) = (0.0f64, 0usize, None);
    for (step, row) in floats.chunks_exact(classes).enumerate() {
        let mut row = row.to_vec();
        activate(&mut row, task.activation);
        let numbers = !row.iter().any(|score| score.is_nan());
        let Some((class, score)) = best(&row).filter(|_| numbers) else {
            let name = output.name;
            return Err(Error::Run(format!(
                "it gave NaN for step {step} of output `{name}`"
            )));
        };
        if class != task.blank && before != Some(class) {
            value.push_str(&character(task, class, classes)?);
            sum += f64::from(score);
            count += 1;
        }
        before = Some(class);
    }
    let score = if count == 0 {
        0.0
    } else {
        (sum / count as f64) as f32
    };
    Ok(Outcome::Text(TextLine { value, score }))
}

/// The character of a class. A list without the blank is one shorter; one without the space at the
/// end, as PaddleOCR's, two.
fn character(task: &Text, class: usize, classes: usize) -> Result<String> {
    let Some(labels) = &task.labels else {
        return Ok(format!("[{class}]"));
    };
    let place = match labels.len() < classes && class > task.blank {
        true => class - 1,
        false => class,
    };
    match labels.get(place) {
        Some(label) => Ok(label.clone()),
        None if place == labels.len() => Ok(" ".to_owned()),
        None => Err(Error::Package {
            reason: format!(
                "the model has {classes} characters, and there are {} labels",
                labels.len()
            ),
            hint: "Give the labels file one line a character, in the model's order.".into(),
        }),
    }
}

fn wrong_shape(output: &Slice<'_>) -> Error {
    Error::Shape(format!(
        "Output `{}` has the shape {:?} for a sample, and text is [steps, characters].",
        output.name, output.shape
    ))
}
