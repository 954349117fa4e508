//! A question about a guess, as the window shows it.

use boxwright_model::Outcome;
use boxwright_model::package::Postprocess;
use serde::Serialize;

/// What nothing says of a model, with what each answer would show of the first sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// Why nothing says it.
    pub why: String,
    /// The sample that the answers are shown on.
    pub sample: u32,
    /// What may be, the guess first.
    pub answers: Vec<QuestionAnswer>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct QuestionAnswer {
    /// In a few words.
    pub name: String,
    /// Whose models are so.
    pub note: String,
    /// How the outputs are read then.
    pub postprocess: Postprocess,
    /// What the sample's result is then.
    pub outcome: Outcome,
}
