//! One connection, with limits on what a slow or greedy client can hold. HTTP/1.1 and HTTP/2 share a
//! port, and on HTTP/2 so do HTTP and gRPC.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::lingering::Lingering;
use crate::server::policy::OverConnectionLimit;
use crate::server::protocol::Protocol;

/// How long a request's head may take, and how long a connection may be idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The same for a connection beyond the limit.
const PROBE_IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a request's head at most.
const MAX_HEAD: usize = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 256;
/// How often a connection of HTTP/2 is pinged, and how long the answer may take.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to acknowledge, or to make room for, what was sent to it.
#[cfg(target_os = "linux")]
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a shutdown waits for a connection to be idle before it announces the end. Some clients
/// drop the requests that they wait for once they hear of it.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection has had no request when a shutdown takes it for idle: the time for its last
/// response to be sent.
const SHUTDOWN_IDLE: Duration = Duration::from_millis(20);

/// What answers the requests of a port.
#[derive(Clone)]
pub struct Routers {
    /// Answers everything but gRPC.
    pub http: Router,
    /// Answers gRPC.
    pub grpc: Router,
}

impl Routers {
    fn of(&self, protocol: Protocol) -> &Router {
        match protocol {
            Protocol::Http => &self.http,
            Protocol::Grpc => &self.grpc,
        }
    }
}

/// Serves a connection until its client closes it, it is idle for too long, or `stop` is cancelled.
/// One for probes only is marked as [`OverConnectionLimit`], and closed after one response.
pub async fn serve(
    stream: TcpStream,
    routers: Routers,
    probes_only: bool,
    stop: CancellationToken,
) {
    // Nagle's algorithm would delay a response by 40 ms.
    let _ = stream.set_nodelay(true);
    // What a client does not read takes memory here.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, SEND_TIMEOUT.as_millis() as u32);
    let idle_timeout = match probes_only {
        true => PROBE_IDLE_TIMEOUT,
        false => IDLE_TIMEOUT,
    };
    let activity = Activity::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let closes = probes_only && request.version() < Version::HTTP_2;
        if probes_only {
            request.extensions_mut().insert(OverConnectionLimit);
        }
        let busy = activity.begin();
        let router = routers.of(Protocol::of(&request)).clone();
        let response = TowerToHyperService::new(router).call(request);
        async move {
            let mut response = response.await?;
            if closes {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response.map(|body| busy.until_sent(Body::new(body))))
        }
    });
    let builder = builder(idle_timeout);
    let stream = TokioIo::new(Lingering::new(stream));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let end = async {
        tokio::select! {
            () = activity.idle(idle_timeout) => {}
            () = stop.cancelled() => {
                let _ = tokio::time::timeout(ANNOUNCE_TIMEOUT, activity.idle(SHUTDOWN_IDLE)).await;
            }
        }
    };
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("a connection broke: {error}");
    }
}

fn builder(idle_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_finishes_its_first_line_is_disconnected() {
        for sent in [
            "",
            "PRI * HTTP/2.0",
            "GET /",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let (http, grpc) = (Router::new(), Router::new());
            let routers = Routers { http, grpc };
            let served = serve(stream, routers, false, CancellationToken::new());
            tokio::time::timeout(2 * IDLE_TIMEOUT, served)
                .await
                .unwrap();
            let mut last = Vec::new();
            client.read_to_end(&mut last).await.unwrap();
        }
    }
}
