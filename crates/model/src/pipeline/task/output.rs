//! Outputs by name, and what is wrong with them.

use boxwright_tensor::{Dimension, Signature, TensorSpec};

use super::super::inputs::listed;
use super::super::problem::Problem;
use crate::package::Postprocess;
use crate::paths;

/// What a task is resolved from, and what is found on the way.
pub(super) struct Check<'a> {
    pub postprocess: &'a Postprocess,
    pub signature: &'a Signature,
    pub labels: Option<&'a [String]>,
    pub problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    pub fn add(&mut self, field: &str, message: String) {
        self.problems.push((field.to_owned(), message));
    }

    /// The place of the output that the package names; `None` where it names none, and within it
    /// where the model has no such.
    pub fn named(&mut self) -> Option<Option<usize>> {
        let name = self.postprocess.output.as_ref()?;
        Some(self.place("postprocess.output", name))
    }

    /// The place of the output that the package names, else of the model's first.
    pub fn output(&mut self) -> Option<usize> {
        let place = self.named().unwrap_or(Some(0))?;
        (place < self.signature.outputs.len()).then_some(place)
    }

    /// The place of the output `name`, which `field` of the package names.
    pub fn place(&mut self, field: &str, name: &str) -> Option<usize> {
        let outputs = &self.signature.outputs;
        let place = outputs.iter().position(|spec| spec.name == name);
        if place.is_none() {
            let names = listed(outputs);
            let name = paths::shown(name);
            self.add(
                field,
                format!("the model has no output `{name}`; it has {names}"),
            );
        }
        place
    }

    pub fn spec(&self, place: usize) -> &TensorSpec {
        &self.signature.outputs[place]
    }

    pub fn owned_labels(&self) -> Option<Vec<String>> {
        self.labels.map(<[String]>::to_vec)
    }

    /// Adds a problem where the labels are not as many as the classes. `more` labels may be left
    /// over at the front.
    pub fn labels_of(&mut self, classes: Option<u64>, more: u64) {
        let (Some(labels), Some(classes)) = (self.labels, classes) else {
            return;
        };
        let count = labels.len() as u64;
        if count != classes && count != classes + more {
            let message = format!(
                "names {count} classes, and the model has {classes}: one line a class, in the \
                 model's order; where the model was trained with a background class, that is the \
                 first line"
            );
            self.add("labels.file", message);
        }
    }
}

/// The length of an axis, where the model fixes it.
pub(super) fn fixed(axis: Option<&Dimension>) -> Option<u64> {
    match axis? {
        Dimension::Fixed(length) => Some(*length),
        Dimension::Dynamic(_) => None,
    }
}
