//! gRPC: the Open Inference Protocol, the Open Model Interface, health and reflection.

mod codec;
mod config;
mod contents;
mod health;
mod inference;
mod omi;
mod status;
mod stream;
mod tensors;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::{Code, Extensions, Status};
use tonic_health::pb::health_server::HealthServer;

use super::life::Life;
use super::problem::Problem;
use health::Health;
use inference::Inference;
use omi::Omi;
use proto::inference::grpc_inference_service_server::GrpcInferenceServiceServer;
use proto::omi::modzy_model_server::ModzyModelServer;

pub use status::refuse;
use status::{LONGEST_MESSAGE, shortened};

/// What `build.rs` makes of the interfaces in `proto/`.
#[allow(dead_code, clippy::all, reason = "generated")]
pub mod proto {
    /// `proto/inference.proto`.
    pub mod inference {
        include!(concat!(env!("OUT_DIR"), "/server/inference.rs"));
    }
    /// `proto/omi.proto`, which has no package.
    pub mod omi {
        include!(concat!(env!("OUT_DIR"), "/server/_.rs"));
    }
}

/// All interfaces, as reflection tells them.
const INTERFACES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/interfaces.bin"));
const INFERENCE: &str = "inference.GRPCInferenceService";
const OMI: &str = "ModzyModel";
/// The methods that need the model as long as they run.
const PREDICTS: [&str; 2] = [
    "/inference.GRPCInferenceService/ModelInfer",
    "/ModzyModel/Run",
];

/// What every service knows.
#[derive(Clone)]
pub struct Grpc {
    /// Whether the model is there, and the way to it.
    pub life: Arc<Life>,
    /// Longest message, in bytes.
    pub max_body: usize,
    /// How long an answer may take.
    pub longest: Option<Duration>,
}

impl Grpc {
    /// The services of the main port.
    ///
    /// # Errors
    /// Where the interfaces that were compiled in can't be read.
    pub fn router(&self) -> Result<Router, String> {
        let inference = Inference::new(self.clone());
        let inference = GrpcInferenceServiceServer::new(inference)
            .accept_compressed(Gzip)
            .accept_compressed(Deflate)
            .max_decoding_message_size(self.max_body)
            .max_encoding_message_size(usize::MAX);
        let router = Router::new().route_service(&methods_of(INFERENCE), inference);
        self.with_common(router, &[INFERENCE, OMI], None)
    }

    /// The services of the Open Model Interface's own port; its `Shutdown` cancels `end`.
    ///
    /// # Errors
    /// As [`Grpc::router`].
    pub fn omi_router(&self, end: CancellationToken) -> Result<Router, String> {
        self.with_common(Router::new(), &[OMI], Some(end))
    }

    /// Adds what both ports have.
    fn with_common(
        &self,
        router: Router,
        services: &'static [&'static str],
        end: Option<CancellationToken>,
    ) -> Result<Router, String> {
        let omi = ModzyModelServer::new(Omi::new(self.clone(), end))
            .accept_compressed(Gzip)
            .accept_compressed(Deflate)
            .max_decoding_message_size(self.max_body)
            .max_encoding_message_size(usize::MAX);
        let health = HealthServer::new(Health::new(Arc::clone(&self.life), services));
        let reflection = || {
            let mut builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(INTERFACES)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .with_service_name("grpc.health.v1.Health")
                .with_service_name("grpc.reflection.v1.ServerReflection")
                .with_service_name("grpc.reflection.v1alpha.ServerReflection");
            for service in services {
                builder = builder.with_service_name(*service);
            }
            builder
        };
        let wrong = |error| format!("the interfaces that reflection tells are wrong: {error}");
        Ok(router
            .route_service(&methods_of(OMI), omi)
            .route_service(&methods_of("grpc.health.v1.Health"), health)
            .route_service(
                &methods_of("grpc.reflection.v1.ServerReflection"),
                reflection().build_v1().map_err(wrong)?,
            )
            .route_service(
                &methods_of("grpc.reflection.v1alpha.ServerReflection"),
                reflection().build_v1alpha().map_err(wrong)?,
            )
            .fallback(|| async {
                Status::unimplemented("there is no such service").into_http::<axum::body::Body>()
            })
            .layer(middleware::from_fn_with_state(self.clone(), with_model)))
    }
}

/// What the doors before a service put beside each of its requests.
fn beside<T: Send + Sync + 'static>(extensions: &Extensions) -> Result<&T, Problem> {
    extensions.get().ok_or_else(Problem::internal)
}

fn methods_of(service: &str) -> String {
    format!("/{service}/{{method}}")
}

/// Finds the model before a message of megabytes is read, so that draining waits for the answer to
/// a message that is still arriving, and a message that will have no answer is not read at all.
async fn with_model(State(grpc): State<Grpc>, mut request: Request, next: Next) -> Response {
    let mut in_flight = None;
    if PREDICTS.contains(&request.uri().path()) {
        match grpc.life.engine() {
            Ok((engine, token)) => {
                request.extensions_mut().insert(engine);
                in_flight = Some(token);
            }
            Err(problem) => return refuse(problem),
        }
    }
    let response = next.run(request).await;
    drop(in_flight);
    // How tonic refuses a message by its length; nothing here uses that status.
    match response.extensions().get::<Status>() {
        Some(status) if status.code() == Code::OutOfRange => {
            refuse(Problem::too_large(grpc.max_body))
        }
        // It quotes a header.
        Some(status) if status.message().len() > LONGEST_MESSAGE => {
            shortened(status.code(), status.message().into()).into_http()
        }
        // How it refuses a method that it does not know, without a word.
        None if response.headers().get("grpc-status") == Some(&HeaderValue::from_static("12")) => {
            Status::unimplemented("the service has no such method").into_http()
        }
        _ => response,
    }
}
