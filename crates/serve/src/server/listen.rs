//! Accepting connections, up to a limit.

mod activity;
mod connection;
mod file_descriptors;
mod lingering;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::connection::Routers;
use self::connection::serve;
use super::metrics::Metrics;

/// Connections at a time.
const MAX_CONNECTIONS: usize = 1024;
/// Connections beyond that. They may only ask for health and metrics, and are closed soon: an
/// orchestrator would restart a busy server that does not answer its probes. Further connections wait
/// to be accepted.
const PROBE_CONNECTIONS: usize = 64;
/// How long a shutdown waits for the last responses to be sent.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause after a connection that could not be accepted, mostly for want of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// A port that accepts connections until it is stopped.
pub struct Listener {
    stop: CancellationToken,
    accepting: JoinHandle<TaskTracker>,
}

impl Listener {
    /// Begins to accept.
    pub fn start(listener: TcpListener, routers: Routers, metrics: Arc<Metrics>) -> Self {
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, routers, metrics, stop.clone()));
        Self { stop, accepting }
    }

    /// Accepts no more, and closes every connection after the responses to its requests.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Ok(connections) = self.accepting.await {
            connections.close();
            let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, connections.wait()).await;
        }
    }
}

/// The limit on connections.
struct ConnectionLimit {
    regular: Arc<Semaphore>,
    probes: Arc<Semaphore>,
}

impl ConnectionLimit {
    fn new() -> Self {
        let allowed = file_descriptors::reserve(MAX_CONNECTIONS + PROBE_CONNECTIONS);
        let probes = PROBE_CONNECTIONS.min(allowed / 2);
        Self {
            regular: Arc::new(Semaphore::new(allowed - probes)),
            probes: Arc::new(Semaphore::new(probes)),
        }
    }

    /// A permit for the next connection, and whether that one is for probes only.
    async fn acquire(&self) -> (Option<OwnedSemaphorePermit>, bool) {
        // The semaphores are never closed: there always is a permit.
        tokio::select! {
            biased;
            permit = Arc::clone(&self.regular).acquire_owned() => (permit.ok(), false),
            permit = Arc::clone(&self.probes).acquire_owned() => (permit.ok(), true),
        }
    }
}

async fn accept(
    listener: TcpListener,
    routers: Routers,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> TaskTracker {
    let connections = TaskTracker::new();
    let limit = ConnectionLimit::new();
    loop {
        let next = async {
            let (permit, probes_only) = limit.acquire().await;
            (permit, probes_only, listener.accept().await)
        };
        let (permit, probes_only, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => return connections,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a connection can't be accepted: {error}");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        let (routers, stop, counted) = (routers.clone(), stop.clone(), metrics.connection());
        connections.spawn(async move {
            serve(stream, routers, probes_only, stop).await;
            drop((permit, counted));
        });
    }
}
