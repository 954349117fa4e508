//! The server's answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{
    MULTIPART, PHOTOS, Sample, Server, ask, assert_is_reference, multipart, photo_bytes,
};

#[test]
fn a_picture_as_the_body_is_predicted() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    for name in PHOTOS {
        let answer = server.post("/predict", "image/jpeg", &photo_bytes(name));
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        assert_eq!(json["predictions"].as_array().unwrap().len(), 1);
        assert_is_reference(name, &json["predictions"][0]);
    }
}

#[test]
fn a_broken_picture_among_parts_is_an_error_in_its_place() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let (cat, rocket) = (photo_bytes("cat.jpg"), photo_bytes("rocket.jpg"));
    let body = multipart(&[&cat, b"not a picture", &rocket, &cat[..cat.len() / 2], &cat]);
    let answer = server.post("/predict", MULTIPART, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let predictions = &answer.json()["predictions"];
    assert_eq!(predictions.as_array().unwrap().len(), 5);
    for (index, name) in [(0, "cat.jpg"), (2, "rocket.jpg"), (4, "cat.jpg")] {
        assert_is_reference(name, &predictions[index]);
    }
    for index in [1, 3] {
        let error = &predictions[index]["error"];
        assert_eq!(error["code"], "SampleUnreadable", "{predictions}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn kserve_v1_is_spoken() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    assert_eq!(
        server.get("/v1/models").json(),
        json!({"models": ["efficientnet-lite0", "efficientnet-lite0-tensor"]})
    );
    assert_eq!(
        server.get("/v1/models/efficientnet-lite0").json(),
        json!({"name": "efficientnet-lite0", "ready": true})
    );
    let cat = STANDARD.encode(photo_bytes("cat.jpg"));
    let flower = STANDARD.encode(photo_bytes("flower.jpg"));
    let request = json!({"instances": [cat, {"b64": flower}, "%", {"b64": "aGk="}]});
    let path = "/v1/models/efficientnet-lite0:predict";
    let answer = server.post(path, "application/json", request.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let predictions = &answer.json()["predictions"];
    assert_is_reference("cat.jpg", &predictions[0]);
    assert_is_reference("flower.jpg", &predictions[1]);
    for index in [2, 3] {
        assert_eq!(
            predictions[index]["error"]["code"], "SampleUnreadable",
            "{predictions}"
        );
    }
    assert_eq!(predictions.as_array().unwrap().len(), 4);

    let error = server
        .post(path, "application/json", b"{\"inputs\": []}")
        .error(400);
    assert!(error.contains("instances"), "{error}");
    let error = server
        .post("/v1/models/other:predict", "application/json", b"{}")
        .error(404);
    assert!(
        error.contains("`other`") && error.contains("`efficientnet-lite0`"),
        "{error}"
    );
    server.get("/v1/models/other").error(404);
}

#[test]
fn errors_are_json_with_the_right_status() {
    let server = Server::start(&[("MODEL", "/nowhere"), ("MAX_BODY_MB", "1")]);
    server.get("/nothing/here").error(404);
    server.get("/predict").error(405);
    server.post("/v2/health/live", "text/plain", b"").error(405);
    server.get("/v1/models/any:predict").error(405);
    server
        .post("/v1/models/any", "application/json", b"{}")
        .error(405);
    server
        .post("/v1/models/any:explain", "application/json", b"{}")
        .error(404);
}

#[test]
fn bodies_are_bounded_and_broken_ones_refused() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("MAX_BODY_MB", "1")]);
    let large = vec![0; 3 << 20];
    for (path, kind) in [
        ("/predict", "image/jpeg"),
        ("/predict", MULTIPART),
        ("/v1/models/efficientnet-lite0:predict", "application/json"),
    ] {
        let error = server.post(path, kind, &large).error(413);
        assert!(error.contains("1 MiB"), "{error}");
    }
    let chunked = "POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n";
    let body = [b"200000\r\n", &vec![0; 2 << 20][..], b"\r\n0\r\n\r\n"].concat();
    ask(server.port, chunked, &body).error(413);
    let asking = "POST /predict HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n";
    ask(server.port, asking, b"").error(413);
    server.post("/predict", "image/jpeg", b"").error(400);
    server
        .post("/predict", MULTIPART, b"--frontier--\r\n")
        .error(400);
    server
        .post("/predict", MULTIPART, b"--frontier\r\nno end")
        .error(400);
    server
        .post("/predict", "multipart/form-data", b"no boundary")
        .error(400);
    let after = server.post("/predict", "image/jpeg", &photo_bytes("cat.jpg"));
    assert_is_reference("cat.jpg", &after.json()["predictions"][0]);
}

#[test]
fn browsers_get_a_page_under_a_strict_policy_and_others_a_sign_of_life() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    assert_eq!(server.get("/").json(), json!({"status": "alive"}));
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,*/*;q=0.8\r\n";
    let page = ask(server.port, head, b"");
    assert_eq!(page.status, 200);
    assert!(
        page.head.contains("content-type: text/html"),
        "{}",
        page.head
    );
    let policy = "content-security-policy: default-src 'none'; script-src 'sha256-";
    assert!(page.head.contains(policy), "{}", page.head);
    assert!(!page.head.contains("unsafe-"), "{}", page.head);
    assert!(page.body.starts_with("<!doctype html>"));
}

#[test]
fn a_page_elsewhere_can_not_reach_a_server_for_this_machine() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let evil = ask(
        server.port,
        "GET / HTTP/1.1\r\nHost: evil.example:8080\r\n",
        b"",
    );
    assert!(evil.error(403).contains("this machine only"));
    let open = Server::start(&[("MODEL", "/nowhere"), ("HOST", "0.0.0.0")]);
    let anyone = ask(open.port, "GET / HTTP/1.1\r\nHost: models.example\r\n", b"");
    assert_eq!(anyone.status, 200);
}
