//! Trying the answers to a question about a guess on one sample.

use std::path::Path;

use boxwright_build::DataDir;
use boxwright_model::guess::{Choice, Question};
use boxwright_model::package::Task;
use boxwright_model::{LoadedPackage, Outcome};
use boxwright_worker::Want;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::preview;
use crate::samples::SampleFile;
use crate::worker_session::{RunOptions, SampleRequest, Transport, WorkerSession};

/// A question, and the outcome of each of its choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The question, with those choices that could be tried.
    pub question: Question,
    /// What the sample's result is with each.
    pub outcomes: Vec<Outcome>,
}

/// Predicts `sample` by every choice, in one worker. `None` where the answers say the same, so that
/// there is nothing to ask, or too few of them can be run.
///
/// # Errors
/// That the worker can't be started, or was lost.
pub async fn try_choices(
    data_dir: &DataDir,
    root: &Path,
    question: Question,
    sample: &SampleFile,
    options: &RunOptions,
) -> Result<Option<Tried>, Failure> {
    let mut session = WorkerSession::new(data_dir);
    let mut found: Vec<(Choice, Outcome)> = Vec::new();
    for choice in question.choices {
        let Ok(package) = LoadedPackage::from_parts(choice.package.clone(), root) else {
            continue;
        };
        if session.load(&options.load(&package)?).await.is_err() {
            continue;
        }
        let samples = [(0, sample.clone())];
        let request = SampleRequest {
            samples: &samples,
            transport: Transport::Paths,
            want: Want {
                tensor: package.package.postprocess.task == Task::Raw,
                ..Want::default()
            },
            batch_size: None,
        };
        let cancel = CancellationToken::new();
        let results = session
            .predict_in_order(&request, &cancel, &mut |_| {})
            .await?;
        let outcome = results.and_then(|results| results.into_iter().next());
        if let Some(outcome) = outcome.map(preview::outcome)
            && !matches!(outcome, Outcome::Error(_))
        {
            found.push((choice, outcome));
        }
    }
    session.stop().await;
    let (choices, outcomes): (Vec<Choice>, Vec<Outcome>) = found.into_iter().unzip();
    if outcomes.len() < 2 || outcomes.iter().all(|one| says_the_same(one, &outcomes[0])) {
        return Ok(None);
    }
    Ok(Some(Tried {
        question: Question {
            choices,
            ..question
        },
        outcomes,
    }))
}

/// Whether two results mean the same to who looks at them: the same best class, or all of it.
fn says_the_same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Classes(one), Outcome::Classes(other)) => {
            one.first().map(|class| &class.class) == other.first().map(|class| &class.class)
        }
        (Outcome::Heads(one), Outcome::Heads(other)) => one.heads.iter().all(|(name, classes)| {
            let same = other.heads.get(name).and_then(|classes| classes.first());
            classes.first().map(|class| &class.class) == same.map(|class| &class.class)
        }),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use boxwright_model::prediction::ClassPrediction;

    use super::*;

    #[test]
    fn answers_with_the_same_best_class_are_nothing_to_ask() {
        let classes = |names: &[&str]| {
            let class = |name: &&str| ClassPrediction {
                class: (*name).to_owned(),
                score: 0.5,
            };
            Outcome::Classes(names.iter().map(class).collect())
        };
        assert!(says_the_same(&classes(&["cat", "dog"]), &classes(&["cat"])));
        assert!(!says_the_same(&classes(&["cat"]), &classes(&["dog"])));
        let boxes = Outcome::Detections(Vec::new());
        assert!(!says_the_same(&boxes, &Outcome::Matte(String::new())));
    }
}
