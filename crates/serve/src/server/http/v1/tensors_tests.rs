use boxwright_tensor::{BatchAxis, DataType, Signature, Tensor, TensorSpec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Answer, Reader, Runs};

fn signature(inputs: &[&str]) -> Signature {
    let spec = |name: &&str| TensorSpec {
        name: (*name).into(),
        datatype: DataType::Uint8,
        shape: None,
    };
    Signature {
        inputs: inputs.iter().map(spec).collect(),
        outputs: Vec::new(),
    }
}

fn tensor(name: &str, shape: &[usize], data: &[u8]) -> Tensor {
    Tensor {
        name: name.into(),
        datatype: DataType::Uint8,
        shape: shape.to_vec(),
        data: data.to_vec().into(),
    }
}

fn read(body: &[u8], signature: &Signature, axis: BatchAxis) -> Result<Runs, String> {
    let reserve = &|_| Ok(());
    let reader = Reader {
        signature,
        axis,
        reserve,
    };
    reader.read(body).map_err(|problem| problem.message)
}

fn read_json(json: &Value, inputs: &[&str], axis: BatchAxis) -> Result<Runs, String> {
    read(json.to_string().as_bytes(), &signature(inputs), axis)
}

#[test]
fn rows_are_stacked_into_a_batch() {
    let batch =
        |json: Value, inputs: &[&str]| read_json(&json, inputs, BatchAxis::Dynamic).unwrap();
    assert_eq!(
        batch(json!({"instances": [[1, 2], [3, 4], [5, 6]]}), &["a"]),
        Runs::Batch(vec![tensor("a", &[3, 2], &[1, 2, 3, 4, 5, 6])])
    );
    assert_eq!(
        batch(json!({"instances": [7, 8]}), &["a"]),
        Runs::Batch(vec![tensor("a", &[2], &[7, 8])])
    );
    let rows = json!({"instances": [{"a": [1, 2], "b": 3}, {"b": 6, "a": [4, 5]}]});
    assert_eq!(
        batch(rows, &["a", "b"]),
        Runs::Batch(vec![
            tensor("a", &[2, 2], &[1, 2, 4, 5]),
            tensor("b", &[2], &[3, 6]),
        ])
    );
    assert_eq!(
        batch(json!({"instances": []}), &["a", "b"]),
        Runs::Rows(vec![])
    );
}

#[test]
fn rows_of_a_model_without_batch_run_one_by_one() {
    let json = json!({"instances": [[1], [2, 3]]});
    assert_eq!(
        read_json(&json, &["a"], BatchAxis::None).unwrap(),
        Runs::Rows(vec![
            vec![tensor("a", &[1], &[1])],
            vec![tensor("a", &[2], &[2, 3])]
        ])
    );
}

#[test]
fn columns_are_whole_tensors() {
    let a = tensor("a", &[1, 2], &[1, 2]);
    assert_eq!(
        read_json(&json!({"inputs": [[1, 2]]}), &["a"], BatchAxis::Dynamic).unwrap(),
        Runs::Columns(vec![a.clone()])
    );
    assert_eq!(
        read_json(
            &json!({"inputs": {"b": [3], "a": [[1, 2]]}}),
            &["a", "b"],
            BatchAxis::Dynamic
        )
        .unwrap(),
        Runs::Columns(vec![a, tensor("b", &[1], &[3])])
    );
}

#[test]
fn a_refusal_names_the_instance_and_the_input() {
    for (json, inputs, words) in [
        (json!({}), &["a"][..], "either `instances`"),
        (
            json!({"instances": [], "inputs": []}),
            &["a"],
            "either `instances`",
        ),
        (json!({"instances": 3}), &["a"], "`instances` is not a list"),
        (
            json!({"instances": [[1], [2, 3]]}),
            &["a"],
            "input `a`: lists of the same depth",
        ),
        (
            json!({"instances": [[256]]}),
            &["a"],
            "input `a`: element 0 is 256",
        ),
        (
            json!({"instances": [[1]]}),
            &["a", "b"],
            "`instances`: the model has 2 inputs",
        ),
        (
            json!({"instances": [{"a": 1}, {"a": 1, "c": 2}]}),
            &["a"],
            "instance 1: the model has no input `c`",
        ),
        (
            json!({"instances": [{"a": 1}, {}]}),
            &["a"],
            "instance 1 has other inputs",
        ),
        (
            json!({"instances": [{"a": [1]}, {"a": 1}]}),
            &["a"],
            "instance 1: input `a` has the shape []",
        ),
        (
            json!({"instances": [{"a": 1}, {"a": "x"}]}),
            &["a"],
            "instance 1: input `a`: element 0",
        ),
        (
            json!({"instances": [{"a": 1}, 2]}),
            &["a"],
            "instance 1: it is no object",
        ),
        (json!({"inputs": {"c": 1}}), &["a"], "no input `c`"),
        (
            json!({"inputs": "x"}),
            &["a"],
            "input `a`: element 0 is a string",
        ),
    ] {
        let error = read_json(&json, inputs, BatchAxis::Dynamic).unwrap_err();
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn answers_take_the_form_of_the_request() {
    let written =
        |answer: Answer| -> Value { serde_json::from_slice(&answer.write().unwrap()).unwrap() };
    let (y, z) = (tensor("y", &[2, 1], &[1, 2]), tensor("z", &[2], &[3, 4]));
    let both = vec![y.clone(), z];
    assert_eq!(
        written(Answer::batch(vec![y.clone()])),
        json!({"predictions": [[1], [2]]})
    );
    assert_eq!(
        written(Answer::batch(both.clone())),
        json!({"predictions": [{"y": [1], "z": 3}, {"y": [2], "z": 4}]})
    );
    assert_eq!(
        written(Answer::Columns(both.clone())),
        json!({"outputs": {"y": [[1], [2]], "z": [3, 4]}})
    );
    assert_eq!(
        written(Answer::Rows(vec![vec![y], both])),
        json!({"predictions": [[[1], [2]], {"y": [[1], [2]], "z": [3, 4]}]})
    );
    assert_eq!(written(Answer::Rows(vec![])), json!({"predictions": []}));
}

#[test]
fn nan_and_infinities_are_strings_both_ways() {
    let mut signature = signature(&["a"]);
    signature.inputs[0].datatype = DataType::Fp16;
    let rows = json!([["NaN", 1.5], ["Infinity", "-Infinity"]]);
    let body = json!({ "instances": rows }).to_string();
    let Runs::Batch(batch) = read(body.as_bytes(), &signature, BatchAxis::Dynamic).unwrap() else {
        panic!("rows are a batch");
    };
    let written: Value = serde_json::from_slice(&Answer::batch(batch).write().unwrap()).unwrap();
    assert_eq!(written, json!({ "predictions": rows }));
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(
        key in "instances|inputs",
        value in "[\\[\\]{},:ab\"0-9. -]{0,40}",
        batch: bool,
    ) {
        let body = format!("{{\"{key}\":{value}}}");
        let axis = if batch { BatchAxis::Dynamic } else { BatchAxis::None };
        let _ = read(body.as_bytes(), &signature(&["a"]), axis);
        let _ = read(body.as_bytes(), &signature(&["a", "b"]), axis);
    }
}
