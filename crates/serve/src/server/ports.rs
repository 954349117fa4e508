//! The ports that the server listens on: the main port and, where it is set, that of the Open Model
//! Interface.

use std::net::SocketAddr;

use axum::Router;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::grpc;
use super::http::routes;
use super::listen::{Listener, Routers};
use super::policy::RequestPolicy;
use super::problem::Problem;
use super::protocol::Protocol;
use crate::settings::Settings;

/// The open ports.
pub struct Ports {
    listeners: Vec<Listener>,
    shutdown: CancellationToken,
}

impl Ports {
    /// Opens the ports. `policy` applies to all requests; on a loopback address it also refuses
    /// requests whose Host is another machine.
    ///
    /// # Errors
    /// Where an address can't be listened on.
    pub async fn open(
        settings: &Settings,
        context: &Context,
        policy: &RequestPolicy,
    ) -> Result<Self, String> {
        let shutdown = CancellationToken::new();
        let main = Port::bind(settings, settings.port, policy).await?;
        let omi = match settings.omi_port {
            Some(port) => Some(Port::bind(settings, port, policy).await?),
            None => None,
        };
        tracing::info!("listening on http://{}", main.address);
        let mut listeners =
            vec![main.listen(routes::router(context.clone()), grpc::router(context)?)];
        if let Some(omi) = omi {
            tracing::info!("the Open Model Interface is on {} too", omi.address);
            let omi_services = grpc::omi_router(context, shutdown.clone())?;
            listeners.push(omi.listen(grpc_only(), omi_services));
        }
        Ok(Self {
            listeners,
            shutdown,
        })
    }

    /// Resolves when the Open Model Interface's `Shutdown` was called.
    pub async fn shutdown_requested(&self) {
        self.shutdown.cancelled().await;
    }

    /// Closes all ports after the last responses.
    pub async fn stop(self) {
        join_all(self.listeners.into_iter().map(Listener::stop)).await;
    }
}

/// A port that is bound, before connections are accepted.
struct Port {
    listener: TcpListener,
    address: SocketAddr,
    policy: RequestPolicy,
}

impl Port {
    async fn bind(settings: &Settings, port: u16, policy: &RequestPolicy) -> Result<Self, String> {
        let host = settings.host.as_str();
        let cannot = |error| format!("the server can't listen on {host}:{port}: {error}");
        let listener = TcpListener::bind((host, port)).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let policy = RequestPolicy {
            local_only: address.ip().is_loopback(),
            ..policy.clone()
        };
        Ok(Self {
            listener,
            address,
            policy,
        })
    }

    fn listen(self, http: Router, grpc: Router) -> Listener {
        let routers = Routers {
            http: self.policy.layer(Protocol::Http, http),
            grpc: self.policy.layer(Protocol::Grpc, grpc),
        };
        Listener::start(self.listener, routers, self.policy.metrics)
    }
}

/// The answer of the Open Model Interface's port to HTTP.
fn grpc_only() -> Router {
    Router::new().fallback(|| async {
        Problem::not_found("this port speaks gRPC only: the Open Model Interface")
    })
}
