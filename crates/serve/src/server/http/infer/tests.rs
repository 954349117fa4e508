use axum::http::{HeaderMap, HeaderValue};
use boxwright_tensor::{DataType, Tensor};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    BinaryOutputs, HEADER_LENGTH, ParsedRequest, header_length, insert_errors, parse, write,
};
use crate::server::limits::MAX_SAMPLES;
use crate::server::models::{InferResponse, Model, PREDICTION};
use crate::server::problem::{Kind, Problem};

fn read_json(json: &Value, model: Model) -> Result<ParsedRequest, String> {
    read_with(json, b"", model)
}

fn read_with(json: &Value, behind: &[u8], model: Model) -> Result<ParsedRequest, String> {
    let mut body = json.to_string().into_bytes();
    let header = body.len();
    body.extend_from_slice(behind);
    parse(&body.into(), header, model, &|_| Ok(())).map_err(|problem| problem.message)
}

fn input(more: Value) -> Value {
    let mut input = json!({"name": "x", "datatype": "INT16", "shape": [2]});
    input
        .as_object_mut()
        .unwrap()
        .append(&mut more.as_object().unwrap().clone());
    json!({ "inputs": [input] })
}

#[test]
fn inputs_in_json_and_behind_it_are_mixed() {
    let request = json!({
        "id": "7",
        "inputs": [
            {"name": "a", "datatype": "INT16", "shape": [2], "parameters": {"binary_data_size": 4}},
            {"name": "b", "datatype": "UINT8", "shape": [1, 2], "data": [[1, 2]]},
            {"name": "c", "datatype": "BOOL", "shape": [1], "parameters": {"binary_data_size": 1}},
        ],
        "outputs": [{"name": "y"}, {"name": "z", "parameters": {"binary_data": true}}],
        "parameters": {"priority": 3, "binary_data_output": false},
    });
    let parsed = read_with(&request, &[1, 0, 2, 0, 1], Model::Tensors).unwrap();
    assert_eq!(parsed.id.as_deref(), Some("7"));
    assert_eq!(parsed.request.outputs, ["y", "z"]);
    let data: Vec<&[u8]> = parsed
        .request
        .inputs
        .iter()
        .map(|input| &input.data[..])
        .collect();
    assert_eq!(data, [&[1, 0, 2, 0][..], &[1, 2], &[1]]);
    assert_eq!(parsed.request.inputs[1].shape, [1, 2]);
}

#[test]
fn a_refused_input_names_the_tensor_or_the_field() {
    for (request, words) in [
        (input(json!({})), "input `x`: it has neither `data` nor"),
        (
            input(json!({"data": [1]})),
            "input `x`: `data` is a list of the shape [1], and `shape` says [2]",
        ),
        (
            input(json!({"data": [1, 2, 3]})),
            "input `x`: there are more than 2 elements",
        ),
        (
            input(json!({"data": [1, 99999]})),
            "input `x`: element 1 is 99999",
        ),
        (
            input(json!({"data": "12"})),
            "input `x`: element 0 is a string",
        ),
        (
            input(json!({"data": [1, 2], "shape": [-2]})),
            "input `x`: the shape [-2]",
        ),
        (
            input(json!({"data": [1, 2], "shape": [2.5]})),
            "inputs[0].shape[0]",
        ),
        (
            input(json!({"data": [1, 2], "datatype": "INT7"})),
            "input `x`: there is no datatype `INT7`",
        ),
        (
            input(json!({"data": [1, 2], "parameters": {"binary_data_size": 4}})),
            "both",
        ),
        (
            input(json!({"parameters": {"binary_data_size": 4}})),
            "input `x`: `binary_data_size` is 4, and 0 bytes",
        ),
        (
            input(json!({"parameters": {"binary_data_size": -1}})),
            "inputs[0].parameters.binary_data_size",
        ),
        (
            input(json!({"parameters": {"shared_memory_region": "r"}})),
            "input `x`: shared memory",
        ),
    ] {
        let error = read_json(&request, Model::Tensors).unwrap_err();
        assert!(error.contains(words), "{request}: {error}");
    }
}

#[test]
fn a_refused_request_or_output_names_the_field() {
    for (request, words) in [
        (json!({}), "inputs"),
        (json!({"inputs": {}}), "inputs"),
        (json!({"inputs": [], "id": 3}), "`id`"),
        (
            json!({"inputs": [{"datatype": "INT8", "shape": []}]}),
            "`name`",
        ),
        (json!({"inputs": [], "outputs": [{}]}), "outputs[0]"),
        (
            json!({"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": 2}}]}),
            "output `y`: `classification`",
        ),
        (
            json!({"inputs": [], "outputs": [{"name": "y", "parameters": {"shared_memory_region": "r"}}]}),
            "output `y`: shared memory",
        ),
        (json!([]), "the body"),
    ] {
        let error = read_json(&request, Model::Tensors).unwrap_err();
        assert!(error.contains(words), "{request}: {error}");
    }
}

#[test]
fn bytes_that_no_input_claims_are_refused() {
    let request = input(json!({"data": [1, 2]}));
    let error = read_with(&request, b"abc", Model::Tensors).unwrap_err();
    assert!(error.contains("3 bytes more"), "{error}");
}

#[test]
fn what_is_no_json_is_refused() {
    for body in [
        "",
        "{",
        "\0",
        "{\"inputs\": []} {}",
        "{\"inputs\": [], \"inputs\": []}",
    ] {
        let body = Bytes::copy_from_slice(body.as_bytes());
        assert!(
            parse(&body, body.len(), Model::Tensors, &|_| Ok(())).is_err(),
            "{body:?}"
        );
    }
}

#[test]
fn memory_is_reserved_before_it_is_taken() {
    let request = input(json!({"data": [1, 2]})).to_string();
    let body = Bytes::from(request);
    let reserved = std::cell::Cell::new(0);
    let hold = |bytes| {
        reserved.set(reserved.get() + bytes);
        Err(Problem::out_of_memory())
    };
    let problem = parse(&body, body.len(), Model::Tensors, &hold).unwrap_err();
    assert_eq!((problem.kind, reserved.get()), (Kind::Busy, 4));
}

#[test]
fn too_many_samples_are_refused_before_they_are_read() {
    let request = json!({"inputs": [
        {"name": "image", "datatype": "BYTES", "shape": [MAX_SAMPLES + 1], "data": [1]},
    ]});
    let body = Bytes::from(request.to_string());
    let problem = parse(&body, body.len(), Model::Pipeline, &|_| Ok(())).unwrap_err();
    assert_eq!(problem.kind, Kind::TooLarge);
}

#[test]
fn what_json_has_no_word_for_is_explained() {
    for number in ["NaN", "-Infinity", "[Infinity]"] {
        let text = format!(
            "{{\"inputs\":[{{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[0.5,\n{number}]}}]}}"
        );
        let body = Bytes::from(text);
        let problem = parse(&body, body.len(), Model::Tensors, &|_| Ok(())).unwrap_err();
        assert!(problem.message.contains("inputs[0].data"), "{problem:?}");
        assert!(problem.message.contains("\"-Infinity\""), "{problem:?}");
    }
}

#[test]
fn nan_and_infinities_are_strings_both_ways() {
    let numbers = json!(["NaN", "Infinity", "-Infinity", 0.5]);
    let inputs = json!([{"name": "x", "datatype": "FP32", "shape": [4], "data": numbers}]);
    let parsed = read_json(&json!({ "inputs": inputs }), Model::Tensors).unwrap();
    let response = InferResponse {
        model: "m".into(),
        version: "1".into(),
        outputs: parsed.request.inputs,
    };
    let body = write(&response, None, &BinaryOutputs::default())
        .unwrap()
        .body;
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json["outputs"], inputs);
}

#[test]
fn the_length_of_the_json_is_checked() {
    let body = Bytes::from_static(b"0123456789");
    let length = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER_LENGTH, HeaderValue::from_static(value));
        }
        header_length(&headers, &body).map_err(|problem| problem.message)
    };
    assert_eq!(length(&[]), Ok(10));
    assert_eq!(length(&["4"]), Ok(4));
    assert_eq!(length(&["10"]), Ok(10));
    for wrong in [
        &["11"][..],
        &["-1"],
        &["x"],
        &[""],
        &["1", "1"],
        &["99999999999999999999"],
    ] {
        let error = length(wrong).unwrap_err();
        assert!(error.contains("Inference-Header-Content-Length"), "{error}");
    }
}

#[test]
fn samples_are_base64_and_one_that_is_not_is_told_in_its_place() {
    let request = json!({"inputs": [
        {"name": "image", "datatype": "BYTES", "shape": [2], "data": ["aGk=", "?"]},
    ]});
    let parsed = read_json(&request, Model::Pipeline).unwrap();
    assert_eq!(
        parsed.request.inputs[0].strings().unwrap(),
        [&b"hi"[..], b""]
    );
    let outputs = vec![Tensor::of_strings(PREDICTION, vec![2], &["{}", "{}"]).unwrap()];
    let (model, version) = ("m".to_owned(), "1".to_owned());
    let mut response = InferResponse {
        model,
        version,
        outputs,
    };
    insert_errors(parsed.unreadable, &mut response).unwrap();
    let predictions = response.outputs[0].strings().unwrap();
    assert_eq!(predictions[0], "{}");
    let told: Value = serde_json::from_slice(&predictions[1]).unwrap();
    assert_eq!(told["error"]["code"], "SampleUnreadable");
    assert_eq!(response.outputs[0].shape, [2]);
}

fn response() -> InferResponse {
    let tensor = |name: &str, datatype, data: &'static [u8]| Tensor {
        name: name.into(),
        datatype,
        shape: vec![1, 2],
        data: Bytes::from_static(data),
    };
    InferResponse {
        model: "m".into(),
        version: "1".into(),
        outputs: vec![
            tensor("y", DataType::Uint8, &[1, 2]),
            tensor("z", DataType::Int16, &[3, 0, 4, 0]),
        ],
    }
}

#[test]
fn outputs_are_json_or_bytes_as_each_is_requested() {
    let listed = write(&response(), Some("7"), &BinaryOutputs::default()).unwrap();
    assert_eq!(listed.header, None);
    assert_eq!(
        serde_json::from_slice::<Value>(&listed.body).unwrap(),
        json!({"model_name": "m", "model_version": "1", "id": "7", "outputs": [
            {"name": "y", "datatype": "UINT8", "shape": [1, 2], "data": [1, 2]},
            {"name": "z", "datatype": "INT16", "shape": [1, 2], "data": [3, 4]},
        ]})
    );
    for (others, named, behind) in [
        (true, None, &[1, 2, 3, 0, 4, 0][..]),
        (true, Some(("z", false)), &[1, 2]),
        (false, Some(("z", true)), &[3, 0, 4, 0]),
    ] {
        let named = named
            .map(|(name, binary)| (name.to_owned(), binary))
            .into_iter()
            .collect();
        let written = write(&response(), None, &BinaryOutputs { named, others }).unwrap();
        let (json, rest) = written.body.split_at(written.header.unwrap());
        assert_eq!(rest, behind);
        let json: Value = serde_json::from_slice(json).unwrap();
        assert!(json.get("id").is_none());
        let sizes = json["outputs"].as_array().unwrap().iter();
        let sizes = sizes.filter_map(|output| output["parameters"]["binary_data_size"].as_u64());
        assert_eq!(sizes.sum::<u64>(), behind.len() as u64);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..300),
        header in 0..300_usize,
    ) {
        let header = header.min(body.len());
        let _ = parse(&body.into(), header, Model::Tensors, &|_| Ok(()));
    }

    #[test]
    fn any_request_is_read_or_refused(
        shape in prop::collection::vec(-2..5_i64, 0..4),
        datatype in "INT8|FP64|BYTES|BOOL|FP1",
        data in "(\\[[0-9,.eE\\[\\]\"-]{0,20}\\])|null|1",
        size in prop::option::of(any::<u64>()),
        behind in prop::collection::vec(any::<u8>(), 0..40),
        samples: bool,
    ) {
        let parameters = size.map_or("null".to_owned(), |size| format!("{{\"binary_data_size\":{size}}}"));
        let json = format!(
            "{{\"inputs\":[{{\"name\":\"x\",\"datatype\":\"{datatype}\",\"shape\":{shape:?},\
             \"parameters\":{parameters},\"data\":{data}}}]}}"
        );
        let header = json.len();
        let mut body = json.into_bytes();
        body.extend(behind);
        let model = if samples { Model::Pipeline } else { Model::Tensors };
        let _ = parse(&body.into(), header, model, &|_| Ok(()));
    }

    #[test]
    fn binary_tensors_arrive_as_they_were_sent(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
    ) {
        let inputs: Vec<Value> = parts
            .iter()
            .enumerate()
            .map(|(place, part)| json!({
                "name": place.to_string(), "datatype": "UINT8", "shape": [part.len()],
                "parameters": {"binary_data_size": part.len()},
            }))
            .collect();
        let parsed = read_with(&json!({ "inputs": inputs }), &parts.concat(), Model::Tensors).unwrap();
        for (input, part) in parsed.request.inputs.iter().zip(&parts) {
            prop_assert_eq!(&input.data[..], &part[..]);
        }
    }
}
