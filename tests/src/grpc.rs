//! A client of the container's gRPC interfaces, with only the fields that the contract names: by their
//! numbers, not by the server's own files.

use std::collections::HashMap;

use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// A tensor in a request or an answer of the Open Inference Protocol.
#[derive(Clone, PartialEq, Message)]
pub struct InferTensor {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its element type.
    #[prost(string, tag = "2")]
    pub datatype: String,
    /// Its axes.
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
    /// Its elements, where they are not raw.
    #[prost(message, optional, tag = "5")]
    pub contents: Option<Contents>,
}

/// Elements of BYTES.
#[derive(Clone, PartialEq, Message)]
pub struct Contents {
    /// One by one.
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub bytes_contents: Vec<Vec<u8>>,
}

/// A request for inference.
#[derive(Clone, PartialEq, Message)]
pub struct InferRequest {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_name: String,
    /// The inputs.
    #[prost(message, repeated, tag = "5")]
    pub inputs: Vec<InferTensor>,
    /// Their elements, where they are raw.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub raw_input_contents: Vec<Vec<u8>>,
}

/// The answer to it.
#[derive(Clone, PartialEq, Message)]
pub struct InferResponse {
    /// The outputs.
    #[prost(message, repeated, tag = "5")]
    pub outputs: Vec<InferTensor>,
    /// Their elements, where they are raw.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub raw_output_contents: Vec<Vec<u8>>,
}

/// A request of the Open Model Interface.
#[derive(Clone, PartialEq, Message)]
pub struct RunRequest {
    /// The samples.
    #[prost(message, repeated, tag = "1")]
    pub inputs: Vec<InputItem>,
}

/// A sample of it, under any key.
#[derive(Clone, PartialEq, Message)]
pub struct InputItem {
    /// Key and bytes.
    #[prost(map = "string, bytes", tag = "1")]
    pub input: HashMap<String, Vec<u8>>,
}

/// The answer to it.
#[derive(Clone, PartialEq, Message)]
pub struct RunResponse {
    /// As in HTTP.
    #[prost(int32, tag = "1")]
    pub status_code: i32,
    /// One a sample.
    #[prost(message, repeated, tag = "4")]
    pub outputs: Vec<OutputItem>,
}

/// What became of a sample.
#[derive(Clone, PartialEq, Message)]
pub struct OutputItem {
    /// `results.json`, or `error`.
    #[prost(map = "string, bytes", tag = "1")]
    pub output: HashMap<String, Vec<u8>>,
    /// Whether it has a result.
    #[prost(bool, tag = "2")]
    pub success: bool,
}

/// Calls a unary method of the server at this port of this machine.
///
/// # Panics
/// When the server does not answer, or refuses.
pub fn call<Q, A>(port: u16, path: &'static str, request: Q) -> A
where
    Q: Message + Send + Sync + 'static,
    A: Message + Default + Send + Sync + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let channel: Channel = endpoint.connect().await.unwrap();
        let mut client = Grpc::new(channel).max_decoding_message_size(usize::MAX);
        client.ready().await.unwrap();
        let codec = ProstCodec::<Q, A>::default();
        let request = tonic::Request::new(request);
        let answer = client
            .unary(request, PathAndQuery::from_static(path), codec)
            .await;
        answer.unwrap().into_inner()
    })
}
