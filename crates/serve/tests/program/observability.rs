//! Metrics and the log.

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::grpc::client::inference;
use crate::grpc::client::inference::{ModelInferRequest, ServerLiveRequest};
use crate::support::{MULTIPART, PROGRAM, Sample, Server, TIMEOUT, ask, multipart, photo_bytes};

/// The value of a sample of `page`, labels included in its name.
fn value(page: &str, sample: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(line.parse().unwrap_or_else(|_| panic!("{sample} {line}")))
}

/// Samples of the metrics after the requests of the test.
const EXPECTED: [(&str, f64); 14] = [
    (
        r#"boxwright_requests_total{protocol="http",method="POST",path="/predict",status="200"}"#,
        1.0,
    ),
    (
        r#"boxwright_requests_total{protocol="http",method="POST",path="/predict",status="400"}"#,
        1.0,
    ),
    (
        r#"boxwright_requests_total{protocol="http",method="GET",path="/v1/models/{model}",status="404"}"#,
        1.0,
    ),
    (
        r#"boxwright_requests_total{protocol="http",method="GET",path="other",status="404"}"#,
        1.0,
    ),
    (
        r#"boxwright_errors_total{protocol="http",kind="bad_request"}"#,
        1.0,
    ),
    (
        r#"boxwright_errors_total{protocol="http",kind="not_found"}"#,
        2.0,
    ),
    (
        r#"boxwright_request_duration_seconds_count{protocol="http",method="POST",path="/predict"}"#,
        2.0,
    ),
    // The scrape itself.
    ("boxwright_requests_in_flight", 1.0),
    ("boxwright_queue_depth", 0.0),
    ("boxwright_queue_capacity", 99.0),
    ("boxwright_queue_wait_seconds_count", 3.0),
    (r#"boxwright_items_total{result="ok"}"#, 2.0),
    (r#"boxwright_items_total{result="error"}"#, 1.0),
    ("boxwright_ready", 1.0),
];

#[test]
fn metrics_count_requests_and_their_results() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("QUEUE_SIZE", "99")]);
    let cat = photo_bytes("cat.jpg");
    let body = multipart(&[&cat, b"not a picture", &cat]);
    assert_eq!(server.post("/predict", MULTIPART, &body).status, 200);
    server.post("/predict", "image/jpeg", b"").error(400);
    server.get("/v1/models/of-a-caller").error(404);
    server.get("/of-a-caller").error(404);
    let begun = Instant::now();
    let answer = loop {
        let answer = server.get("/metrics");
        // A batch is counted when it is over, which its callers may be told a little earlier.
        if value(&answer.body, "boxwright_batch_size_sum") == Some(3.0) {
            break answer;
        }
        assert!(begun.elapsed() < TIMEOUT, "{answer:?}");
    };
    assert!(
        answer
            .head
            .contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{}",
        answer.head
    );
    let page = answer.body;
    for (sample, expected) in EXPECTED {
        assert_eq!(value(&page, sample), Some(expected), "{sample} in\n{page}");
    }
    for stage in ["decode", "preprocess", "infer", "postprocess"] {
        let sum = format!(r#"boxwright_stage_duration_seconds_sum{{stage="{stage}"}}"#);
        assert!(
            value(&page, &sum).is_some_and(|seconds| seconds > 0.0),
            "{stage} in\n{page}"
        );
    }
    let package = sample.package().package;
    let model = format!(
        r#"boxwright_model_info{{name="{}",version="{}",digest="sha256:"#,
        package.name, package.version
    );
    assert!(page.contains(&model), "{page}");
    assert!(value(&page, "process_resident_memory_bytes").unwrap() > 1e7);
    assert!(!page.contains("of-a-caller"), "{page}");
}

#[test]
fn metrics_say_that_a_server_without_a_model_is_not_ready() {
    let mut server = Server::start(&[("MODEL", "/nowhere")]);
    server.wait_for("not ready");
    assert_eq!(
        value(&server.get("/metrics").body, "boxwright_ready"),
        Some(0.0)
    );
}

/// The lines of the log up to the answer to a request of our own.
fn lines(server: &mut Server) -> Vec<String> {
    server.get("/v2/nothing/more");
    let mut lines = Vec::new();
    loop {
        let line = server.wait_for("");
        if line.contains("/v2/nothing/more") {
            return lines;
        }
        lines.push(line);
    }
}

#[test]
fn a_request_has_a_line_with_its_id_and_its_place_in_a_trace() {
    let mut server = Server::start(&[("MODEL", "/nowhere"), ("LOG", "json")]);
    server.wait_for("not ready");
    let head = "POST /predict?token=hidden HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: order-66\r\n\
        traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nContent-Length: 0\r\n";
    let answer = ask(server.port, head, b"");
    assert!(
        answer.head.contains("x-request-id: order-66"),
        "{}",
        answer.head
    );
    assert!(
        !answer.head.contains("traceparent"),
        "it is no header of answers"
    );
    let lines = lines(&mut server);
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(
        line["ms"].is_number() && line["timestamp"].is_string(),
        "{line}"
    );
    for (field, expected) in [
        ("level", json!("INFO")),
        ("message", json!("answered")),
        ("request_id", json!("order-66")),
        ("method", json!("POST")),
        ("path", json!("/predict")),
        ("status", json!(503)),
        ("kind", json!("not_ready")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("span_id", json!("00f067aa0ba902b7")),
    ] {
        assert_eq!(line[field], expected, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_grpc_is_counted_and_logged_with_its_status() {
    let mut server = Server::start(&[("MODEL", "/nowhere"), ("LOG", "json")]);
    server.wait_for("not ready");
    let mut client = inference(server.port).await;
    let live = client.server_live(ServerLiveRequest {}).await.unwrap();
    assert!(live.metadata().contains_key("x-request-id"));
    let mut request = tonic::Request::new(ModelInferRequest::default());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (key, value) in [("x-request-id", "order-66"), ("traceparent", parent)] {
        request.metadata_mut().insert(key, value.parse().unwrap());
    }
    let refused = client.model_infer(request).await.unwrap_err();
    assert_eq!(refused.metadata().get("x-request-id").unwrap(), "order-66");
    let line: Value = serde_json::from_str(&server.wait_for("order-66")).unwrap();
    for (field, expected) in [
        ("path", "/inference.GRPCInferenceService/ModelInfer"),
        ("status", "UNAVAILABLE"),
        ("kind", "not_ready"),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("span_id", "00f067aa0ba902b7"),
    ] {
        assert_eq!(line[field], expected, "{line}");
    }
    let page = server.get("/metrics").body;
    for (method, status) in [("ServerLive", "OK"), ("ModelInfer", "UNAVAILABLE")] {
        let sample = format!(
            r#"boxwright_requests_total{{protocol="grpc",method="POST",path="/inference.GRPCInferenceService/{method}",status="{status}"}}"#
        );
        assert_eq!(value(&page, &sample), Some(1.0), "{sample} in\n{page}");
    }
    let errors = r#"boxwright_errors_total{protocol="grpc",kind="not_ready"}"#;
    assert_eq!(value(&page, errors), Some(1.0), "{page}");
}

#[test]
fn nothing_that_a_caller_keeps_to_itself_is_logged_at_any_level() {
    let Some(sample) = Sample::find() else { return };
    let mut server = Server::with(&sample, &[("LOG_LEVEL", "trace")]);
    let head = "POST /predict?key=hidden-1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer hidden-2\r\n\
        Cookie: hidden-3\r\nX-Request-Id: \"hidden-4\"\r\ntraceparent: hidden-5\r\nContent-Type: image/jpeg\r\n\
        Content-Length: 8\r\n";
    assert_eq!(ask(server.port, head, b"hidden-6").status, 200);
    let lines = lines(&mut server);
    assert!(
        lines.iter().any(|line| line.contains("/predict")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("hidden")),
        "{lines:?}"
    );
}

#[test]
fn probes_are_logged_at_debug_only() {
    for (level, probes) in [("info", 0), ("debug", 3)] {
        let mut server = Server::start(&[("MODEL", "/nowhere"), ("LOG_LEVEL", level)]);
        server.wait_for("not ready");
        for path in ["/v2/health/live", "/v2/health/ready", "/metrics"] {
            server.get(path);
        }
        server.get("/v1/models");
        let lines = lines(&mut server);
        let answered = |path: &str| lines.iter().filter(|line| line.contains(path)).count();
        assert_eq!(
            answered("/v2/health/") + answered("/metrics"),
            probes,
            "{lines:?}"
        );
        assert_eq!(answered("/v1/models"), 1, "{lines:?}");
    }
    let mut quiet = Server::start(&[("MODEL", "/nowhere"), ("LOG_LEVEL", "info")]);
    quiet.terminate();
    quiet.wait_for("ending");
}

#[test]
fn a_format_or_level_that_does_not_exist_is_named() {
    for (variable, value, known) in [("LOG", "xml", "json"), ("LOG_LEVEL", "loud", "debug")] {
        let output = Command::new(PROGRAM)
            .env_clear()
            .env(variable, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(variable) && error.contains(value) && error.contains(known),
            "{error}"
        );
    }
}
