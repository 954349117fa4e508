//! One score a class.

use boxwright_tensor::TensorSpec;

use super::output::Check;
use crate::package::{Activation, Head};
use crate::paths;

/// One score a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The places in the signature of the outputs with scores; the first is the one that the package
    /// is about.
    pub outputs: Vec<usize>,
    /// What each of `outputs` means.
    pub heads: Vec<ClassHead>,
    /// Classes that a prediction names at most, of each output.
    pub top_k: usize,
    /// Decimal digits that scores are rounded to; every digit where absent.
    pub score_digits: Option<u8>,
}

/// What an output of scores means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassHead {
    /// What turns the model's scores into those shown.
    pub activation: Activation,
    /// Class names by index.
    pub labels: Option<Vec<String>>,
}

pub(super) fn resolve(check: &mut Check<'_>) -> Option<Classification> {
    let output = check.output()?;
    let spec = check.spec(output).clone();
    check_scores(check, "postprocess.task", &spec);
    check.labels_of(spec.classes(), 0);
    let postprocess = check.postprocess;
    let mut outputs = vec![output];
    let mut heads = vec![ClassHead {
        activation: postprocess.activation,
        labels: check.owned_labels(),
    }];
    for (index, head) in postprocess.heads.iter().enumerate() {
        let field = format!("postprocess.heads.{index}.output");
        let place = check.place(&field, &head.output)?;
        if outputs.contains(&place) {
            let message = "is shown already: name another output".to_owned();
            check.add(&field, message);
            return None;
        }
        outputs.push(place);
        heads.push(resolve_head(check, index, head, place));
    }
    Some(Classification {
        outputs,
        heads,
        top_k: postprocess.top_k,
        score_digits: postprocess.score_digits,
    })
}

fn resolve_head(check: &mut Check<'_>, index: usize, head: &Head, place: usize) -> ClassHead {
    let spec = check.spec(place).clone();
    if !spec.is_number() {
        check_scores(check, &format!("postprocess.heads.{index}.output"), &spec);
    }
    let named = head.classes.len() as u64;
    let number = spec.is_number().then_some(1);
    if let Some(classes) = number
        .or(spec.classes())
        .filter(|classes| *classes != named && named > 0)
    {
        let message = format!("names {named} classes, and the output has {classes}");
        check.add(&format!("postprocess.heads.{index}.classes"), message);
    }
    // One number is no class of several: a regression, such as an age.
    let single = || spec.is_number().then(|| vec![head.output.clone()]);
    ClassHead {
        activation: head.activation,
        labels: match head.classes.is_empty() {
            true => single(),
            false => Some(head.classes.clone()),
        },
    }
}

fn check_scores(check: &mut Check<'_>, field: &str, spec: &TensorSpec) {
    if !spec.is_scores() {
        let message = format!(
            "the model's output `{}` is no list of scores, one a class: use the task `raw`, or \
             name another output",
            paths::shown(&spec.name)
        );
        check.add(field, message);
    }
}
