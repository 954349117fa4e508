//! `ModelStreamInfer`: requests of one call, each answered as by `ModelInfer`, in their order.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use prost::Message;
use tonic::{Code, Status, Streaming};

use super::proto::inference::infer_parameter::ParameterChoice;
use super::proto::inference::{
    InferParameter, ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
};
use super::tensors;
use crate::server::context::Context;
use crate::server::memory::Reservation;
use crate::server::problem::Problem;

/// Requests of one stream that run at a time.
const MAX_CONCURRENT: usize = 16;
/// The parameter by which Triton's clients know the last response to a request.
const FINAL_RESPONSE: &str = "triton_final_response";

/// The responses to the requests of a stream.
pub type Responses = Pin<Box<dyn Stream<Item = Result<ModelStreamInferResponse, Status>> + Send>>;

/// The responses to `requests`. The response to one that fails has the error, and the stream goes on.
/// It ends when the server has been drained.
pub fn responses(
    context: Context,
    requests: Streaming<ModelInferRequest>,
    reservation: Reservation,
) -> Responses {
    let state = Some((context.clone(), requests));
    let requests = stream::unfold(state, async |state| {
        let (context, mut requests) = state?;
        let next = tokio::select! {
            biased;
            next = requests.next() => next?,
            () = context.state.drained() => Err(Status::unavailable("the server is ending")),
        };
        // Nothing follows an error.
        let state = next.is_ok().then_some((context, requests));
        Some((next, state))
    });
    let respond = move |request| {
        // The stream's own reservation counts the message that is arriving.
        let (context, reservation) = (context.clone(), reservation.separate());
        async move {
            match request {
                Ok(request) => Ok(respond(&context, request, &reservation).await),
                Err(status) => Err(explain_refusal(status, &context)),
            }
        }
    };
    requests.map(respond).buffered(MAX_CONCURRENT).boxed()
}

async fn respond(
    context: &Context,
    request: ModelInferRequest,
    reservation: &Reservation,
) -> ModelStreamInferResponse {
    let id = request.id.clone();
    let answer = async {
        reservation.reserve_body(request.encoded_len() as u64)?;
        let (engine, _in_flight) = context.state.engine()?;
        tensors::answer(&engine, request, context.max_body, reservation).await
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
    response.parameters.insert(FINAL_RESPONSE.into(), last);
    ModelStreamInferResponse {
        error_message,
        infer_response: Some(response),
    }
}

/// Replaces the status with which tonic refuses a message by its length.
fn explain_refusal(status: Status, context: &Context) -> Status {
    match status.code() {
        Code::OutOfRange => Problem::too_large(context.max_body).into(),
        _ => status,
    }
}
