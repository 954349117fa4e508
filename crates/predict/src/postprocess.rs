//! From a model's outputs to a prediction.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use boxwright_model::package::{Activation, Postprocess, Task};
use boxwright_model::prediction::{ClassPrediction, Outcome, OutputTensor};
use boxwright_tensor::{Dimension, Signature};

use crate::error::{Error, Result};
use crate::predictor::RawTensor;
use crate::tensor::Slice;

/// How outputs become a prediction.
#[derive(Debug)]
pub(crate) struct Interpretation {
    task: Task,
    activation: Activation,
    top_k: usize,
    labels: Option<Vec<String>>,
    /// The outputs that the model is run for, by their places in the signature.
    pub outputs: Vec<usize>,
}

impl Interpretation {
    /// Checks the task and its outputs against the model.
    pub fn new(
        postprocess: &Postprocess,
        labels: Option<Vec<String>>,
        signature: &Signature,
    ) -> Result<Self> {
        if let Task::Detection | Task::Segmentation | Task::Embedding = postprocess.task {
            return Err(Error::Unsupported {
                reason: format!("the task `{}` isn't there yet", postprocess.task),
                hint: "Set postprocess.task to \"raw\" to see the model's outputs as they are."
                    .into(),
            });
        }
        let outputs = match &postprocess.output {
            Some(name) => {
                let place = signature
                    .outputs
                    .iter()
                    .position(|output| output.name == *name);
                vec![place.ok_or_else(|| unknown(name, signature))?]
            }
            None if postprocess.task == Task::Classification => vec![0],
            None => (0..signature.outputs.len()).collect(),
        };
        let this = Self {
            task: postprocess.task,
            activation: postprocess.activation,
            top_k: postprocess.top_k,
            labels,
            outputs,
        };
        if this.task == Task::Classification {
            let output = &signature.outputs[this.outputs[0]];
            // Classes are all that is fixed behind the batch axis.
            let behind = output
                .shape
                .as_deref()
                .and_then(|axes| axes.get(1..))
                .unwrap_or(&[]);
            let fixed = |axis: &Dimension| match axis {
                Dimension::Fixed(length) => usize::try_from(*length).ok(),
                Dimension::Dynamic(_) => None,
            };
            if let Some(lengths) = behind.iter().map(fixed).collect::<Option<Vec<_>>>()
                && !lengths.is_empty()
            {
                this.check_labels(&output.name, lengths.iter().product())?;
            }
        }
        Ok(this)
    }

    fn check_labels(&self, output: &str, classes: usize) -> Result<()> {
        match &self.labels {
            Some(labels) if labels.len() != classes => Err(Error::Package {
                reason: format!(
                    "output `{output}` has {classes} classes, and there are {} labels",
                    labels.len()
                ),
                hint: "Give the labels file one line a class, in the model's order; where the \
                       model was trained with a background class, that is the first line."
                    .into(),
            }),
            _ => Ok(()),
        }
    }

    /// Interprets one sample's `outputs`.
    pub fn outcome(
        &self,
        outputs: &[Slice<'_>],
        top_k: Option<usize>,
        json: bool,
    ) -> Result<Outcome> {
        match (self.task, outputs) {
            (Task::Classification, [output, ..]) => self
                .classes(output, top_k.unwrap_or(self.top_k))
                .map(Outcome::Classes),
            _ if json => outputs
                .iter()
                .map(as_json)
                .collect::<Result<_>>()
                .map(Outcome::Outputs),
            _ => Ok(Outcome::Outputs(BTreeMap::new())),
        }
    }

    /// The classes by falling score; of equal ones the first comes first.
    fn classes(&self, output: &Slice<'_>, top_k: usize) -> Result<Vec<ClassPrediction>> {
        // More than one axis is fine when all but one have the length 1, as in [C, 1, 1].
        let classes = output.shape.iter().product::<usize>();
        if classes == 0 || output.shape.iter().filter(|length| **length != 1).count() > 1 {
            return Err(Error::Shape(format!(
                "Output `{}` has the shape {:?} for a sample, and classification takes one number \
                 a class. Name another output, or set the task to \"raw\".",
                output.name, output.shape
            )));
        }
        self.check_labels(output.name, classes)?;
        let scores = activated(output.scores()?, self.activation);
        let mut order: Vec<usize> = (0..classes).collect();
        order.sort_by(|a, b| falling(scores[*a], scores[*b]).then(a.cmp(b)));
        order.truncate(top_k);
        if order.iter().any(|index| !scores[*index].is_finite()) {
            return Err(Error::Run(format!(
                "output `{}` holds an infinity or what is no number for this sample",
                output.name
            )));
        }
        let class = |index: usize| match &self.labels {
            Some(labels) => labels[index].clone(),
            None => index.to_string(),
        };
        Ok(order
            .into_iter()
            .map(|index| ClassPrediction {
                class: class(index),
                score: scores[index],
            })
            .collect())
    }
}

/// The outputs as bytes, by name.
pub(crate) fn tensors(outputs: &[Slice<'_>]) -> Result<BTreeMap<String, RawTensor>> {
    let tensor = |output: &Slice<'_>| {
        Ok((
            output.name.to_owned(),
            (output.shape.clone(), output.datatype, output.bytes()?),
        ))
    };
    outputs.iter().map(tensor).collect()
}

fn as_json(output: &Slice<'_>) -> Result<(String, OutputTensor)> {
    let tensor = OutputTensor {
        shape: output.shape.clone(),
        datatype: output.datatype,
        data: output.numbers()?,
    };
    Ok((output.name.to_owned(), tensor))
}

fn unknown(name: &str, signature: &Signature) -> Error {
    let names: Vec<_> = signature
        .outputs
        .iter()
        .map(|output| format!("`{}`", output.name))
        .collect();
    Error::Package {
        reason: format!("the model has no output `{name}`"),
        hint: format!("Its outputs are {}.", names.join(", ")),
    }
}

/// Higher first; what is no number last.
fn falling(a: f32, b: f32) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => b.total_cmp(&a),
        (a, b) => a.cmp(&b),
    }
}

fn activated(mut scores: Vec<f32>, activation: Activation) -> Vec<f32> {
    match activation {
        Activation::None => {}
        Activation::Sigmoid => {
            scores
                .iter_mut()
                .for_each(|score| *score = 1.0 / (1.0 + (-*score).exp()));
        }
        Activation::Softmax => {
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            scores
                .iter_mut()
                .for_each(|score| *score = (*score - most).exp());
            let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
            scores
                .iter_mut()
                .for_each(|score| *score = (f64::from(*score) / sum) as f32);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_of_large_numbers_is_finite_and_sums_to_one() {
        let scores = activated(vec![1000.0, 1001.0, -1000.0], Activation::Softmax);
        assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((scores[1] - 0.731_058_6).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_number_is_ranked_last() {
        let scores = [f32::NAN, 1.0, f32::INFINITY, -1.0];
        let mut order: Vec<usize> = (0..4).collect();
        order.sort_by(|a, b| falling(scores[*a], scores[*b]));
        assert_eq!(order, [2, 1, 3, 0]);
    }
}
