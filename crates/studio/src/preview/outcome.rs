//! The outcome of a sample, from what a worker sends.

use boxwright_model::Outcome;
use boxwright_model::prediction::{OutputTensor, SampleError};
use boxwright_worker::FromWorkerResult;

use crate::failure::Code;

/// A result's outcome with its raw outputs as numbers.
pub fn outcome(result: FromWorkerResult) -> Outcome {
    if result.tensors.is_empty() {
        return result.outcome;
    }
    let outputs = result.tensors.iter().map(|tensor| {
        let output = OutputTensor::from_tensor(tensor).ok_or(&tensor.name)?;
        Ok((tensor.name.clone(), output))
    });
    match outputs.collect::<Result<_, &String>>() {
        Ok(outputs) => Outcome::Outputs(outputs),
        Err(name) => Outcome::Error(SampleError {
            code: Code::ShapeMismatch.to_string(),
            message: format!("the output {name} has elements that can't be printed"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use boxwright_tensor::{DataType, Tensor};

    use super::*;

    fn shown(datatype: DataType, shape: Vec<usize>, data: Vec<u8>) -> serde_json::Value {
        let tensor = Tensor {
            name: "out".into(),
            datatype,
            shape,
            data: data.into(),
        };
        let outcome = outcome(FromWorkerResult {
            sample: 0,
            outcome: Outcome::Outputs(Default::default()),
            picture: None,
            details: None,
            thumbnail: None,
            tensors: vec![tensor],
        });
        // As text, in which a 32-bit number has its own digits.
        serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap()
    }

    #[test]
    fn raw_outputs_are_shown_as_they_are_nan_and_infinities_too() {
        let numbers = [0.1_f32, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let data = numbers.iter().flat_map(|number| number.to_le_bytes());
        assert_eq!(
            shown(DataType::Fp32, vec![4], data.collect()),
            serde_json::json!({"outputs": {"out": {
                "shape": [4],
                "datatype": "FP32",
                "data": [0.1, "NaN", "Infinity", "-Infinity"],
            }}})
        );
    }

    #[test]
    fn strings_and_incomplete_outputs_are_errors() {
        for (datatype, shape) in [(DataType::Bytes, vec![1]), (DataType::Fp32, vec![2])] {
            let shown = shown(datatype, shape, vec![0, 0, 0, 0]);
            assert_eq!(shown["error"]["code"], "ShapeMismatch");
        }
    }
}
