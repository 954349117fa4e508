//! Clients that others wrote, unchanged, against the server of the share folder: tritonclient, KServe's,
//! gRPC's health checks and reflection, Chassis' client of the Open Model Interface, schemathesis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use boxwright_tests::server::Server;
use boxwright_tests::{Missing, Sandbox, missing, need, programs, skip, venv, wait};

/// The server with the sample, and what the preview shows of its photos.
struct Served {
    sandbox: Sandbox,
    server: Server,
    port: u16,
    omi: u16,
    preview: PathBuf,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Served {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        let photos = programs::sample().join("images");
        let preview = sandbox.path("work/preview.json");
        let report = sandbox
            .boxwright(["preview", "--format", "json", "--device", "cpu"])
            .arg(programs::sample())
            .arg(&photos)
            .run()
            .ok();
        fs::write(&preview, &report.stdout).unwrap();
        let (port, omi) = (free_port(), free_port());
        let mut command = Command::new(programs::serve());
        command
            .arg("--package")
            .arg(programs::sample())
            .env("PORT", port.to_string())
            .env("OMI_PORT", omi.to_string())
            .env("ORT_DISABLE_TELEMETRY", "1");
        let server = Server::start(&command, &sandbox.path("work/server.log"));
        let ready = format!("http://127.0.0.1:{port}/v2/health/ready");
        wait::until("the server is ready", Duration::from_secs(60), || {
            ureq::get(&ready).call().is_ok().then_some(())
        });
        Self {
            sandbox,
            server,
            port,
            omi,
            preview,
        }
    }

    /// Runs a script of the clients' folder with a Python that has what `requirements` pins.
    fn passes(&self, script: &str, requirements: &str) -> Result<(), Missing> {
        self.passes_with(script, requirements, &[])
    }

    fn passes_with(&self, script: &str, requirements: &str, more: &[&str]) -> Result<(), Missing> {
        let folder = folder();
        let python = venv::python(&folder.join(requirements))?;
        let output = Command::new(python)
            .arg(folder.join(script))
            .args([self.port.to_string(), self.omi.to_string()])
            .arg(programs::sample().join("images"))
            .arg(&self.preview)
            .args(more)
            .current_dir(self.sandbox.path("work"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {}\n{}\nthe server says:\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            self.server.log()
        );
        print!("{}", String::from_utf8_lossy(&output.stdout));
        Ok(())
    }
}

#[test]
fn eight_callers_of_mixed_protocols_all_get_the_right_answers_for_a_minute() {
    let served = Served::start();
    let pid = served.server.pid().to_string();
    need!(served.passes_with("soak.py", "requirements.txt", &[&pid, "60"]));
}

fn folder() -> PathBuf {
    programs::checkout().join("tests/python/clients")
}

#[test]
fn tritonclient_gets_the_previews_answers_over_http_and_grpc() {
    let served = Served::start();
    need!(served.passes("triton.py", "requirements.txt"));
}

#[test]
fn kserves_clients_get_the_previews_answers_by_v1_and_v2_over_rest_and_grpc() {
    let served = Served::start();
    need!(served.passes("kserve_clients.py", "requirements.txt"));
}

#[test]
fn the_code_that_the_page_shows_runs_as_it_stands_there() {
    for program in ["node", "chromium", "curl"] {
        need!(missing::program(program));
    }
    if !programs::checkout()
        .join("ui/node_modules/playwright-core")
        .is_dir()
    {
        skip!("the packages of ui/ are not installed");
    }
    let served = Served::start();
    need!(served.passes("page_code.py", "requirements.txt"));
}

#[test]
fn chassis_client_gets_status_and_a_run_and_may_end_the_server_on_its_own_port_only() {
    let mut served = Served::start();
    need!(served.passes("omi.py", "omi-requirements.txt"));
    let status = wait::until("the server ends", Duration::from_secs(40), || {
        served.server.ended()
    });
    assert!(status.success(), "{status}: {}", served.server.log());
}

#[test]
fn the_openapi_document_is_valid_and_true() {
    let served = Served::start();
    let python = need!(venv::python(&folder().join("openapi-requirements.txt")));
    let url = format!("http://127.0.0.1:{}/openapi.json", served.port);
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(beside(&python, program))
            .args(arguments)
            .current_dir(served.sandbox.path("work"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program}: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let document = served.sandbox.path("work/openapi.json");
    let text = ureq::get(&url)
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    fs::write(&document, text).unwrap();
    run("openapi-spec-validator", &[document.to_str().unwrap()]);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_schema_conformance,response_headers_conformance";
    run(
        "schemathesis",
        &[
            "run",
            &url,
            "--checks",
            checks,
            "--max-examples",
            "15",
            "--seed",
            "1",
            "--no-color",
        ],
    );
}

fn beside(python: &Path, program: &str) -> PathBuf {
    python.with_file_name(program)
}
