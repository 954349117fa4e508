//! Accepting connections, up to a number, with limits on what a slow or greedy client can hold.
//! HTTP/1.1 and HTTP/2 share a port, and on HTTP/2 so do HTTP and gRPC.

mod activity;
mod files;
mod lingering;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Version, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::Crowded;
use super::metrics::Metrics;
use activity::Activity;
use lingering::Lingering;

/// Connections at a time.
const CONNECTIONS: usize = 1024;
/// Connections beyond that, which may only ask for the server's health, and are soon over: an
/// orchestrator would end a server that is crowded and does not say that it is well. Further ones
/// wait to be accepted.
const SPARE: usize = 64;
const SPARE_IDLE: Duration = Duration::from_secs(2);
/// How long a request's head may take, and how long a connection may lie idle.
const IDLE: Duration = Duration::from_secs(75);
/// Bytes of a request's head at most.
const LONGEST_HEAD: usize = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 256;
/// How often a connection of HTTP/2 is asked whether its other end is still there, and how long
/// the answer may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
/// How long a client may take to acknowledge, or to make room for, what was sent to it.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(60);
/// How long the last answers may take to leave.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Of that, how long a connection that is to end may stay busy before its other end is told, and how
/// long an answer is given to leave before it is called quiet.
const LAST_WORDS: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_millis(20);

/// Who answers on a port.
#[derive(Clone)]
pub struct Doors {
    /// Answers everything but gRPC.
    pub http: Router,
    /// Answers gRPC.
    pub grpc: Router,
}

/// A server that accepts connections until it is stopped.
pub struct Listening {
    stop: CancellationToken,
    accepting: JoinHandle<TaskTracker>,
}

impl Listening {
    /// Begins to accept.
    pub fn start(listener: TcpListener, doors: Doors, metrics: Arc<Metrics>) -> Self {
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, doors, metrics, stop.clone()));
        Self { stop, accepting }
    }

    /// Accepts no more, and closes every connection after the answers that it is waiting for.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Ok(connections) = self.accepting.await {
            connections.close();
            let _ = tokio::time::timeout(LAST_ANSWERS, connections.wait()).await;
        }
    }
}

async fn accept(
    listener: TcpListener,
    doors: Doors,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> TaskTracker {
    let connections = TaskTracker::new();
    let granted = files::granted(CONNECTIONS + SPARE);
    let spare = SPARE.min(granted / 2);
    let places = Arc::new(Semaphore::new(granted - spare));
    let spare = Arc::new(Semaphore::new(spare));
    loop {
        let next = async {
            // The semaphores are never closed.
            let (place, crowded) = tokio::select! {
                biased;
                place = Arc::clone(&places).acquire_owned() => (place, false),
                place = Arc::clone(&spare).acquire_owned() => (place, true),
            };
            (place, crowded, listener.accept().await)
        };
        let (place, crowded, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => return connections,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, mostly: trying again at once would only spin.
                tracing::warn!("a connection can't be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (doors, stop, counted) = (doors.clone(), stop.clone(), metrics.connection());
        connections.spawn(async move {
            serve(stream, doors, crowded, stop).await;
            drop((place, counted));
        });
    }
}

/// Serves one connection until its other end, idleness or `stop` ends it.
async fn serve(stream: TcpStream, doors: Doors, crowded: bool, stop: CancellationToken) {
    // An answer that waits for the client's acknowledgement costs 40 ms.
    let _ = stream.set_nodelay(true);
    // What is not read takes memory here.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD.as_millis() as u32);
    let idle = if crowded { SPARE_IDLE } else { IDLE };
    let activity = Activity::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let closes = crowded && request.version() < Version::HTTP_2;
        if crowded {
            request.extensions_mut().insert(Crowded);
        }
        let door = if is_grpc(&request) {
            &doors.grpc
        } else {
            &doors.http
        };
        let answer = TowerToHyperService::new(door.clone()).call(request);
        let busy = activity.begin();
        async move {
            let response = answer.await;
            response.map(|mut response| {
                if closes {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                response.map(|body| busy.until_sent(Body::new(body)))
            })
        }
    });
    let builder = builder(idle);
    let stream = TokioIo::new(Lingering::new(stream));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let over = async {
        tokio::select! {
            () = activity.idle(idle) => {}
            () = stop.cancelled() => {
                // Some clients give up what they wait for once they hear that this is the end.
                let _ = tokio::time::timeout(LAST_WORDS, activity.idle(QUIET)).await;
            }
        }
    };
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = over => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("a connection broke: {error}");
    }
}

fn builder(idle: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(LONGEST_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(LONGEST_HEAD as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    builder
}

/// Whether a request is gRPC, and not one of its variants for browsers. Its calls are all POST; what
/// answers them would answer HEAD with a body.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let rest = kind.and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn only_grpc_over_http_2_is_grpc() {
        let request = |version, kind: &str| {
            Request::post("/")
                .version(version)
                .header(header::CONTENT_TYPE, kind)
                .body(())
                .unwrap()
        };
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x=y",
        ] {
            assert!(is_grpc(&request(Version::HTTP_2, kind)), "{kind}");
            assert!(!is_grpc(&request(Version::HTTP_11, kind)), "{kind}");
        }
        for kind in [
            "application/grpc-web",
            "application/grpcx",
            "application/json",
        ] {
            assert!(!is_grpc(&request(Version::HTTP_2, kind)), "{kind}");
        }
        let mut head = request(Version::HTTP_2, "application/grpc");
        *head.method_mut() = Method::HEAD;
        assert!(!is_grpc(&head));
        let mut untold = request(Version::HTTP_2, "application/grpc");
        untold.headers_mut().clear();
        assert!(!is_grpc(&untold));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_finishes_its_first_line_is_let_go() {
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
            let doors = Doors { http, grpc };
            let served = serve(stream, doors, false, CancellationToken::new());
            tokio::time::timeout(2 * IDLE, served).await.unwrap();
            let mut last = Vec::new();
            client.read_to_end(&mut last).await.unwrap();
        }
    }
}
