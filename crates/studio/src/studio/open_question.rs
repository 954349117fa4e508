//! The question about a guess that the window shows.

use boxwright_model::guess;
use boxwright_model::package::Package;

use crate::api::{Question, QuestionAnswer};
use crate::question::Tried;

/// The question of the open document.
pub(super) struct OpenQuestion {
    /// The guess that it is about; with another package there is nothing to ask.
    pub(super) about: Package,
    /// `None` while answers are tried, and where there is nothing to ask.
    pub(super) tried: Option<(u32, Tried)>,
    pub(super) dismissed: bool,
}

impl OpenQuestion {
    /// What is shown of it while the package is this one.
    pub(super) fn view(&self, package: &Package) -> Option<Question> {
        let (sample, tried) = self.tried.as_ref()?;
        if self.dismissed || *package != self.about {
            return None;
        }
        let choices = tried.question.choices.iter().zip(&tried.outcomes);
        let answer = |(choice, outcome): (&guess::Choice, &_)| QuestionAnswer {
            name: choice.name.clone(),
            note: choice.note.clone(),
            postprocess: choice.package.postprocess.clone(),
            outcome: Clone::clone(outcome),
        };
        Some(Question {
            title: tried.question.title.clone(),
            why: tried.question.why.clone(),
            sample: *sample,
            answers: choices.map(answer).collect(),
        })
    }
}
