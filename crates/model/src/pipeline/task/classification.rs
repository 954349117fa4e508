//! One score a class.

use boxwright_tensor::TensorSpec;

use super::output::Check;
use crate::package::Activation;
use crate::paths;

/// One score a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The place in the signature of the output with the scores.
    pub output: usize,
    /// What turns the model's scores into those shown.
    pub activation: Activation,
    /// Classes that a prediction names at most.
    pub top_k: usize,
    /// Decimal digits that scores are rounded to; every digit where absent.
    pub score_digits: Option<u8>,
    /// Class names by index.
    pub labels: Option<Vec<String>>,
}

pub(super) fn resolve(check: &mut Check<'_>) -> Option<Classification> {
    let output = check.output()?;
    let spec = check.spec(output).clone();
    check_scores(check, &spec);
    check.labels_of(spec.classes(), 0);
    let postprocess = check.postprocess;
    Some(Classification {
        output,
        activation: postprocess.activation,
        top_k: postprocess.top_k,
        score_digits: postprocess.score_digits,
        labels: check.owned_labels(),
    })
}

fn check_scores(check: &mut Check<'_>, spec: &TensorSpec) {
    if !spec.is_scores() {
        let message = format!(
            "the model's output `{}` is no list of scores, one a class: use the task `raw`, or \
             name another output",
            paths::shown(&spec.name)
        );
        check.add("postprocess.task", message);
    }
}
