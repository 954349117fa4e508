//! From start to end: live, ready, failed, draining; and the settings at the start.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    MULTIPART, PROGRAM, Sample, Server, assert_is_reference, multipart, photo_bytes, post,
};

#[test]
fn a_server_that_can_not_load_is_live_and_says_why_it_is_not_ready() {
    let mut server = Server::start(&[("MODEL", "/nowhere/boxwright.toml")]);
    server.wait_for("not ready");
    assert_eq!(
        server.get("/v2/health/live").json(),
        json!({"live": true, "ready": false})
    );
    let ready = server.get("/v2/health/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(
        (&ready.json()["live"], &ready.json()["ready"]),
        (&json!(true), &json!(false))
    );
    assert!(
        ready.json()["error"]
            .as_str()
            .unwrap()
            .contains("/nowhere/boxwright.toml")
    );
    assert_eq!(server.get("/v1/models").json(), json!({"models": []}));
    server.post("/predict", "image/jpeg", b"any").error(503);
    server
        .post("/v1/models/any:predict", "application/json", b"{}")
        .error(503);
    assert!(!health(&server).success());
    server.terminate();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_health_check_and_both_health_paths_agree_when_ready() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    for path in ["/v2/health/live", "/v2/health/ready"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"live": true, "ready": true}))
        );
    }
    assert!(health(&server).success());
}

fn health(server: &Server) -> std::process::ExitStatus {
    let mut command = Command::new(PROGRAM);
    command.arg("health").env_clear().env("HOST", "0.0.0.0");
    command
        .env("PORT", server.port.to_string())
        .output()
        .unwrap()
        .status
}

#[test]
fn health_answers_while_every_core_predicts() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let (cat, coffee) = (photo_bytes("cat.jpg"), photo_bytes("coffee.jpg"));
    let body = multipart(&[&cat, &coffee, &cat, &coffee, &cat, &coffee]);
    let over = AtomicBool::new(false);
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(post(server.port, "/predict", MULTIPART, &body).status, 200);
                }
            });
        }
        let times = (0..100)
            .map(|_| {
                let begun = Instant::now();
                assert_eq!(server.get("/v2/health/ready").status, 200);
                begun.elapsed()
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        times
    });
    times.sort();
    // The few slowest belong to whatever else this machine is doing.
    assert!(times[94] < Duration::from_millis(100), "{times:?}");
}

#[test]
fn the_end_waits_for_what_is_in_flight_and_takes_nothing_new() {
    let Some(sample) = Sample::find() else { return };
    let mut server = Server::with(&sample, &[]);
    let cat = photo_bytes("cat.jpg");
    let port = server.port;
    let long = multipart(&vec![&cat[..]; 100]);
    let asked = std::thread::spawn(move || post(port, "/predict", MULTIPART, &long));
    // Another answer shows that the long request, sent first, is already in the queue.
    let one = server.post("/predict", "image/jpeg", &cat);
    assert_eq!(one.status, 200);
    server.terminate();
    server.wait_for("ending");
    if let Ok(refused) = std::panic::catch_unwind(|| server.get("/v2/health/ready")) {
        assert_eq!(refused.status, 503);
        server.post("/predict", "image/jpeg", &cat).error(503);
    }
    let answer = asked.join().unwrap();
    assert_eq!(answer.status, 200);
    let predictions = answer.json()["predictions"].as_array().unwrap().clone();
    assert_eq!(predictions.len(), 100);
    predictions
        .iter()
        .for_each(|prediction| assert_is_reference("cat.jpg", prediction));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_can_be_json() {
    let mut server = Server::start(&[("MODEL", "/nowhere"), ("LOG", "json")]);
    server.get("/nothing/here");
    let line = server.wait_for("/nothing/here");
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&entry["path"], &entry["status"]),
        (&json!("/nothing/here"), &json!(404))
    );
}

#[test]
fn a_setting_that_is_no_number_is_named() {
    let output = Command::new(PROGRAM)
        .env_clear()
        .env("PORT", "eighty")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("PORT") && error.contains("eighty"),
        "{error}"
    );
}
