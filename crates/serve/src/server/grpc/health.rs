//! `grpc.health.v1.Health`: says what `/v2/health/ready` says.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::server::life::Life;
use crate::server::problem::Problem;

/// The health of the server, whose services share one fate.
pub struct Health {
    life: Arc<Life>,
    services: &'static [&'static str],
}

impl Health {
    /// Health of `services`, and under the empty name of the server.
    pub fn new(life: Arc<Life>, services: &'static [&'static str]) -> Self {
        Self { life, services }
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(&service)
    }
}

fn status(life: &Life) -> ServingStatus {
    match life.hindrance() {
        None => ServingStatus::Serving,
        Some(_) => ServingStatus::NotServing,
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
        if !self.knows(service) {
            let message = format!(
                "no service is called `{service}`; known are {}",
                self.services.join(", ")
            );
            return Err(Problem::not_found(message).into());
        }
        let status = status(&self.life).into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !self.knows(&request.get_ref().service) {
            // A service may be added to other servers, so the interface wants that it can be waited for.
            let status = ServingStatus::ServiceUnknown.into();
            let unknown = stream::iter([Ok(HealthCheckResponse { status })]);
            return Ok(Response::new(
                unknown.chain(until_idle(Arc::clone(&self.life))).boxed(),
            ));
        }
        let life = Arc::clone(&self.life);
        let changes = life.changes();
        let statuses = stream::unfold((life, changes, None), async |(life, mut changes, told)| {
            loop {
                let now = status(&life);
                if told != Some(now) {
                    let response = HealthCheckResponse { status: now.into() };
                    return Some((Ok(response), (life, changes, Some(now))));
                }
                tokio::select! {
                    changed = changes.changed() => changed.ok()?,
                    () = life.idle() => return None,
                }
            }
        });
        Ok(Response::new(statuses.boxed()))
    }
}

/// Says nothing, and ends with the server.
fn until_idle(life: Arc<Life>) -> impl Stream<Item = Result<HealthCheckResponse, Status>> + Send {
    stream::once(async move { life.idle().await }).filter_map(async |()| None)
}
