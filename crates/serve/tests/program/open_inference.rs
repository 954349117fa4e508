//! The Open Inference Protocol by HTTP, and KServe's V1 for tensors.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwright_tensor::DataType;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::support::{Answer, Sample, Server, ask, assert_is_reference, exchange, photo_bytes};
use crate::tiny_models::echo;

const JSON: &str = "application/json";
const TENSOR: &str = "/v2/models/tiny-tensor";

fn infer(server: &Server, model: &str, request: &Value) -> Answer {
    let path = format!("/v2/models/{model}/infer");
    server.post(&path, JSON, request.to_string().as_bytes())
}

fn tiny(server: &Server, request: &Value) -> Answer {
    infer(server, "tiny-tensor", request)
}

/// Sends tensors behind JSON; the answer's JSON, and the bytes behind it.
fn binary(server: &Server, model: &str, request: &Value, behind: &[u8]) -> (u16, Value, Vec<u8>) {
    let json = request.to_string();
    let head = format!(
        "POST /v2/models/{model}/infer HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/octet-stream\r\nInference-Header-Content-Length: {}\r\n\
         Content-Length: {}\r\n",
        json.len(),
        json.len() + behind.len()
    );
    let (status, head, mut body) =
        exchange(server.port, &head, &[json.as_bytes(), behind].concat());
    let length = head.split("inference-header-content-length: ").nth(1);
    let length = length.map_or(body.len(), |rest| {
        assert!(
            head.contains("content-type: application/octet-stream"),
            "{head}"
        );
        rest.split("\r\n").next().unwrap().parse().unwrap()
    });
    let rest = body.split_off(length);
    (status, serde_json::from_slice(&body).unwrap(), rest)
}

fn bytes<const N: usize>(elements: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    elements.into_iter().flatten().collect()
}

/// A type, two elements of it in JSON, and as bytes.
fn elements() -> [(DataType, Value, Vec<u8>); 14] {
    [
        (DataType::Bool, json!([true, false]), vec![1, 0]),
        (
            DataType::Int8,
            json!([-128, 127]),
            bytes([i8::MIN, i8::MAX].map(i8::to_le_bytes)),
        ),
        (
            DataType::Int16,
            json!([i16::MIN, 7]),
            bytes([i16::MIN, 7].map(i16::to_le_bytes)),
        ),
        (
            DataType::Int32,
            json!([i32::MIN, 7]),
            bytes([i32::MIN, 7].map(i32::to_le_bytes)),
        ),
        (
            DataType::Int64,
            json!([i64::MIN, 7]),
            bytes([i64::MIN, 7].map(i64::to_le_bytes)),
        ),
        (DataType::Uint8, json!([0, 255]), vec![0, 255]),
        (
            DataType::Uint16,
            json!([u16::MAX, 7]),
            bytes([u16::MAX, 7].map(u16::to_le_bytes)),
        ),
        (
            DataType::Uint32,
            json!([u32::MAX, 7]),
            bytes([u32::MAX, 7].map(u32::to_le_bytes)),
        ),
        (
            DataType::Uint64,
            json!([u64::MAX, 7]),
            bytes([u64::MAX, 7].map(u64::to_le_bytes)),
        ),
        (DataType::Fp16, json!([1.0, -2.0]), vec![0, 0x3c, 0, 0xc0]),
        (
            DataType::Bf16,
            json!([1.0, -2.0]),
            vec![0x80, 0x3f, 0, 0xc0],
        ),
        (
            DataType::Fp32,
            json!([-1.5, 0.5]),
            bytes([-1.5_f32, 0.5].map(f32::to_le_bytes)),
        ),
        (
            DataType::Fp64,
            json!([f64::MAX, 0.1]),
            bytes([f64::MAX, 0.1].map(f64::to_le_bytes)),
        ),
        (
            DataType::Bytes,
            json!(["ü", ""]),
            vec![2, 0, 0, 0, 0xc3, 0xbc, 0, 0, 0, 0],
        ),
    ]
}

#[test]
fn every_datatype_goes_in_and_out_in_json_and_behind_it() {
    for (datatype, listed, raw) in elements() {
        let Some(sample) = Sample::of_tensors(&echo(datatype, &["batch", "n"])) else {
            return;
        };
        let server = Server::with(&sample, &[]);
        let name = datatype.name();
        let described = json!([{"name": "x", "datatype": name, "shape": [-1, -1]}]);
        assert_eq!(server.get(TENSOR).json()["inputs"], described);
        let config = server.get(&format!("{TENSOR}/config")).json();
        let named = if datatype == DataType::Bytes {
            "TYPE_STRING".into()
        } else {
            format!("TYPE_{name}")
        };
        assert_eq!(config["input"][0]["data_type"], named);
        assert_eq!(config["input"][0]["dims"], json!([-1]));
        assert_eq!(config["max_batch_size"], 8);

        let input = json!({"name": "x", "datatype": name, "shape": [1, 2], "data": listed});
        let answer = tiny(&server, &json!({"id": "a", "inputs": [input.clone()]}));
        let output = |name| json!({"name": name, "datatype": datatype.name(), "shape": [1, 2], "data": listed});
        assert_eq!(
            answer.json(),
            json!({
                "id": "a", "model_name": "tiny-tensor", "model_version": "1.2",
                "outputs": [output("y"), output("z")],
            })
        );

        let size = raw.len();
        let input = json!({
            "name": "x", "datatype": name, "shape": [1, 2], "parameters": {"binary_data_size": size},
        });
        let wanted = json!([{"name": "z", "parameters": {"binary_data": true}}, {"name": "y"}]);
        let request = json!({"inputs": [input], "outputs": wanted});
        let (status, json, rest) = binary(&server, "tiny-tensor", &request, &raw);
        assert_eq!((status, &rest), (200, &raw), "{datatype:?}: {json}");
        assert_eq!(json["outputs"][0]["name"], "z");
        assert_eq!(json["outputs"][0]["parameters"]["binary_data_size"], size);
        assert_eq!(json["outputs"][1], output("y"));

        let rows = json!({"instances": [listed, listed]});
        let answer = server.post(
            "/v1/models/tiny-tensor:predict",
            JSON,
            rows.to_string().as_bytes(),
        );
        let row = json!({"y": listed, "z": listed});
        assert_eq!(
            answer.json(),
            json!({"predictions": [row, row]}),
            "{datatype:?}"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name_before_it_reaches_the_model() {
    let Some(sample) = Sample::of_tensors(&echo(DataType::Int16, &["batch", "n", "n"])) else {
        return;
    };
    let server = Server::with(&sample, &[]);
    let input = |shape: Value, data: Value| json!({"inputs": [{"name": "x", "datatype": "INT16", "shape": shape, "data": data}]});
    assert_eq!(
        tiny(&server, &input(json!([1, 2, 2]), json!([[[1, 2], [3, 4]]]))).status,
        200
    );
    assert_eq!(
        tiny(&server, &input(json!([2, 1, 1]), json!([1, 2]))).status,
        200
    );
    let wrong = |name: &str, datatype: &str| json!({"inputs": [{"name": name, "datatype": datatype, "shape": [1, 1, 1], "data": [1]}]});
    let mut twice = input(json!([1, 1, 1]), json!([1]));
    twice["outputs"] = json!([{"name": "y"}, {"name": "y"}]);
    let mut other = twice.clone();
    other["outputs"] = json!([{"name": "q"}]);
    for (request, words) in [
        (
            input(json!([1, 2, 1]), json!([1, 2])),
            "`x` has the shape [1, 2, 1]",
        ),
        (input(json!([1, 1]), json!([1])), "`x` has the shape [1, 1]"),
        (input(json!([0, 1, 1]), json!([])), "`x`"),
        (
            input(json!([1, 1, 1]), json!([40000])),
            "`x`: element 0 is 40000",
        ),
        (
            input(json!([1, 1, 1]), json!([1, 2])),
            "`x`: there are more than 1",
        ),
        (wrong("w", "INT16"), "`x` is missing"),
        (wrong("x", "FP32"), "`x` is FP32, and the model takes INT16"),
        (twice, "`y`"),
        (other, "no output `q`"),
        (json!({"inputs": []}), "`x` is missing"),
    ] {
        let error = tiny(&server, &request).error(400);
        assert!(error.contains(words), "{request}: {error}");
    }
    for (size, behind) in [(2, &b""[..]), (2, b"1"), (2, b"123"), (3, b"123")] {
        let request = json!({"inputs": [{
            "name": "x", "datatype": "INT16", "shape": [1, 1, 1],
            "parameters": {"binary_data_size": size},
        }]});
        let (status, answer, _) = binary(&server, "tiny-tensor", &request, behind);
        assert_eq!(status, 400, "{answer}");
    }
}

#[test]
fn nan_and_infinities_are_strings_in_json_and_as_they_are_in_bytes() {
    let Some(sample) = Sample::of_tensors(&echo(DataType::Fp32, &["batch"])) else {
        return;
    };
    let server = Server::with(&sample, &[]);
    let numbers = json!(["NaN", "Infinity", "-Infinity", 0.5]);
    let data = bytes([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5].map(f32::to_le_bytes));
    let input = json!({"name": "x", "datatype": "FP32", "shape": [4], "data": numbers});
    let answer = tiny(&server, &json!({ "inputs": [input] })).json();
    assert_eq!(answer["outputs"][0]["data"], numbers);
    let columns = json!({ "inputs": numbers }).to_string();
    let path = "/v1/models/tiny-tensor:predict";
    let answer = server.post(path, JSON, columns.as_bytes()).json();
    assert_eq!(answer["outputs"]["y"], numbers);
    let file =
        json!({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": ["NaN"]}]});
    let answer = server.post(
        "/predict",
        "application/octet-stream",
        file.to_string().as_bytes(),
    );
    let outputs = &answer.json()["predictions"][0]["outputs"];
    assert_eq!(outputs["y"]["data"], json!(["NaN"]));
    let mut request = json!({"inputs": [{
        "name": "x", "datatype": "FP32", "shape": [4], "parameters": {"binary_data_size": 16},
    }]});
    let (status, answer, _) = binary(&server, "tiny-tensor", &request, &data);
    assert_eq!((status, &answer["outputs"][0]["data"]), (200, &numbers));
    request["parameters"] = json!({"binary_data_output": true});
    let (status, _, rest) = binary(&server, "tiny-tensor", &request, &data);
    assert_eq!((status, rest), (200, [&data[..], &data].concat()));
}

#[test]
fn a_model_without_a_batch_takes_rows_one_by_one() {
    let Some(sample) = Sample::of_tensors(&echo(DataType::Int32, &["2", "n"])) else {
        return;
    };
    let server = Server::with(&sample, &[]);
    let config = server.get(&format!("{TENSOR}/config")).json();
    assert_eq!(
        (&config["max_batch_size"], &config["input"][0]["dims"]),
        (&json!(0), &json!([2, -1]))
    );
    let path = "/v1/models/tiny-tensor:predict";
    let rows = json!({"instances": [[[1], [2]], [[3, 4], [5, 6]]]});
    let answer = server.post(path, JSON, rows.to_string().as_bytes()).json();
    assert_eq!(answer["predictions"][0]["y"], json!([[1], [2]]));
    assert_eq!(answer["predictions"][1]["z"], json!([[3, 4], [5, 6]]));
    let columns = json!({"inputs": {"x": [[1], [2]]}});
    let answer = server
        .post(path, JSON, columns.to_string().as_bytes())
        .json();
    assert_eq!(
        answer,
        json!({"outputs": {"y": [[1], [2]], "z": [[1], [2]]}})
    );
    let bad = json!({"instances": [[[1], [2]], [[3]]]});
    let error = server
        .post(path, JSON, bad.to_string().as_bytes())
        .error(400);
    assert!(error.contains("`x`"), "{error}");
}

#[test]
fn samples_come_in_base64_or_as_bytes_and_a_bad_one_is_an_error_in_its_place() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let name = "efficientnet-lite0";
    let (cat, rocket) = (photo_bytes("cat.jpg"), photo_bytes("rocket.jpg"));
    let input =
        |data: Value| json!({"name": "image", "datatype": "BYTES", "shape": [4], "data": data});
    let request = json!({"inputs": [input(json!([STANDARD.encode(&cat), "%", "aGk=", STANDARD.encode(&rocket)]))]});
    let listed = infer(&server, name, &request).json();
    let raw: Vec<u8> = [&cat[..], b"", b"hi", &rocket]
        .iter()
        .flat_map(|sample| [&(sample.len() as u32).to_le_bytes(), *sample].concat())
        .collect();
    let mut request = json!({"inputs": [input(Value::Null)]});
    request["inputs"][0]["parameters"] = json!({"binary_data_size": raw.len()});
    let (_, sent, _) = binary(&server, name, &request, &raw);
    for answer in [listed, sent] {
        let output = &answer["outputs"][0];
        assert_eq!(
            (&output["name"], &output["shape"]),
            (&json!("prediction"), &json!([4]))
        );
        let predictions: Vec<Value> = output["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap())
            .collect();
        assert_is_reference("cat.jpg", &predictions[0]);
        assert_is_reference("rocket.jpg", &predictions[3]);
        for place in [1, 2] {
            assert_eq!(predictions[place]["error"]["code"], "SampleUnreadable");
        }
    }
}

#[test]
fn models_and_versions_are_told_and_the_repository_is_fixed() {
    let Some(sample) = Sample::of_tensors(&echo(DataType::Fp32, &["batch"])) else {
        return;
    };
    let server = Server::with(&sample, &[]);
    assert_eq!(
        server.get("/v2/models").json(),
        json!({"models": ["tiny", "tiny-tensor"]})
    );
    assert_eq!(server.get("/v2").json()["name"], "boxwright");
    for model in ["tiny", "tiny-tensor"] {
        for path in [
            format!("/v2/models/{model}"),
            format!("/v2/models/{model}/versions/1.2"),
        ] {
            let metadata = server.get(&path).json();
            assert_eq!(
                (&metadata["name"], &metadata["versions"]),
                (&json!(model), &json!(["1.2"]))
            );
            let ready = server.get(&format!("{path}/ready"));
            assert_eq!(ready.json(), json!({"name": model, "ready": true}));
            assert_eq!(server.get(&format!("{path}/config")).json()["name"], model);
        }
        for verb in ["load", "unload"] {
            let path = format!("/v2/repository/models/{model}/{verb}");
            let error = server.post(&path, JSON, b"{}").error(403);
            assert!(error.contains("fixed") && error.contains(model), "{error}");
        }
    }
    let index = server
        .post("/v2/repository/index", JSON, b"{\"ready\": true}")
        .json();
    assert_eq!(
        index[1],
        json!({"name": "tiny-tensor", "version": "1.2", "state": "READY", "reason": ""})
    );
    for path in [
        "/v2/models/other",
        "/v2/models/tiny/versions/2",
        "/v2/models/tiny/versions/2/ready",
        "/v2/models/%ff",
    ] {
        server.get(path).error(404);
    }
    for path in [
        "/v2/models/other/infer",
        "/v2/models/tiny/versions/2/infer",
        "/v2/repository/models/other/load",
    ] {
        server.post(path, JSON, b"{}").error(404);
    }
}

#[test]
fn compressed_bodies_are_understood_and_bounded() {
    let Some(sample) = Sample::of_tensors(&echo(DataType::Uint8, &["batch"])) else {
        return;
    };
    let server = Server::with(&sample, &[("MAX_BODY_MB", "1")]);
    let request =
        json!({"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "data": [7]}]});
    let send = |encoding: &str, body: &[u8]| {
        let head = format!(
            "POST {TENSOR}/infer HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n",
            body.len()
        );
        ask(server.port, &head, body)
    };
    let gzip = |bytes: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let text = request.to_string();
    assert_eq!(
        send("gzip", &gzip(text.as_bytes())).json()["outputs"][0]["data"],
        json!([7])
    );
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(text.as_bytes()).unwrap();
    assert_eq!(send("deflate", &zlib.finish().unwrap()).status, 200);
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    send("gzip", &bomb).error(413);
    send("gzip", text.as_bytes()).error(400);
    let error = send("zstd", b"").error(400);
    assert!(error.contains("zstd"), "{error}");
}
