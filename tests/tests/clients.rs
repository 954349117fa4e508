//! Clients that others wrote, unchanged, against the server of the share folder: tritonclient, KServe's,
//! gRPC's health checks and reflection, Chassis' client of the Open Model Interface, schemathesis,
//! NVIDIA's perf_analyzer.

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

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use boxwright_tests::server::Server;
use boxwright_tests::{Missing, Sandbox, missing, need, programs, skip, venv, wait};
use serde_json::{Value, json};

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

/// NVIDIA's `perf_analyzer`, with what it loads.
struct PerfAnalyzer {
    program: PathBuf,
    libraries: PathBuf,
}

impl PerfAnalyzer {
    fn find() -> Result<Self, Missing> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err(Missing::because(
                "perf_analyzer is had for Linux on x86-64 only",
            ));
        }
        let python = venv::python(&folder().join("perf-requirements.txt"))?;
        let packages = Command::new(&python)
            .args([
                "-c",
                "import sysconfig; print(sysconfig.get_path('platlib'))",
            ])
            .output()
            .unwrap();
        let packages = PathBuf::from(String::from_utf8(packages.stdout).unwrap().trim());
        let found = Self {
            program: beside(&python, "perf_analyzer"),
            libraries: packages.join("nvidia/cuda_runtime/lib"),
        };
        // Its libraries or the system's may not be there, or be too old.
        let version = found.command().arg("--version").output();
        let version = version
            .map_err(|error| Missing::because(format!("{}: {error}", found.program.display())))?;
        if version.status.success() {
            return Ok(found);
        }
        Err(Missing::because(format!(
            "perf_analyzer does not start: {}",
            String::from_utf8_lossy(&version.stderr).trim()
        )))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("LD_LIBRARY_PATH", &self.libraries);
        command
    }

    /// Sends `REQUESTS` requests, `callers` of them at once. It ends with an error when one fails.
    fn measure(&self, served: &Served, protocol: &str, callers: u32, model: &[&str]) {
        let output = self
            .command()
            .args(["-i", protocol, "-u", &format!("127.0.0.1:{}", served.port)])
            .args(["--concurrency-range", &callers.to_string()])
            .args(["--request-count", &REQUESTS.to_string()])
            .arg("-m")
            .args(model)
            .current_dir(served.sandbox.path("work"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let what = format!("{} over {protocol}, {callers} at once", model[0]);
        assert!(
            output.status.success(),
            "{what}: {}\n{told}\n{}\nthe server says:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            served.server.log()
        );
        let counted = format!("Request count: {REQUESTS}");
        assert!(
            told.lines().any(|line| line.trim() == counted),
            "{what}: {told}"
        );
        let latency = told.lines().find(|line| line.contains("Avg latency"));
        println!("{what}: {}", latency.unwrap_or(&told).trim());
    }
}

/// How many requests perf_analyzer sends in a run.
const REQUESTS: u64 = 40;

/// The sample's photos as perf_analyzer takes them: bytes that it sends as they are, so each with its
/// length before it, as a tensor of BYTES has it.
fn photos_for_perf_analyzer() -> Value {
    let steps: Vec<Value> = fs::read_dir(programs::sample().join("images"))
        .unwrap()
        .map(|entry| {
            let photo = fs::read(entry.unwrap().path()).unwrap();
            let length = u32::try_from(photo.len()).unwrap().to_le_bytes();
            let bytes = [&length[..], &photo].concat();
            json!({"image": {"b64": BASE64_STANDARD.encode(bytes)}})
        })
        .collect();
    json!({"data": steps})
}

/// The value of one of the server's figures, 0 where it has none.
fn figure(page: &str, name: &str) -> u64 {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or(0)
}

/// The server's figures of refusals and failures.
fn errors(page: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("boxwright_errors_total{"))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn perf_analyzer_measures_both_models_over_http_and_grpc_and_the_figures_count_what_it_sent() {
    const HTTP: &str = r#"boxwright_requests_total{protocol="http",method="POST",path="/v2/models/{model}/infer",status="200"}"#;
    const GRPC: &str = r#"boxwright_requests_total{protocol="grpc",method="POST",path="/inference.GRPCInferenceService/ModelInfer",status="OK"}"#;
    const GOOD: &str = r#"boxwright_items_total{result="ok"}"#;
    const BAD: &str = r#"boxwright_items_total{result="error"}"#;
    let analyzer = need!(PerfAnalyzer::find());
    let served = Served::start();
    let photos = served.sandbox.path("work/photos.json");
    fs::write(&photos, photos_for_perf_analyzer().to_string()).unwrap();
    let photos = photos.to_str().unwrap();
    let pipeline = [
        "efficientnet-lite0",
        "--shape",
        "image:1",
        "--input-data",
        photos,
    ];
    let page = || {
        let url = format!("http://127.0.0.1:{}/metrics", served.port);
        let mut answer = ureq::get(&url).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    let before = page();
    for protocol in ["http", "grpc"] {
        for callers in [1, 4] {
            analyzer.measure(&served, protocol, callers, &["efficientnet-lite0-tensor"]);
        }
        analyzer.measure(&served, protocol, 4, &pipeline);
    }
    // The last answer may be counted just after it has come.
    let of_all = || [HTTP, GRPC, GOOD].map(|name| figure(&page(), name) - figure(&before, name));
    let sent = [3 * REQUESTS, 3 * REQUESTS, 6 * REQUESTS];
    let counted = wait::maybe(Duration::from_secs(10), || (of_all() == sent).then_some(()));
    assert!(counted.is_some(), "{:?} is not {sent:?}", of_all());
    let page = page();
    assert_eq!(figure(&page, BAD), 0, "{page}");
    // Who asked before the server was ready was refused.
    assert_eq!(errors(&page), errors(&before), "{page}");
}
