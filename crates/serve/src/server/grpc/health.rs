//! `grpc.health.v1.Health`: the same as `/v2/health/ready`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch::Receiver;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::server::problem::Problem;
use crate::server::state::ServerState;

/// The health of the server: its services are all ready or none is.
pub struct Health {
    state: Arc<ServerState>,
    services: &'static [&'static str],
}

impl Health {
    /// Health of `services`, and under the empty name that of the server.
    pub fn new(state: Arc<ServerState>, services: &'static [&'static str]) -> Self {
        Self { state, services }
    }

    fn has_service(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(&service)
    }
}

fn status(state: &ServerState) -> ServingStatus {
    match state.is_ready() {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        if !self.has_service(service) {
            let message = format!(
                "no service is called `{service}`; known are {}",
                self.services.join(", ")
            );
            return Err(Problem::not_found(message).into());
        }
        let status = status(&self.state).into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !self.has_service(&request.get_ref().service) {
            // The interface lets clients wait for a service that a server adds later.
            let status = ServingStatus::ServiceUnknown.into();
            let unknown = stream::iter([Ok(HealthCheckResponse { status })]);
            return Ok(Response::new(
                unknown
                    .chain(until_drained(Arc::clone(&self.state)))
                    .boxed(),
            ));
        }
        let state = Arc::clone(&self.state);
        let changes = state.subscribe();
        let next = async |(state, mut changes, sent): (Arc<ServerState>, Receiver<()>, _)| {
            loop {
                let current = status(&state);
                if sent != Some(current) {
                    let status = current.into();
                    let response = HealthCheckResponse { status };
                    return Some((Ok(response), (state, changes, Some(current))));
                }
                tokio::select! {
                    changed = changes.changed() => changed.ok()?,
                    () = state.drained() => return None,
                }
            }
        };
        let statuses = stream::unfold((state, changes, None), next);
        Ok(Response::new(statuses.boxed()))
    }
}

/// A stream of nothing, which ends when the server has been drained.
fn until_drained(
    state: Arc<ServerState>,
) -> impl Stream<Item = Result<HealthCheckResponse, Status>> + Send {
    stream::once(async move { state.drained().await }).filter_map(async |()| None)
}
