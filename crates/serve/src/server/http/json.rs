//! Reading and writing JSON.

use std::fmt;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use boxwright_model::Outcome;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::pieces;
use crate::server::blocking::run_blocking;
use crate::server::limits::MAX_SAMPLES;
use crate::server::models;
use crate::server::problem::Problem;

/// JSON's media type.
pub const JSON: &str = "application/json";
/// JSON that is about so long is written while it is sent, in bytes.
pub const STREAMED: usize = 1 << 20;

/// Reads a body of JSON; an error names the field.
///
/// # Errors
/// Where it is not JSON, or does not match the type.
pub fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let place = match error.path().to_string().as_str() {
            // serde_path_to_error has no path where the JSON itself is broken.
            "." | "?" => "the body".into(),
            place => format!("`{place}`"),
        };
        let hint = match is_non_finite(json, error.inner()) {
            true => "; in JSON they are the strings \"NaN\", \"Infinity\" and \"-Infinity\"",
            false => "",
        };
        let error = error.into_inner();
        Problem::bad_request(format!("{place} is not as asked: {error}{hint}"))
    })?;
    let end = deserializer.end();
    end.map_err(|error| Problem::bad_request(format!("the body goes on after its JSON: {error}")))?;
    Ok(value)
}

/// Whether reading failed at NaN or Infinity, as Python's `json` writes them.
fn is_non_finite(json: &[u8], error: &serde_json::Error) -> bool {
    if !error.is_syntax() {
        return false;
    }
    let line = json
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let from = error.column().saturating_sub(2);
    let rest = line.and_then(|line| line.get(from..)).unwrap_or_default();
    let rest = &rest[..rest.len().min(10)];
    [&b"NaN"[..], b"Inf"]
        .iter()
        .any(|word| rest.windows(3).any(|part| part == *word))
}

/// A list of at most [`MAX_SAMPLES`] values that are not read yet. A body of nothing but commas would
/// otherwise take a multiple of its length in memory.
pub struct SampleList<'a>(pub Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for SampleList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_SAMPLES} samples")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut samples = Vec::new();
                while let Some(sample) = list.next_element()? {
                    if samples.len() == MAX_SAMPLES {
                        return Err(A::Error::invalid_length(MAX_SAMPLES + 1, &self));
                    }
                    samples.push(sample);
                }
                Ok(samples)
            }
        }
        deserializer.deserialize_seq(List).map(Self)
    }
}

/// The response with the predictions of samples, in order.
///
/// # Errors
/// Where they can't be written as JSON.
pub async fn predictions_response(predictions: Vec<Outcome>) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Predictions {
        predictions: Vec<Outcome>,
    }
    let bytes = models::json_length(&predictions);
    if bytes > STREAMED {
        return Ok(pieces::response(JSON, pieces::of_predictions(predictions)));
    }
    let write = move || {
        let text = serde_json::to_vec(&Predictions { predictions });
        text.map_err(|_| Problem::internal())
    };
    run_blocking(bytes, write).await.map(json_response)
}

/// A response of JSON that has been written already.
pub fn json_response(text: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, JSON)], text).into_response()
}
