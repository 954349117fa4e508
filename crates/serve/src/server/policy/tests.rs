use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::HeaderValue;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use hyper::body::Frame;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::*;

const MIB: usize = 1 << 20;

fn policy(timeout: Option<Duration>) -> RequestPolicy {
    let memory = MemoryBudget::new(4 * MIB, 3 * MIB);
    RequestPolicy {
        local_only: false,
        timeout,
        max_body: 3 * MIB,
        metrics: Arc::new(Metrics::new(1, &memory)),
        memory,
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

async fn ask(router: &Router, request: Request) -> Response {
    let answer = TowerToHyperService::new(router.clone()).call(request);
    answer
        .await
        .unwrap_or_else(|never: Infallible| match never {})
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn counts(policy: &RequestPolicy, line: &str) -> bool {
    let page = text(policy.metrics.scrape(true)).await;
    page.lines().any(|is| is == line)
}

fn chunks(count: usize) -> Body {
    Body::from_stream(stream::iter(
        (0..count).map(|_| Ok::<_, Infallible>(vec![0; MIB])),
    ))
}

#[tokio::test]
async fn a_panic_is_a_500_for_its_request_alone() {
    let policy = policy(None);
    let router = Router::new()
        .route(
            "/bad",
            get(async || -> () { panic!("a fault in a handler") }),
        )
        .route("/good", get(async || "good"));
    let router = policy.layer(Protocol::Http, router);
    let bad = ask(&router, request("GET", "/bad").body(Body::empty()).unwrap()).await;
    assert_eq!(bad.status(), 500);
    assert_eq!(
        text(bad).await,
        r#"{"error":"the server failed inside; its log says where"}"#
    );
    let good = ask(
        &router,
        request("GET", "/good").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(good.status(), 200);
    for line in [
        r#"boxwright_requests_total{protocol="http",method="GET",path="/bad",status="500"} 1"#,
        r#"boxwright_requests_total{protocol="http",method="GET",path="/good",status="200"} 1"#,
        r#"boxwright_errors_total{protocol="http",kind="internal"} 1"#,
        "boxwright_requests_in_flight 0",
    ] {
        assert!(counts(&policy, line).await, "{line}");
    }
}

#[tokio::test]
async fn a_body_that_no_handler_reads_is_read_where_its_sender_would_not_see_the_answer() {
    let router = Router::new().route("/", get(async || "an answer"));
    let router = policy(None).layer(Protocol::Http, router);
    for (version, asks_first, reads) in [
        (Version::HTTP_11, false, true),
        (Version::HTTP_11, true, false),
        (Version::HTTP_2, false, false),
    ] {
        for path in ["/", "/nowhere"] {
            let sent = Arc::new(AtomicBool::new(false));
            let last = Arc::clone(&sent);
            let body = Body::from_stream(stream::iter(0..3).map(move |chunk| {
                last.store(chunk == 2, Ordering::Relaxed);
                Ok::<_, Infallible>(vec![0; MIB])
            }));
            let mut asked = request("GET", path).version(version);
            if asks_first {
                asked = asked.header(header::EXPECT, "100-continue");
            }
            ask(&router, asked.body(body).unwrap()).await;
            assert_eq!(sent.load(Ordering::Relaxed), reads, "{version:?} {path}");
        }
    }
}

struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A handler that never answers, and says when it is dropped.
fn silent() -> (Router, Arc<AtomicBool>) {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let handler = async move || {
        let _dropped = Dropped(flag);
        std::future::pending::<()>().await;
    };
    (
        Router::new().route("/inference.GRPCInferenceService/ModelInfer", post(handler)),
        dropped,
    )
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let policy = policy(Some(Duration::from_millis(1500)));
    let (router, dropped) = silent();
    let router = policy.layer(Protocol::Http, router);
    let asked = request("POST", "/inference.GRPCInferenceService/ModelInfer");
    let answer = ask(&router, asked.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 504);
    let message = text(answer).await;
    assert!(
        message.contains("1500 ms") && message.contains("REQUEST_TIMEOUT_MS"),
        "{message}"
    );
    assert!(
        dropped.load(Ordering::Relaxed),
        "its places in the queue are not free"
    );
    assert!(
        counts(
            &policy,
            r#"boxwright_errors_total{protocol="http",kind="timeout"} 1"#
        )
        .await
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_grpc_may_give_less_time_but_not_more() {
    for (ours, theirs, expected) in [(60_000, "250m", 250), (250, "1H", 250), (250, "soon", 250)] {
        let policy = policy(Some(Duration::from_millis(ours)));
        let (router, dropped) = silent();
        let router = policy.layer(Protocol::Grpc, router);
        let asked = request("POST", "/inference.GRPCInferenceService/ModelInfer");
        let begun = tokio::time::Instant::now();
        let asked = asked
            .header("grpc-timeout", theirs)
            .body(Body::empty())
            .unwrap();
        let answer = ask(&router, asked).await;
        assert_eq!(begun.elapsed().as_millis(), expected);
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["grpc-status"]),
            (200, &HeaderValue::from(4))
        );
        assert!(dropped.load(Ordering::Relaxed));
        let line = r#"boxwright_requests_total{protocol="grpc",method="POST",path="/inference.GRPCInferenceService/ModelInfer",status="DEADLINE_EXCEEDED"} 1"#;
        assert!(counts(&policy, line).await);
    }
}

#[tokio::test]
async fn past_the_memory_for_bodies_a_request_is_refused_and_may_come_again() {
    let policy = policy(None);
    // Reads its body and waits until it is dropped.
    let held = get(async || "held").post(async |request: Request| {
        let reservation = request.extensions().get::<Reservation>().unwrap().clone();
        let bytes = to_bytes(request.into_body(), usize::MAX).await;
        drop(reservation);
        bytes.map_err(|error| Problem::bad_request(error.to_string()).into_response())
    });
    let router = policy.layer(Protocol::Http, Router::new().route("/predict", held));
    let other = policy.memory.reservation();
    other.reserve_body(2 * MIB as u64).unwrap();
    let announced = || {
        let length = (3 * MIB).to_string();
        request("POST", "/predict")
            .header(header::CONTENT_LENGTH, length)
            .body(chunks(3))
            .unwrap()
    };
    for refused in [
        announced(),
        request("POST", "/predict").body(chunks(3)).unwrap(),
    ] {
        let answer = ask(&router, refused).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert!(text(answer).await.contains("memory"));
    }
    assert!(
        counts(
            &policy,
            r#"boxwright_errors_total{protocol="http",kind="busy"} 2"#
        )
        .await
    );
    assert_eq!(policy.memory.reserved(), 2 * MIB);
    let small = request("POST", "/predict").body(chunks(1)).unwrap();
    assert_eq!(ask(&router, small).await.status(), 200);
    drop(other);
    assert_eq!(ask(&router, announced()).await.status(), 200);
    assert_eq!(policy.memory.reserved(), 0);
}

#[tokio::test]
async fn what_callers_write_never_becomes_a_label() {
    let policy = policy(None);
    let router = Router::new()
        .route("/v2/models/{model}", get(async || "a model"))
        .fallback(async || Problem::not_found("nothing"));
    let router = policy.layer(Protocol::Http, router);
    for (method, path) in [
        ("GET", "/v2/models/mine"),
        ("GET", "/secret/7"),
        ("BREW", "/secret/8"),
    ] {
        ask(&router, request(method, path).body(Body::empty()).unwrap()).await;
    }
    for line in [
        r#"boxwright_requests_total{protocol="http",method="GET",path="/v2/models/{model}",status="200"} 1"#,
        r#"boxwright_requests_total{protocol="http",method="GET",path="other",status="404"} 1"#,
        r#"boxwright_requests_total{protocol="http",method="other",path="other",status="404"} 1"#,
    ] {
        assert!(counts(&policy, line).await, "{line}");
    }
    let page = text(policy.metrics.scrape(true)).await;
    assert!(!page.contains("secret") && !page.contains("mine") && !page.contains("BREW"));
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_counted_as_that() {
    let policy = policy(None);
    let (router, dropped) = silent();
    let path = "/inference.GRPCInferenceService/ModelInfer";
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let router = policy.layer(protocol, router.clone());
        let mut answer = Box::pin(async move {
            ask(&router, request("POST", path).body(Body::empty()).unwrap()).await
        });
        assert!(futures_util::poll!(answer.as_mut()).is_pending());
        drop(answer);
    }
    assert!(dropped.load(Ordering::Relaxed));
    for (protocol, status) in [("http", "499"), ("grpc", "CANCELLED")] {
        let line = format!(
            r#"boxwright_requests_total{{protocol="{protocol}",method="POST",path="{path}",status="{status}"}} 1"#
        );
        assert!(counts(&policy, &line).await, "{line}");
    }
    assert!(counts(&policy, "boxwright_requests_in_flight 0").await);
}

/// An answer of gRPC: one message, then these trailers; or no end at all.
fn grpc_answer(trailers: Option<&'static str>) -> Response {
    let trailers = trailers.map(|status| {
        let status = HeaderValue::from_static(status);
        Ok(Frame::trailers(HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("grpc-status"),
            status,
        )])))
    });
    let message = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0\0\0\0\0")));
    let frames = [message].into_iter().chain(trailers);
    Response::new(Body::new(Frames(frames.collect())))
}

struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, Infallible>>);

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test]
async fn a_call_of_grpc_has_the_status_that_follows_its_messages() {
    let policy = policy(None);
    let methods = [
        ("ModelInfer", Some("0")),
        ("ModelReady", Some("5")),
        ("ServerLive", None),
        ("Nothing", Some("12")),
    ];
    let path = |method| format!("/inference.GRPCInferenceService/{method}");
    let router = methods
        .into_iter()
        .fold(Router::new(), |router, (method, trailers)| {
            router.route(&path(method), post(async move || grpc_answer(trailers)))
        });
    let router = policy.layer(Protocol::Grpc, router);
    for (method, _) in methods {
        let answer = ask(
            &router,
            request("POST", &path(method)).body(Body::empty()).unwrap(),
        )
        .await;
        assert!(answer.headers().contains_key("x-request-id"));
        to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    }
    let known = path("ServerReady");
    let dropped = ask(
        &policy.layer(
            Protocol::Grpc,
            Router::new().route(&known, post(async || grpc_answer(None))),
        ),
        request("POST", &known).body(Body::empty()).unwrap(),
    )
    .await;
    drop(dropped);
    for (path, status) in [
        (path("ModelInfer"), "OK"),
        (path("ModelReady"), "NOT_FOUND"),
        (path("ServerLive"), "UNKNOWN"),
        ("other".into(), "UNIMPLEMENTED"),
        (known, "CANCELLED"),
    ] {
        let line = format!(
            r#"boxwright_requests_total{{protocol="grpc",method="POST",path="{path}",status="{status}"}} 1"#
        );
        assert!(counts(&policy, &line).await, "{line}");
    }
    for (kind, count) in [
        ("not_found", 1),
        ("internal", 1),
        ("wrong_method", 1),
        ("cancelled", 1),
    ] {
        let line = format!(r#"boxwright_errors_total{{protocol="grpc",kind="{kind}"}} {count}"#);
        assert!(counts(&policy, &line).await, "{line}");
    }
}

#[tokio::test]
async fn an_answer_carries_the_id_of_its_request() {
    let router = policy(None).layer(
        Protocol::Http,
        Router::new().route("/", get(async || "here")),
    );
    let with = request("GET", "/")
        .header("x-request-id", "mine-7")
        .body(Body::empty())
        .unwrap();
    assert_eq!(ask(&router, with).await.headers()["x-request-id"], "mine-7");
    let broken = request("GET", "/")
        .header("x-request-id", "a b")
        .body(Body::empty())
        .unwrap();
    let made = ask(&router, broken).await.headers()["x-request-id"].clone();
    assert_eq!(made.len(), 36);
}

#[tokio::test]
async fn a_server_for_this_machine_answers_to_its_names_only() {
    let mut policy = policy(None);
    policy.local_only = true;
    let router = policy.layer(
        Protocol::Http,
        Router::new().route("/", get(async || "here")),
    );
    let status = async |uri: &str, host: Option<&str>| {
        let asked = host.into_iter().fold(request("GET", uri), |asked, host| {
            asked.header("host", host)
        });
        ask(&router, asked.body(Body::empty()).unwrap())
            .await
            .status()
            .as_u16()
    };
    assert_eq!(status("/", Some("localhost:8080")).await, 200);
    assert_eq!(status("http://127.0.0.1:8080/", None).await, 200);
    assert_eq!(status("/", Some("evil.example")).await, 403);
    assert_eq!(status("http://evil.example/", None).await, 403);
    assert_eq!(status("http://evil.example/", Some("localhost")).await, 403);
}

#[test]
fn only_the_names_of_this_machine_are_local() {
    for host in [
        "localhost",
        "LocalHost:80",
        "127.0.0.1:8080",
        "127.0.0.2",
        "[::1]:1",
        "[::1]",
    ] {
        assert!(is_local(host), "{host}");
    }
    for host in [
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.168.0.1",
        "[::2]:80",
        "::1:x",
    ] {
        assert!(!is_local(host), "{host}");
    }
}
