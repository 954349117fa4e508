//! The JSON of results in pieces, so that a long one never exists as a whole: the raw outputs of a
//! detector are a hundred megabytes of digits.

use std::iter::once;

use axum::body::Body;
use axum::response::Response;
use boxwright_model::Outcome;
use boxwright_model::prediction::{Detection, OutputTensor};
use boxwright_tensor::Tensor;
use boxwright_tensor::json::Elements;
use boxwright_tensor::oip::ResponseOutput;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use crate::server::problem::Problem;

/// Numbers in a piece: some ten kilobytes of digits, which take no longer to write than a thread that
/// answers health checks can spare.
const NUMBERS: usize = 4096;
/// Boxes in a piece; their masks may be long.
const DETECTIONS: usize = 128;
/// Bytes of a text in a piece.
const TEXT: usize = 16 << 10;

/// A piece of JSON, or why it can't be written.
pub type Piece = serde_json::Result<Vec<u8>>;
/// The pieces of a JSON, in order.
pub type Pieces = Box<dyn Iterator<Item = Piece> + Send>;

/// A response whose body is written while it is sent.
pub fn response(kind: &'static str, pieces: Pieces) -> Response {
    let pieces = pieces.map(|piece| piece.map(Bytes::from));
    let mut response = Response::new(Body::from_stream(stream::iter(pieces)));
    let headers = response.headers_mut();
    headers.insert(
        axum::http::header::CONTENT_TYPE,
        axum::http::HeaderValue::from_static(kind),
    );
    response
}

/// The JSON of an object of one list: of outcomes.
pub fn of_predictions(predictions: Vec<Outcome>) -> Pieces {
    let outcomes = predictions.into_iter().enumerate();
    let all = outcomes.flat_map(|(place, outcome)| {
        let comma = (place > 0).then(|| Ok(b",".to_vec()));
        comma.into_iter().chain(of_outcome(outcome))
    });
    around(r#"{"predictions":["#, Box::new(all), "]}")
}

/// The JSON of an outcome.
pub fn of_outcome(outcome: Outcome) -> Pieces {
    match outcome {
        Outcome::Detections(detections) => {
            let list = of_detections(detections);
            around(r#"{"detections":["#, list, "]}")
        }
        Outcome::Outputs(outputs) => {
            let outputs = outputs.into_iter().enumerate();
            let all = outputs.flat_map(|(place, (name, output))| of_output(place, &name, output));
            around(r#"{"outputs":{"#, Box::new(all), "}}")
        }
        other => Box::new(once(serde_json::to_vec(&other))),
    }
}

fn around(before: &'static str, pieces: Pieces, after: &'static str) -> Pieces {
    let text = |text: &str| once(Ok(text.as_bytes().to_vec()));
    Box::new(text(before).chain(pieces).chain(text(after)))
}

fn of_detections(detections: Vec<Detection>) -> Pieces {
    let mut rest = detections.into_iter();
    let mut is_first = true;
    Box::new(std::iter::from_fn(move || {
        let some: Vec<Detection> = rest.by_ref().take(DETECTIONS).collect();
        let comma = !std::mem::replace(&mut is_first, false);
        (!some.is_empty()).then(|| inside(&some, comma))
    }))
}

fn of_output(place: usize, name: &str, output: OutputTensor) -> Pieces {
    #[derive(Serialize)]
    struct Head<'a> {
        shape: &'a [usize],
        datatype: boxwright_tensor::DataType,
    }
    let head = || -> Piece {
        let (shape, datatype) = (&output.shape[..], output.datatype);
        let mut text = if place > 0 { vec![b','] } else { Vec::new() };
        serde_json::to_writer(&mut text, name)?;
        text.push(b':');
        serde_json::to_writer(&mut text, &Head { shape, datatype })?;
        text.pop();
        text.extend_from_slice(br#","data":["#);
        Ok(text)
    };
    let head = head();
    let data = output.data;
    let parts = (0..data.len()).step_by(NUMBERS);
    let numbers = parts.map(move |start| inside(&data.part(start, NUMBERS), start > 0));
    Box::new(once(head).chain(numbers).chain(once(Ok(b"]}".to_vec()))))
}

/// The JSON of an output of the Open Inference Protocol, after `comma`.
///
/// # Errors
/// Where it holds bytes that are no text; the message names it.
pub fn of_tensor(comma: &str, tensor: Tensor) -> Result<Pieces, Problem> {
    let mut empty = tensor.clone();
    empty.data = Bytes::new();
    let failed = |error: serde_json::Error| Problem::bad_request(error.to_string());
    let mut head = serde_json::to_string(&ResponseOutput::new(&empty, false)).map_err(failed)?;
    // The list and the object are still open.
    head.truncate(head.len() - 2);
    head.insert_str(0, comma);
    let elements = match tensor.datatype.size() {
        Some(size) => of_elements(tensor, size),
        None => of_texts(&tensor)?,
    };
    let end = once(Ok(b"]}".to_vec()));
    Ok(Box::new(
        once(Ok(head.into_bytes())).chain(elements).chain(end),
    ))
}

fn of_elements(tensor: Tensor, size: usize) -> Pieces {
    let parts = (0..tensor.data.len()).step_by(NUMBERS * size);
    Box::new(parts.map(move |start| {
        let end = (start + NUMBERS * size).min(tensor.data.len());
        let part = Tensor {
            name: String::new(),
            datatype: tensor.datatype,
            shape: Vec::new(),
            data: tensor.data.slice(start..end),
        };
        inside(&Elements::flat(&part), start > 0)
    }))
}

/// Texts may be long: those of `prediction` are results.
fn of_texts(tensor: &Tensor) -> Result<Pieces, Problem> {
    let texts = tensor.strings().ok_or_else(Problem::internal)?;
    if texts.iter().any(|text| std::str::from_utf8(text).is_err()) {
        // The words are those of a short response.
        let error = serde_json::to_string(&ResponseOutput::new(tensor, false)).err();
        let message = error.map(|error| error.to_string());
        return Err(Problem::bad_request(message.unwrap_or_default()));
    }
    let all = texts.into_iter().enumerate().flat_map(|(place, text)| {
        let open = if place > 0 { ",\"" } else { "\"" };
        once(Ok(open.as_bytes().to_vec()))
            .chain(escaped(text))
            .chain(once(Ok(b"\"".to_vec())))
    });
    Ok(Box::new(all))
}

/// A text as it stands between quotation marks.
fn escaped(text: Bytes) -> impl Iterator<Item = Piece> + Send {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let mut length = rest.len().min(TEXT);
        // No character is cut: the bytes behind its first are 10xxxxxx.
        while length < rest.len() && rest[length] & 0xc0 == 0x80 {
            length += 1;
        }
        start += length;
        let piece = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let quoted = serde_json::to_string(piece);
        Some(quoted.map(|quoted| quoted.as_bytes()[1..quoted.len() - 1].to_vec()))
    })
}

/// The elements of a list without its brackets, after a comma where others come before.
fn inside(list: &impl Serialize, comma: bool) -> Piece {
    let mut text = serde_json::to_vec(list)?;
    text.pop();
    match (text.first_mut(), comma) {
        (Some(open), true) => *open = b',',
        _ => drop(text.drain(..1)),
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use boxwright_model::prediction::{SampleError, TextLine};
    use boxwright_tensor::{DataType, Number, Numbers};

    use super::*;

    fn detections(count: usize) -> Outcome {
        let one = |place: usize| Detection {
            class: format!("“{place}”"),
            index: place,
            score: 0.5,
            bounds: [0.25, 1.0, place as f32, 4.0],
            polygon: None,
            keypoints: None,
            mask: None,
        };
        Outcome::Detections((0..count).map(one).collect())
    }

    fn outputs(lengths: &[usize]) -> Outcome {
        let output = |(place, length): (usize, &usize)| {
            let numbers: Vec<Number> = (0..*length).map(|n| Number::from(n as f32 / 7.0)).collect();
            let output = OutputTensor {
                shape: vec![*length],
                datatype: DataType::Fp32,
                data: Numbers::of(DataType::Fp32, &numbers).unwrap(),
            };
            (format!("out \"{place}\""), output)
        };
        let outputs: BTreeMap<_, _> = lengths.iter().enumerate().map(output).collect();
        Outcome::Outputs(outputs)
    }

    #[test]
    fn pieces_are_the_json_of_the_whole() {
        let text = || {
            Outcome::Text(TextLine {
                value: "a".into(),
                score: 0.5,
            })
        };
        let error = || {
            Outcome::Error(SampleError {
                code: "SampleUnreadable".into(),
                message: "no".into(),
            })
        };
        for outcomes in [
            vec![],
            vec![text(), error()],
            vec![detections(0), detections(1), detections(DETECTIONS * 2 + 3)],
            vec![detections(DETECTIONS), outputs(&[]), text()],
            vec![
                outputs(&[0, 1]),
                outputs(&[NUMBERS, NUMBERS + 1, 3 * NUMBERS]),
            ],
        ] {
            let whole = serde_json::to_string(&serde_json::json!({ "predictions": 0 })).unwrap();
            let list = serde_json::to_string(&outcomes).unwrap();
            let whole = whole.replace('0', &list);
            let pieces: Vec<Vec<u8>> = of_predictions(outcomes).map(Result::unwrap).collect();
            assert!(pieces.iter().all(|piece| piece.len() < 64 << 10));
            assert_eq!(String::from_utf8(pieces.concat()).unwrap(), whole);
        }
    }
}
