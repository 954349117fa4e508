//! `ModelInferRequest` and `ModelInferResponse` to and from the requests and responses of all protocols.

use std::sync::Arc;

use boxwright_tensor::{DataType, Tensor};
use bytes::Bytes;

use super::contents;
use super::proto::inference::model_infer_request::InferInputTensor;
use super::proto::inference::model_infer_response::InferOutputTensor;
use super::proto::inference::{ModelInferRequest, ModelInferResponse};
use crate::server::blocking::run_blocking;
use crate::server::engine::Engine;
use crate::server::memory::Reservation;
use crate::server::models::{InferRequest, InferResponse};
use crate::server::problem::Problem;

/// Answers a request in the form in which it came: raw inputs get raw outputs, typed ones typed
/// outputs, where their types have such a form. The elements of typed inputs take at most `limit`
/// bytes. `reservation` counts the request, and what is made of it.
///
/// # Errors
/// As [`Engine::answer`], where a tensor is not what it says it is, and where there is no memory.
pub async fn answer(
    engine: &Arc<Engine>,
    request: ModelInferRequest,
    limit: usize,
    reservation: &Reservation,
) -> Result<ModelInferResponse, Problem> {
    let id = request.id.clone();
    let typed = request.raw_input_contents.is_empty();
    let pieces = request.inputs.iter().flat_map(|input| &input.contents);
    let length = pieces.map(Bytes::len).sum();
    let reader_reservation = reservation.clone();
    let read = move || read(request, limit, &reader_reservation);
    let request = run_blocking(length, read).await?;
    let response = engine.answer(request, reservation).await?;
    let outputs = response.outputs.iter().map(|output| output.data.len());
    let length = outputs.sum::<usize>();
    // The outputs exist a second time in the message.
    reservation.reserve(length.saturating_mul(2))?;
    let work = if typed { length } else { 0 };
    run_blocking(work, move || Ok(write(response, id, typed))).await
}

fn read(
    request: ModelInferRequest,
    limit: usize,
    reservation: &Reservation,
) -> Result<InferRequest, Problem> {
    let (raw, inputs) = (request.raw_input_contents, request.inputs);
    if !raw.is_empty() && raw.len() != inputs.len() {
        return Err(Problem::bad_request(format!(
            "there are {} raw_input_contents for {} inputs; each input takes one, in order",
            raw.len(),
            inputs.len()
        )));
    }
    let mut left = limit;
    let mut raw = raw.into_iter();
    let inputs = inputs.into_iter().map(|input| {
        let raw = raw.next();
        let is_typed = raw.is_none();
        let mut tensor = tensor(input, raw, left)?;
        if is_typed {
            reservation.reserve(tensor.data.len())?;
            left = left.saturating_sub(tensor.data.len());
        }
        tensor.data = reservation.attach(tensor.data);
        Ok(tensor)
    });
    Ok(InferRequest {
        inputs: inputs.collect::<Result<_, Problem>>()?,
        model: request.model_name,
        version: Some(request.model_version).filter(|version| !version.is_empty()),
        outputs: request
            .outputs
            .into_iter()
            .map(|output| output.name)
            .collect(),
    })
}

fn tensor(input: InferInputTensor, raw: Option<Bytes>, limit: usize) -> Result<Tensor, Problem> {
    let name = input.name;
    let datatype: DataType = input.datatype.parse().map_err(|_| {
        Problem::bad_request(format!(
            "input `{name}` has the datatype `{}`, which the Open Inference Protocol does not know; FP32 is one",
            input.datatype
        ))
    })?;
    let shape = input.shape.iter().map(|length| usize::try_from(*length));
    let shape = shape.collect::<Result<_, _>>().map_err(|_| {
        Problem::bad_request(format!(
            "input `{name}` has the shape {:?}; a request says how long each axis is",
            input.shape
        ))
    })?;
    let data = match raw {
        Some(_) if input.contents.iter().any(|piece| !piece.is_empty()) => {
            return Err(Problem::bad_request(format!(
                "input `{name}` has `contents`, and the request has raw_input_contents: one of both is meant"
            )));
        }
        Some(raw) => raw,
        None => contents::read(&name, datatype, &input.contents, limit)?,
    };
    Ok(Tensor {
        name,
        datatype,
        shape,
        data,
    })
}

fn write(response: InferResponse, id: String, typed: bool) -> ModelInferResponse {
    let contents: Option<Vec<Bytes>> = match typed {
        true => response.outputs.iter().map(contents::write).collect(),
        false => None,
    };
    let raw_output_contents = match &contents {
        Some(_) => Vec::new(),
        None => response
            .outputs
            .iter()
            .map(|output| output.data.clone())
            .collect(),
    };
    let mut contents = contents.into_iter().flatten();
    let output = |tensor: Tensor| InferOutputTensor {
        name: tensor.name,
        datatype: tensor.datatype.name().into(),
        shape: tensor
            .shape
            .iter()
            .map(|length| i64::try_from(*length).unwrap_or(i64::MAX))
            .collect(),
        contents: contents.next().unwrap_or_default(),
        ..InferOutputTensor::default()
    };
    ModelInferResponse {
        model_name: response.model,
        model_version: response.version,
        id,
        outputs: response.outputs.into_iter().map(output).collect(),
        raw_output_contents,
        ..ModelInferResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::memory::MemoryBudget;

    fn request(
        datatype: &str,
        shape: &[i64],
        contents: Vec<Bytes>,
        raw: Vec<Bytes>,
    ) -> ModelInferRequest {
        ModelInferRequest {
            inputs: vec![InferInputTensor {
                name: "pixels".into(),
                datatype: datatype.into(),
                shape: shape.into(),
                contents,
                ..InferInputTensor::default()
            }],
            raw_input_contents: raw,
            ..ModelInferRequest::default()
        }
    }

    fn reservation() -> Reservation {
        MemoryBudget::new(1 << 20, 1 << 20).reservation()
    }

    #[test]
    fn a_tensor_that_is_not_what_it_says_is_named() {
        let bytes = || Bytes::from_static(&[1]);
        for (request, told) in [
            (request("FLOAT", &[1], vec![], vec![bytes()]), "`FLOAT`"),
            (request("fp32", &[1], vec![], vec![bytes()]), "`fp32`"),
            (request("FP32", &[-1, 2], vec![], vec![bytes()]), "[-1, 2]"),
            (
                request("FP32", &[1], vec![bytes()], vec![bytes()]),
                "one of both",
            ),
            (
                request("FP16", &[1], vec![bytes()], vec![]),
                "raw_input_contents",
            ),
        ] {
            let problem = read(request, 100, &reservation()).unwrap_err();
            assert!(
                problem.message.contains("`pixels`") && problem.message.contains(told),
                "{problem:?}"
            );
        }
        let problem = read(
            request("BOOL", &[1], vec![], vec![bytes(), bytes()]),
            100,
            &reservation(),
        )
        .unwrap_err();
        assert!(
            problem
                .message
                .contains("2 raw_input_contents for 1 inputs"),
            "{problem:?}"
        );
    }

    #[test]
    fn outputs_are_raw_where_one_of_them_has_no_typed_form() {
        let output = |datatype, data: &'static [u8]| Tensor {
            name: datatype_name(datatype),
            datatype,
            shape: vec![1],
            data: Bytes::from_static(data),
        };
        let response = |outputs| InferResponse {
            model: "m".into(),
            version: "1".into(),
            outputs,
        };
        let both = || {
            response(vec![
                output(DataType::Uint8, &[7]),
                output(DataType::Fp16, &[0, 60]),
            ])
        };
        let raw = write(both(), "7".into(), true);
        assert_eq!(
            raw.raw_output_contents,
            [Bytes::from_static(&[7]), Bytes::from_static(&[0, 60])]
        );
        assert!(raw.outputs.iter().all(|output| output.contents.is_empty()));
        let typed = write(
            response(vec![output(DataType::Uint8, &[7])]),
            "7".into(),
            true,
        );
        assert!(typed.raw_output_contents.is_empty());
        assert!(!typed.outputs[0].contents.is_empty());
        assert_eq!(
            (typed.id.as_str(), typed.outputs[0].name.as_str()),
            ("7", "UINT8")
        );
    }

    fn datatype_name(datatype: DataType) -> String {
        datatype.name().into()
    }
}
