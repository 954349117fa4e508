//! `boxwright match` against recipes that are drawn from the libraries themselves, and Chassis'
//! own recipe by its own Python. `cargo xtask test --all` draws four times as many, and another
//! `BOXWRIGHT_TEST_SEED` than 20 others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use boxwright_tests::sandbox::{edit, photo, photos};
use boxwright_tests::server::{Server, free_port};
use boxwright_tests::{Missing, Sandbox, missing, need, parity, programs, venv, wait};
use serde::Deserialize;
use serde_json::Value;

/// Longest that a search takes on a quiet machine.
const LIMIT: Duration = Duration::from_secs(10);

/// A drawn recipe, as `tests/python/recipes/make.py` wrote it.
#[derive(Debug, Deserialize)]
struct Case {
    /// The package's folder, which has the tensors too.
    name: String,
    /// `exact`, `not exact` or `none`.
    truth: String,
    /// What the library is asked for, in words.
    call: String,
    photos: Vec<String>,
    tensors: Vec<String>,
}

/// What became of a case.
struct Outcome {
    verdict: String,
    took: Duration,
    line: String,
}

#[test]
fn recipes_of_pytorch_s_and_opencv_s_libraries_are_found() {
    let python = need!(venv::environment("vision"));
    find_all(&python, "vision");
}

#[test]
fn recipes_of_tensorflow_and_keras_are_found() {
    let python = need!(venv::environment("tensorflow"));
    find_all(&python, "tensorflow");
}

/// Draws cases, and demands that 95 in 100 are found, and none where there is none.
fn find_all(python: &Path, libraries: &str) {
    missing::larger_set("three recipes of four");
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    draw(python, &folder, libraries);
    let text = fs::read_to_string(folder.join(libraries).with_extension("json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let outcomes: Vec<Outcome> = cases
        .iter()
        .map(|case| find(&sandbox, &folder, case))
        .collect();
    for outcome in &outcomes {
        println!("{}", outcome.line);
    }
    let slowest = outcomes.iter().max_by_key(|outcome| outcome.took).unwrap();
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let judged = || cases.iter().zip(&outcomes);
    let right =
        judged().filter(|(case, outcome)| case.truth == "exact" && outcome.verdict == "exact");
    let wanted = cases.iter().filter(|case| case.truth == "exact").count();
    let right = right.count();
    let count = outcomes.len();
    println!("{right} of {wanted} are exact; {count} searches took {total:.1?}");
    println!("slowest: {}", slowest.line);
    assert!(right * 100 >= wanted * 95, "{right} of {wanted} are exact");
    for (case, outcome) in judged().filter(|(case, _)| case.truth != "exact") {
        let allowed = match case.truth.as_str() {
            "none" => outcome.verdict == "none",
            _ => outcome.verdict != "exact",
        };
        assert!(allowed, "{}", outcome.line);
    }
    assert!(slowest.took <= LIMIT, "{}", slowest.line);
    // The recipes are in the packages now.
    let found = parity::check(&sandbox, &folder);
    assert!(found.cases >= 2, "{} cases", found.cases);
    let count = found.wrong.len();
    assert!(count == 0, "{count} differ:\n{}", found.wrong.join("\n"));
}

fn draw(python: &Path, folder: &Path, libraries: &str) {
    let script = programs::checkout().join("tests/python/recipes/make.py");
    let mut make = Command::new(python);
    make.arg(script).arg(folder).arg(photos()).arg(libraries);
    // Nothing is looked for on the network.
    make.envs([("HF_HUB_OFFLINE", "1"), ("NO_ALBUMENTATIONS_UPDATE", "1")]);
    succeed(make);
}

/// Searches for a case's recipe, and puts it into its package where it is exact.
fn find(sandbox: &Sandbox, folder: &Path, case: &Case) -> Outcome {
    let package = folder.join(&case.name);
    let mut command = sandbox
        .boxwright(["match", "--json", "--write"])
        .arg(&package)
        .args(
            case.photos
                .iter()
                .map(|file| folder.join("photos").join(file)),
        );
    for file in &case.tensors {
        command = command.arg("--tensor").arg(package.join(file));
    }
    let report = command.run().ok().json();
    let verdict = report["verdict"].as_str().unwrap().to_owned();
    let took = Duration::from_secs_f64(report["elapsed_ms"].as_f64().unwrap() / 1000.0);
    let line = format!(
        "{:5.2} s  {verdict:5} ({} wanted)  {}: {} of {}",
        took.as_secs_f64(),
        case.truth,
        case.name,
        case.call,
        case.photos.join(", ")
    );
    Outcome {
        verdict,
        took,
        line,
    }
}

#[test]
fn a_spoiled_recipe_is_found_again_from_what_the_model_answered() {
    let python = need!(venv::environment("vision"));
    let packages = need!(onnx_runtime());
    let sandbox = Sandbox::new();
    let out = sandbox.path("work/answers");
    let chosen = [photo("cat.jpg"), photo("coffee.jpg"), photo("rocket.jpg")];
    let script = programs::checkout().join("tests/python/recipes/answers.py");
    let mut make = Command::new(&python);
    make.arg(script).arg(&packages).arg(programs::sample());
    make.arg(&out).args(&chosen);
    succeed(make);
    for file in ["scores.npy", "scores.csv", "classes.json"] {
        let package = sandbox.package(&format!("spoiled-{file}"));
        edit(&package, "size = 256", "size = 224");
        edit(&package, "\"bicubic\"", "\"nearest\"");
        edit(&package, "mean = [127.0, 127.0, 127.0]", "mean = [0.0]");
        edit(&package, "std = [128.0, 128.0, 128.0]", "std = [255.0]");
        let command = sandbox.boxwright(["match", "--json"]).arg(&package);
        let command = command.args(&chosen).arg("--outputs").arg(out.join(file));
        let report = command.run().ok().json();
        println!("{file}: {} ms", report["elapsed_ms"]);
        assert_eq!(report["verdict"], "exact", "{file}: {report:#}");
        // That of the sample, or one that these photos can't tell from it.
        let same = report["same"].as_array().unwrap();
        let all = same.iter().chain([&report["recipe"]]);
        let is_sample = |recipe: &Value| {
            let preprocess = &recipe["preprocess"];
            preprocess["filter"] == "bicubic" && preprocess["size"] == 256
        };
        assert!(all.clone().any(is_sample), "{file}: {report:#}");
        // No photo is turned, so that nobody knows whether the notebook turns.
        let turns = |recipe: &&Value| recipe["preprocess"]["exif"] == true;
        let (turned, stored): (Vec<&Value>, Vec<&Value>) = all.partition(turns);
        assert!(
            !turned.is_empty() && !stored.is_empty(),
            "{file}: {report:#}"
        );
    }
}

#[test]
fn chassis_example_answers_to_the_last_digit() {
    let python = need!(venv::environment("vision"));
    let packages = need!(onnx_runtime());
    let sandbox = Sandbox::new();
    let package = chassis_package(&sandbox);
    let out = sandbox.path("work/chassis.json");
    let mut files: Vec<PathBuf> = fs::read_dir(photos())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut example = Command::new(&python);
    example.arg(programs::checkout().join("tests/python/chassis/batch_process.py"));
    example.arg(&packages).arg(package.join("model.onnx"));
    example.arg(package.join("labels.txt")).arg(&out);
    succeed(example.args(&files));
    let wanted: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    let preview = sandbox.boxwright(["preview", "--format", "json", "--device", "cpu"]);
    let preview = preview.arg(&package).args(&files).run().ok().json();
    let (base, _server) = served(&sandbox, &package);
    for (file, previewed) in files.iter().zip(preview["results"].as_array().unwrap()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let wanted = &wanted[name]["classPredictions"];
        assert_eq!(wanted.as_array().unwrap().len(), 5);
        assert_eq!(&previewed["classPredictions"], wanted, "{name}");
        let mut answer = ureq::post(format!("{base}/predict"))
            .content_type("image/jpeg")
            .send(&fs::read(file).unwrap())
            .unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        let answered = &answer["predictions"][0]["classPredictions"];
        assert_eq!(answered, wanted, "{name}");
    }
}

/// The sample's model with the preset of Chassis' examples.
fn chassis_package(sandbox: &Sandbox) -> PathBuf {
    let package = sandbox.path("work/chassis");
    fs::create_dir_all(&package).unwrap();
    for file in ["model.onnx", "labels.txt"] {
        fs::copy(programs::sample().join(file), package.join(file)).unwrap();
    }
    let init = ["init", "--preset", "opencv-imagenet", "--name", "chassis"];
    let init = sandbox.boxwright(init).arg("--labels");
    let init = init.arg(package.join("labels.txt"));
    init.arg(package.join("model.onnx")).run().ok();
    package
}

/// The container's server with a package, and its address.
fn served(sandbox: &Sandbox, package: &Path) -> (String, Server) {
    let port = free_port().to_string();
    let command = sandbox.boxwright(["serve", "--port", &port]).arg(package);
    let mut server = Command::new(command.plain().get_program());
    let arguments = command.plain().get_args();
    server.args(arguments).envs(sandbox.environment());
    let mut server = Server::start(&server, &sandbox.path("tmp/serve.log"));
    let base = format!("http://127.0.0.1:{port}");
    wait::until("a ready server", wait::START, || {
        assert!(server.ended().is_none(), "{}", server.log());
        ureq::get(format!("{base}/v2/health/ready")).call().ok()
    });
    (base, server)
}

/// The folder of packages that has ONNX Runtime for Python, of the version that ships.
fn onnx_runtime() -> Result<PathBuf, Missing> {
    let requirements = programs::checkout().join("tests/python/chassis/requirements.txt");
    let python = venv::python(&requirements)?;
    let library = python.parent().unwrap().parent().unwrap().join("lib");
    let versions = fs::read_dir(library).unwrap();
    let version = versions.map(|entry| entry.unwrap().path()).next();
    let folder = version.map(|version| version.join("site-packages"));
    folder.ok_or_else(|| Missing::because("the environment has no packages"))
}

fn succeed(mut command: impl std::borrow::BorrowMut<Command>) {
    let output = command.borrow_mut().output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    missing::say_notes(&output.stdout);
}
