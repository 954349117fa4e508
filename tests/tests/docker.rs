//! Images in Docker Engine, under the strictest options that an orchestrator may set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use boxwright_tests::engine::Engine;
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::{photo, photos};
use boxwright_tests::server::Server;
use boxwright_tests::{Sandbox, binfmt, need, programs, wait};
use serde_json::Value;

/// No writing, no rights, no network, a user whom nobody knows.
const STRICT: [&str; 8] = [
    "--read-only",
    "--cap-drop",
    "ALL",
    "--network",
    "none",
    "--user",
    "12345",
    "--security-opt=no-new-privileges",
];

#[test]
fn the_archive_loads_and_runs_under_strict_options_and_predicts_what_the_preview_showed() {
    let engine = need!(Engine::start());
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let archive = sandbox.path("work/image.tar");
    let build = sandbox.boxwright([
        "build",
        "--target",
        "cpu,arm64",
        "--tag",
        "cat:1",
        "--output",
    ]);
    build.arg(&archive).arg(&package).run().ok();
    let loaded = engine.run(&["load", "--input", archive.to_str().unwrap()]);
    assert!(loaded.contains("cat:1"), "{loaded}");
    let container = engine.container(&STRICT, "cat:1");
    wait::until("a healthy container", wait::START, || {
        let running = container.inspect("{{.State.Running}}");
        assert_eq!(running, "true", "{}", container.logs());
        let check = engine.docker([
            "exec",
            &container.id,
            "/opt/boxwright/bin/boxwright-serve",
            "health",
        ]);
        check.status.success().then_some(())
    });
    let preview = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photo("cat.jpg"));
    let preview = preview.run().ok().json();
    // Its network is its own: the question is asked from inside of it.
    let net = format!("--net=/proc/{}/ns/net", container.inspect("{{.State.Pid}}"));
    let picture = format!("@{}", photo("cat.jpg").display());
    let answer = Command::new("nsenter")
        .args([
            &net,
            "curl",
            "--silent",
            "--show-error",
            "--data-binary",
            &picture,
        ])
        .args([
            "--header",
            "content-type: image/jpeg",
            "http://127.0.0.1:8080/predict",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[answer.stdout, answer.stderr].concat()).into_owned();
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert_close(&answer["predictions"][0], &preview["results"][0]);
    engine.run(&["stop", "--time", "20", &container.id]);
    assert_eq!(
        container.inspect("{{.State.ExitCode}}"),
        "0",
        "{}",
        container.logs()
    );
}

fn assert_close(got: &Value, wanted: &Value) {
    let (got, wanted) = (
        got["classPredictions"].as_array(),
        wanted["classPredictions"].as_array(),
    );
    let (got, wanted) = (got.expect("a prediction"), wanted.expect("a prediction"));
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got["class"], wanted["class"]);
        let difference = got["score"].as_f64().unwrap() - wanted["score"].as_f64().unwrap();
        assert!(difference.abs() <= 1e-5, "{got} is not {wanted}");
    }
}

#[test]
fn where_docker_is_it_proves_the_image() {
    let engine = need!(Engine::start());
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let command = sandbox.boxwright(["publish", "--target", "cpu", "--to"]);
    let command = command
        .arg(registry.reference("cat:1"))
        .arg(&package)
        .arg("--verify")
        .arg(photos());
    let report = Report::new(
        command
            .env("DOCKER_HOST", engine.address())
            .run()
            .ok()
            .json(),
    );
    let proof = report.proof("cpu");
    assert_eq!(
        (&proof["status"], &proof["by"]),
        (&"proven".into(), &"docker".into()),
        "{proof:#}"
    );
    assert_eq!(proof["samples"], 5);
    assert!(
        engine.run(&["ps", "--all", "--quiet"]).is_empty(),
        "a container was left behind"
    );
}

#[test]
fn docker_proves_arm64_through_emulation() {
    need!(binfmt::arm64());
    let engine = need!(Engine::start());
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let command = sandbox.boxwright(["publish", "--target", "arm64", "--to"]);
    let command = command
        .arg(registry.reference("cat:1"))
        .arg(&package)
        .arg("--verify");
    let command = command
        .arg(photo("cat.jpg"))
        .env("DOCKER_HOST", engine.address());
    let report = Report::new(command.run().ok().json());
    let proof = report.proof("arm64");
    assert_eq!(
        (&proof["status"], &proof["by"]),
        (&"proven".into(), &"docker".into()),
        "{proof:#}"
    );
}

#[test]
fn serve_answers_as_the_container_does() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let port = boxwright_tests::server::free_port().to_string();
    let command = sandbox.boxwright(["serve", "--port", &port]).arg(&package);
    let mut server = std::process::Command::new(command.plain().get_program());
    server
        .args(command.plain().get_args())
        .envs(sandbox.environment());
    let mut server = Server::start(&server, &sandbox.path("tmp/serve.log"));
    let base = format!("http://127.0.0.1:{port}");
    wait::until("a ready server", wait::START, || {
        assert!(server.ended().is_none(), "{}", server.log());
        ureq::get(format!("{base}/v2/health/ready")).call().ok()
    });
    let picture = fs::read(photo("cat.jpg")).unwrap();
    let mut answer = ureq::post(format!("{base}/predict"))
        .content_type("image/jpeg")
        .send(&picture)
        .unwrap();
    let answer: Value = answer.body_mut().read_json().unwrap();
    let preview = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photo("cat.jpg"));
    assert_close(
        &answer["predictions"][0],
        &preview.run().ok().json()["results"][0],
    );
    let stranger = ureq::get(&base).header("host", "evil.example").call();
    assert!(
        matches!(stranger, Err(ureq::Error::StatusCode(400..=499))),
        "{stranger:?}"
    );
    let listens = fs::read_to_string("/proc/net/tcp").unwrap();
    let any = format!("00000000:{:04X}", port.parse::<u16>().unwrap());
    assert!(!listens.contains(&any), "it listens for the whole network");
    assert!(Path::new(&programs::share()).exists());
}
