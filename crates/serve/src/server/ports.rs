//! The ports that the server listens on: its own, and where it is wanted that of the Open Model
//! Interface.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::grpc::Grpc;
use super::guard::Guard;
use super::life::Life;
use super::listen::{Doors, Listening};
use super::metrics::Protocol;
use super::problem::Problem;
use super::routes;
use crate::settings::Settings;

/// The open ports.
pub struct Ports {
    listening: Vec<Listening>,
    end: CancellationToken,
}

impl Ports {
    /// Opens the ports; `guard` stands before all doors, and on a loopback address refuses
    /// requests that name another host.
    ///
    /// # Errors
    /// Where an address can't be listened on.
    pub async fn open(
        settings: &Settings,
        life: &Arc<Life>,
        guard: &Guard,
    ) -> Result<Self, String> {
        let end = CancellationToken::new();
        let grpc = Grpc {
            life: Arc::clone(life),
            max_body: settings.max_body,
            longest: settings.request_timeout,
        };
        let main = Port::bind(settings, settings.port, guard).await?;
        let omi = match settings.omi_port {
            Some(port) => Some(Port::bind(settings, port, guard).await?),
            None => None,
        };
        tracing::info!("listening on http://{}", main.address);
        let http = routes::router(life, &guard.metrics, settings.max_body);
        let mut listening = vec![main.listen(http, grpc.router()?)];
        if let Some(omi) = omi {
            tracing::info!("the Open Model Interface is on {} too", omi.address);
            listening.push(omi.listen(only_grpc(), grpc.omi_router(end.clone())?));
        }
        Ok(Self { listening, end })
    }

    /// Resolves when the Open Model Interface's `Shutdown` was called.
    pub async fn asked_to_end(&self) {
        self.end.cancelled().await;
    }

    /// Closes all ports after the last answers.
    pub async fn stop(self) {
        join_all(self.listening.into_iter().map(Listening::stop)).await;
    }
}

/// A port before anybody is let in.
struct Port {
    listener: TcpListener,
    address: SocketAddr,
    guard: Guard,
}

impl Port {
    async fn bind(settings: &Settings, port: u16, guard: &Guard) -> Result<Self, String> {
        let host = settings.host.as_str();
        let cannot = |error| format!("the server can't listen on {host}:{port}: {error}");
        let listener = TcpListener::bind((host, port)).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let guard = Guard {
            only_local: address.ip().is_loopback(),
            ..guard.clone()
        };
        Ok(Self {
            listener,
            address,
            guard,
        })
    }

    fn listen(self, http: Router, grpc: Router) -> Listening {
        let doors = Doors {
            http: self.guard.around(Protocol::Http, http),
            grpc: self.guard.around(Protocol::Grpc, grpc),
        };
        Listening::start(self.listener, doors, self.guard.metrics)
    }
}

/// What the Open Model Interface's port says to HTTP.
fn only_grpc() -> Router {
    Router::new().fallback(|| async {
        Problem::not_found("this port speaks gRPC only: the Open Model Interface")
    })
}
