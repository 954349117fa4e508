//! gRPC: the Open Inference Protocol, the Open Model Interface, health and reflection.

mod codec;
mod contents;
mod extensions;
mod health;
mod inference;
mod model_config;
mod omi;
mod proto;
mod stream;
mod tensors;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::{Code, Status};
use tonic_health::pb::health_server::HealthServer;

use self::health::Health;
use self::inference::Inference;
use self::omi::Omi;
use self::proto::inference::grpc_inference_service_server::GrpcInferenceServiceServer;
use self::proto::omi::modzy_model_server::ModzyModelServer;
use super::context::Context;
use super::problem::Problem;
use super::problem::grpc::{MAX_MESSAGE, error_response, truncated};

const INFERENCE_SERVICE: &str = "inference.GRPCInferenceService";
const OMI_SERVICE: &str = "ModzyModel";
const HEALTH_SERVICE: &str = "grpc.health.v1.Health";
const REFLECTION_SERVICE: &str = "grpc.reflection.v1.ServerReflection";
const REFLECTION_ALPHA_SERVICE: &str = "grpc.reflection.v1alpha.ServerReflection";
/// The methods that need the model as long as they run.
const PREDICTION_METHODS: [&str; 2] = [
    "/inference.GRPCInferenceService/ModelInfer",
    "/ModzyModel/Run",
];

/// The services of the main port.
///
/// # Errors
/// Where the interfaces that were compiled in can't be read.
pub fn router(context: &Context) -> Result<Router, String> {
    let inference = GrpcInferenceServiceServer::new(Inference::new(context.clone()))
        .accept_compressed(Gzip)
        .accept_compressed(Deflate)
        .max_decoding_message_size(context.max_body)
        .max_encoding_message_size(usize::MAX);
    let router = Router::new().route_service(&methods_of(INFERENCE_SERVICE), inference);
    add_common_services(router, context, &[INFERENCE_SERVICE, OMI_SERVICE], None)
}

/// The services of the Open Model Interface's own port; its `Shutdown` cancels `shutdown`.
///
/// # Errors
/// As [`router`].
pub fn omi_router(context: &Context, shutdown: CancellationToken) -> Result<Router, String> {
    add_common_services(Router::new(), context, &[OMI_SERVICE], Some(shutdown))
}

/// Adds what both ports have: the Open Model Interface, and health and reflection of `services`.
fn add_common_services(
    router: Router,
    context: &Context,
    services: &'static [&'static str],
    shutdown: Option<CancellationToken>,
) -> Result<Router, String> {
    let omi = ModzyModelServer::new(Omi::new(context.clone(), shutdown))
        .accept_compressed(Gzip)
        .accept_compressed(Deflate)
        .max_decoding_message_size(context.max_body)
        .max_encoding_message_size(usize::MAX);
    let health = HealthServer::new(Health::new(Arc::clone(&context.state), services));
    let invalid = |error| format!("the interfaces for reflection are invalid: {error}");
    let reflection = reflection_builder(services).build_v1().map_err(invalid)?;
    let reflection_alpha = reflection_builder(services)
        .build_v1alpha()
        .map_err(invalid)?;
    Ok(router
        .route_service(&methods_of(OMI_SERVICE), omi)
        .route_service(&methods_of(HEALTH_SERVICE), health)
        .route_service(&methods_of(REFLECTION_SERVICE), reflection)
        .route_service(&methods_of(REFLECTION_ALPHA_SERVICE), reflection_alpha)
        .fallback(|| async {
            Status::unimplemented("there is no such service").into_http::<axum::body::Body>()
        })
        .layer(middleware::from_fn_with_state(
            context.clone(),
            attach_engine,
        )))
}

fn reflection_builder(
    services: &'static [&'static str],
) -> tonic_reflection::server::Builder<'static> {
    let builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    let common = [HEALTH_SERVICE, REFLECTION_SERVICE, REFLECTION_ALPHA_SERVICE];
    let names = common.iter().chain(services);
    names.fold(builder, |builder, name| builder.with_service_name(*name))
}

fn methods_of(service: &str) -> String {
    format!("/{service}/{{method}}")
}

/// Attaches the model to a request before its message is read: draining then waits for the answer to
/// a message that is still arriving, and a message that can't be answered is not read at all.
async fn attach_engine(
    State(context): State<Context>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut in_flight = None;
    if PREDICTION_METHODS.contains(&request.uri().path()) {
        match context.state.engine() {
            Ok((engine, token)) => {
                request.extensions_mut().insert(engine);
                in_flight = Some(token);
            }
            Err(problem) => return error_response(problem),
        }
    }
    let response = next.run(request).await;
    drop(in_flight);
    explain_refusal(response, context.max_body)
}

/// Replaces the statuses with which tonic itself refuses a request.
fn explain_refusal(response: Response, max_body: usize) -> Response {
    match response.extensions().get::<Status>() {
        // The message is too long; nothing here uses that status.
        Some(status) if status.code() == Code::OutOfRange => {
            error_response(Problem::too_large(max_body))
        }
        // The message of the status quotes a header.
        Some(status) if status.message().len() > MAX_MESSAGE => {
            truncated(status.code(), status.message().into()).into_http()
        }
        // The method is unknown: tonic gives no message.
        None if response.headers().get("grpc-status") == Some(&HeaderValue::from_static("12")) => {
            Status::unimplemented("the service has no such method").into_http()
        }
        _ => response,
    }
}
