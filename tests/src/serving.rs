//! The server of the share folder with a package, and its answers to the same samples by each of its
//! protocols.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::grpc::{
    Contents, InferRequest, InferResponse, InferTensor, InputItem, RunRequest, RunResponse, call,
};
use crate::server::{Server, free_port};
use crate::{Sandbox, programs, wait};

const BOUNDARY: &str = "----frontier";
const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

/// A running server.
#[derive(Debug)]
pub struct Serving {
    /// The process.
    pub server: Server,
    /// Its port.
    pub port: u16,
    model: String,
    input: &'static str,
}

impl Serving {
    /// Serves the package called `model`, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(sandbox: &Sandbox, package: &Path, model: &str) -> Self {
        Self::start_with(sandbox, package, model, &[])
    }

    /// As [`Serving::start`], with more variables.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start_with(
        sandbox: &Sandbox,
        package: &Path,
        model: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let port = free_port();
        let mut command = Command::new(programs::serve());
        command
            .arg("--package")
            .arg(package)
            .env("PORT", port.to_string())
            .env("DEVICE", "cpu")
            .envs(more.iter().copied());
        let server = Server::start(&command, &sandbox.path(&format!("work/{model}.log")));
        let mut serving = Self {
            server,
            port,
            model: model.to_owned(),
            input: "image",
        };
        let ready = serving.url("/v2/health/ready");
        wait::until("the server is ready", Duration::from_secs(60), || {
            ureq::get(&ready).call().is_ok().then_some(())
        });
        let metadata = serving.get(&format!("/v2/models/{model}"));
        if metadata["inputs"][0]["name"] == "sample" {
            serving.input = "sample";
        }
        serving
    }

    /// An address of the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The JSON at a path.
    ///
    /// # Panics
    /// When it is not answered with 200 and JSON.
    pub fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(self.url(path)).call().unwrap();
        answer.body_mut().read_json().unwrap()
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (ureq::http::HeaderMap, Vec<u8>) {
        let request = ureq::post(self.url(path)).header("Content-Type", kind);
        let mut answer = request.send(body).unwrap_or_else(|error| {
            panic!("{path}: {error}; the server says:\n{}", self.server.log())
        });
        let headers = answer.headers().clone();
        let body = answer.body_mut().with_config().limit(u64::MAX);
        (headers, body.read_to_vec().unwrap())
    }

    fn json(&self, path: &str, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        self.post(path, "application/json", body.as_bytes()).1
    }

    /// The whole answer of `/predict` to the parts of one body.
    ///
    /// # Panics
    /// When there is none.
    pub fn predict(&self, samples: &[Vec<u8>]) -> Value {
        serde_json::from_slice(&self.predict_bytes(samples)).unwrap()
    }

    /// The same as it came.
    pub fn predict_bytes(&self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        for sample in samples {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"a\"\r\n\r\n",
                self.input
            );
            body.extend([head.as_bytes(), sample, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.post("/predict", &kind, &body).1
    }

    /// The answer of `/predict` to one body; `None` where it is refused.
    pub fn try_predict(&self, sample: &[u8]) -> Option<Vec<u8>> {
        let request =
            ureq::post(self.url("/predict")).header("Content-Type", "application/octet-stream");
        let mut answer = request.send(sample).ok()?;
        let body = answer.body_mut().with_config().limit(u64::MAX);
        body.read_to_vec().ok()
    }

    /// The results of `/predict`, each sample a body.
    fn bodies(&self, samples: &[Vec<u8>]) -> Vec<Value> {
        let one = |sample: &Vec<u8>| {
            let (_, answer) = self.post("/predict", "application/octet-stream", sample);
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            answer["predictions"][0].clone()
        };
        samples.iter().map(one).collect()
    }

    /// The whole answer of the V1 protocol.
    pub fn v1(&self, samples: &[Vec<u8>]) -> Value {
        let instance = |(place, sample): (usize, &Vec<u8>)| {
            let text = BASE64_STANDARD.encode(sample);
            // Both ways to write one.
            if place % 2 == 0 {
                json!(text)
            } else {
                json!({ "b64": text })
            }
        };
        let instances: Vec<Value> = samples.iter().enumerate().map(instance).collect();
        let path = format!("/v1/models/{}:predict", self.model);
        let answer = self.json(&path, &json!({ "instances": instances }));
        serde_json::from_slice(&answer).unwrap()
    }

    /// The whole answer of the V2 protocol in JSON.
    ///
    /// # Panics
    /// When there is none.
    pub fn v2(&self, samples: &[Vec<u8>]) -> Value {
        serde_json::from_slice(&self.v2_bytes(samples)).unwrap()
    }

    /// The same as it came.
    pub fn v2_bytes(&self, samples: &[Vec<u8>]) -> Vec<u8> {
        let data: Vec<String> = samples
            .iter()
            .map(|one| BASE64_STANDARD.encode(one))
            .collect();
        let input = json!({
            "name": self.input, "datatype": "BYTES", "shape": [samples.len()], "data": data,
        });
        let path = format!("/v2/models/{}/infer", self.model);
        self.json(&path, &json!({ "inputs": [input] }))
    }

    /// The results of the V2 protocol, all tensors as bytes.
    fn binary(&self, samples: &[Vec<u8>]) -> Vec<Value> {
        let raw = lengthened(samples);
        let head = json!({
            "inputs": [{
                "name": self.input, "datatype": "BYTES", "shape": [samples.len()],
                "parameters": { "binary_data_size": raw.len() },
            }],
            "parameters": { "binary_data_output": true },
        })
        .to_string();
        let path = self.url(&format!("/v2/models/{}/infer", self.model));
        let request = ureq::post(path)
            .header("Content-Type", "application/octet-stream")
            .header("Inference-Header-Content-Length", head.len().to_string());
        let mut answer = request.send(&[head.as_bytes(), &raw].concat()[..]).unwrap();
        let length = &answer.headers()["inference-header-content-length"];
        let length: usize = length.to_str().unwrap().parse().unwrap();
        let body = answer.body_mut().with_config().limit(u64::MAX);
        let body = body.read_to_vec().unwrap();
        let head: Value = serde_json::from_slice(&body[..length]).unwrap();
        let size = head["outputs"][0]["parameters"]["binary_data_size"].as_u64();
        assert_eq!(size, Some((body.len() - length) as u64), "{head}");
        elements(&body[length..])
    }

    /// The results of ModelInfer, with the samples typed or raw.
    fn grpc(&self, samples: &[Vec<u8>], raw: bool) -> Vec<Value> {
        let contents = Contents {
            bytes_contents: samples.to_vec(),
        };
        let request = InferRequest {
            model_name: self.model.clone(),
            inputs: vec![InferTensor {
                name: self.input.to_owned(),
                datatype: "BYTES".to_owned(),
                shape: vec![i64::try_from(samples.len()).unwrap()],
                contents: (!raw).then_some(contents),
            }],
            raw_input_contents: raw.then(|| lengthened(samples)).into_iter().collect(),
        };
        let answer: InferResponse = call(self.port, INFER, request);
        assert_eq!(answer.outputs[0].name, "prediction");
        let typed = answer.outputs[0].contents.as_ref();
        match answer.raw_output_contents.first() {
            Some(raw) => elements(raw),
            None => typed.unwrap().bytes_contents.iter().map(parsed).collect(),
        }
    }

    /// The results of the Open Model Interface.
    fn omi(&self, samples: &[Vec<u8>]) -> Vec<Value> {
        let item = |sample: &Vec<u8>| InputItem {
            input: HashMap::from([("input".to_owned(), sample.clone())]),
        };
        let inputs = samples.iter().map(item).collect();
        let request = RunRequest { inputs };
        let answer: RunResponse = call(self.port, "/ModzyModel/Run", request);
        assert_eq!(answer.status_code, 200);
        let result = |item: &crate::grpc::OutputItem| {
            assert!(item.success, "{:?}", item.output.keys());
            let keys: Vec<&String> = item.output.keys().collect();
            assert_eq!(keys, ["results.json"]);
            parsed(&item.output["results.json"])
        };
        answer.outputs.iter().map(result).collect()
    }

    /// The results of the samples by each protocol.
    pub fn by_all(&self, samples: &[Vec<u8>]) -> Vec<(&'static str, Vec<Value>)> {
        let list = |answer: &Value| answer["predictions"].as_array().unwrap().clone();
        let strings = |answer: &Value| {
            let data = answer["outputs"][0]["data"].as_array().unwrap();
            let text = |one: &Value| parsed(one.as_str().unwrap());
            data.iter().map(text).collect()
        };
        vec![
            ("/predict, parts", list(&self.predict(samples))),
            ("/predict, a body each", self.bodies(samples)),
            ("V1", list(&self.v1(samples))),
            ("V2, JSON", strings(&self.v2(samples))),
            ("V2, binary", self.binary(samples)),
            ("gRPC, typed", self.grpc(samples, false)),
            ("gRPC, raw", self.grpc(samples, true)),
            ("OMI", self.omi(samples)),
        ]
    }
}

fn parsed(json: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(json.as_ref()).unwrap()
}

/// Elements of BYTES: each after its length in four bytes.
fn lengthened(samples: &[Vec<u8>]) -> Vec<u8> {
    let one = |sample: &Vec<u8>| {
        let length = u32::try_from(sample.len()).unwrap();
        [&length.to_le_bytes()[..], sample].concat()
    };
    samples.iter().flat_map(one).collect()
}

fn elements(mut rest: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (element, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        found.push(parsed(element));
        rest = after;
    }
    found
}
