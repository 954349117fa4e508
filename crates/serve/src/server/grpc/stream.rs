//! `ModelStreamInfer`: requests on one call, each answered as `ModelInfer` would, in their order.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use prost::Message;
use tonic::{Code, Status, Streaming};

use super::proto::inference::infer_parameter::ParameterChoice;
use super::proto::inference::{
    InferParameter, ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
};
use super::{Grpc, tensors};
use crate::server::budget::Share;
use crate::server::problem::Problem;

/// Requests of one stream that are worked on at a time.
const AT_ONCE: usize = 16;
/// Tells Triton's clients that a request gets no further response.
const FINAL: &str = "triton_final_response";

/// The answers.
pub type Answers = Pin<Box<dyn Stream<Item = Result<ModelStreamInferResponse, Status>> + Send>>;

/// The answers to `requests`. One that fails is told in its answer, and the stream goes on. It
/// ends with the server, once nothing is in flight.
pub fn answers(grpc: Grpc, requests: Streaming<ModelInferRequest>, share: Share) -> Answers {
    let state = Some((grpc.clone(), requests));
    let requests = stream::unfold(state, async |state| {
        let (grpc, mut requests) = state?;
        let next = tokio::select! {
            biased;
            next = requests.next() => next?,
            () = grpc.life.idle() => Err(Status::unavailable("the server is ending")),
        };
        // Nothing comes after an error.
        let state = next.is_ok().then_some((grpc, requests));
        Some((next, state))
    });
    let answer = move |request| {
        // The stream's own share holds the message that is arriving.
        let (grpc, share) = (grpc.clone(), share.another());
        async move {
            match request {
                Ok(request) => Ok(answer(&grpc, request, &share).await),
                Err(status) => Err(told(status, &grpc)),
            }
        }
    };
    requests.map(answer).buffered(AT_ONCE).boxed()
}

async fn answer(
    grpc: &Grpc,
    request: ModelInferRequest,
    share: &Share,
) -> ModelStreamInferResponse {
    let id = request.id.clone();
    let answer = async {
        share.expect_body(request.encoded_len() as u64)?;
        let (engine, _in_flight) = grpc.life.engine()?;
        tensors::answer(&engine, request, grpc.max_body, share).await
    };
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    let (mut response, error_message) = match answer.unwrap_or_else(|_| Err(Problem::internal())) {
        Ok(response) => (response, String::new()),
        Err(problem) => (
            ModelInferResponse {
                id,
                ..ModelInferResponse::default()
            },
            problem.message,
        ),
    };
    let last = InferParameter {
        parameter_choice: Some(ParameterChoice::BoolParam(true)),
    };
    response.parameters.insert(FINAL.into(), last);
    ModelStreamInferResponse {
        error_message,
        infer_response: Some(response),
    }
}

/// How tonic refuses a message by its length, in our words.
fn told(status: Status, grpc: &Grpc) -> Status {
    match status.code() {
        Code::OutOfRange => Problem::too_large(grpc.max_body).into(),
        _ => status,
    }
}
