//! The interfaces' clients.

use bytes::Bytes;
use serde_json::Value;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Response, Status};

use crate::support::{TIMEOUT, photo_bytes};

#[allow(dead_code, clippy::all, reason = "generated")]
pub mod inference {
    include!(concat!(env!("OUT_DIR"), "/client/inference.rs"));
}
#[allow(dead_code, clippy::all, reason = "generated")]
pub mod omi {
    include!(concat!(env!("OUT_DIR"), "/client/_.rs"));
}

pub use inference::grpc_inference_service_client::GrpcInferenceServiceClient;
pub use omi::modzy_model_client::ModzyModelClient;
pub use tonic_health::pb::health_client::HealthClient;

use inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};

pub const NAME: &str = "efficientnet-lite0";
pub const TENSOR: &str = "efficientnet-lite0-tensor";
/// Bytes of one picture as the model takes it.
pub const PICTURE: usize = 3 * 224 * 224 * 4;

pub fn endpoint(port: u16) -> Endpoint {
    Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
        .unwrap()
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT)
}

pub async fn channel(port: u16) -> Channel {
    endpoint(port).connect().await.unwrap()
}

/// A channel that names another host than the one that it reaches.
pub async fn channel_as(port: u16, authority: &'static str) -> Channel {
    let origin = Uri::from_static(authority);
    endpoint(port).origin(origin).connect().await.unwrap()
}

pub async fn inference(port: u16) -> GrpcInferenceServiceClient<Channel> {
    GrpcInferenceServiceClient::new(channel(port).await)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX)
}

pub async fn omi(port: u16) -> ModzyModelClient<Channel> {
    ModzyModelClient::new(channel(port).await).max_encoding_message_size(usize::MAX)
}

pub fn input(name: &str, datatype: &str, shape: &[i64]) -> InferInputTensor {
    InferInputTensor {
        name: name.into(),
        datatype: datatype.into(),
        shape: shape.into(),
        ..InferInputTensor::default()
    }
}

/// A request for the pictures, typed.
pub fn pictures(pictures: &[&[u8]]) -> ModelInferRequest {
    let contents = InferTensorContents {
        bytes_contents: pictures
            .iter()
            .map(|bytes| Bytes::copy_from_slice(bytes))
            .collect(),
        ..InferTensorContents::default()
    };
    ModelInferRequest {
        model_name: NAME.into(),
        inputs: vec![InferInputTensor {
            contents: Some(contents),
            ..input("image", "BYTES", &[pictures.len() as i64])
        }],
        ..ModelInferRequest::default()
    }
}

/// A request for the pictures, raw.
pub fn raw_pictures(pictures: &[&[u8]]) -> ModelInferRequest {
    let mut raw = Vec::new();
    for picture in pictures {
        raw.extend((picture.len() as u32).to_le_bytes());
        raw.extend_from_slice(picture);
    }
    ModelInferRequest {
        model_name: NAME.into(),
        inputs: vec![input("image", "BYTES", &[pictures.len() as i64])],
        raw_input_contents: vec![raw.into()],
        ..ModelInferRequest::default()
    }
}

/// So many pictures of grey, as the model takes them, raw.
pub fn raw_tensor(rows: usize) -> ModelInferRequest {
    let grey: Vec<u8> = 0.25_f32.to_le_bytes().repeat(rows * PICTURE / 4);
    ModelInferRequest {
        model_name: TENSOR.into(),
        inputs: vec![input("images", "FP32", &[rows as i64, 3, 224, 224])],
        raw_input_contents: vec![grey.into()],
        ..ModelInferRequest::default()
    }
}

pub fn wanted(name: &str) -> InferRequestedOutputTensor {
    InferRequestedOutputTensor {
        name: name.into(),
        ..InferRequestedOutputTensor::default()
    }
}

/// The elements of a raw output of BYTES, which have to be JSON.
pub fn raw_predictions(response: &ModelInferResponse) -> Vec<Value> {
    let mut rest = &response.raw_output_contents[0][..];
    let mut predictions = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (json, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        predictions.push(serde_json::from_slice(json).unwrap());
        rest = after;
    }
    predictions
}

pub fn cat() -> Vec<u8> {
    photo_bytes("cat.jpg")
}

/// The code and the message of a call that has to fail.
pub fn refusal<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (tonic::Code, String) {
    let status = answer.unwrap_err();
    (status.code(), status.message().to_owned())
}

/// What the future gives, in time.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future).await.unwrap()
}
