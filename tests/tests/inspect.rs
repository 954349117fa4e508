//! Reading a model and writing its package file, by the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use boxwright_tests::missing::program;
use boxwright_tests::sandbox::{edit, photos};
use boxwright_tests::{Sandbox, need, onnx, programs};

#[test]
fn inspect_tells_what_the_sample_takes_and_gives() {
    let sandbox = Sandbox::new();
    let model = programs::sample().join("model.onnx");
    let json = sandbox
        .boxwright(["inspect", "--json"])
        .arg(&model)
        .run()
        .ok()
        .json();
    let text = json.to_string();
    assert_eq!(json["format"], "ONNX");
    assert_eq!(json["size_bytes"], fs::metadata(&model).unwrap().len());
    assert!(
        (4_000_000..5_500_000).contains(&json["parameters"].as_u64().unwrap()),
        "{text}"
    );
    let input = &json["signature"]["inputs"][0];
    assert_eq!(input["datatype"], "FP32");
    assert_eq!(input["shape"].as_array().unwrap()[1..], [3, 224, 224]);
    assert_eq!(json["signature"]["outputs"][0]["shape"][1], 1000);
    let printed = sandbox.boxwright(["inspect"]).arg(&model).run().ok().stdout;
    for word in [
        "ONNX",
        "224",
        "classification",
        "NCHW",
        input["name"].as_str().unwrap(),
    ] {
        assert!(printed.contains(word), "no `{word}` in:\n{printed}");
    }
}

#[test]
fn dynamic_axes_keep_their_names() {
    let sandbox = Sandbox::new();
    let model = sandbox.path("work/mean.onnx");
    fs::write(&model, onnx::mean_colour(16)).unwrap();
    let json = sandbox
        .boxwright(["inspect", "--json"])
        .arg(&model)
        .run()
        .ok()
        .json();
    assert_eq!(json["signature"]["inputs"][0]["shape"][0], "batch");
    assert_eq!(json["producer"], "boxwright-tests");
    assert_eq!(json["opset"][""], 13);
}

#[test]
fn a_model_that_takes_any_size_runs_at_once_with_a_size_that_is_guessed() {
    let sandbox = Sandbox::new();
    let model = |name: &str| {
        let path = sandbox.path("work").join(name);
        fs::write(&path, onnx::mean_colour_of_any_size()).unwrap();
        path
    };
    let (any, named) = (model("colours.onnx"), model("colours_384.onnx"));
    let guessed = |model: &Path| {
        let inspect = sandbox.boxwright(["inspect", "--json"]).arg(model);
        let guessed = inspect.run().ok().json()["guessed"].clone();
        let reasons = guessed["reasons"].as_array().unwrap().iter();
        let mut width = reasons.filter(|one| one["field"] == "input.0.width");
        let why = width.next().unwrap()["reason"].as_str().unwrap().to_owned();
        assert_eq!(guessed["width"], guessed["height"]);
        (guessed["width"].as_u64().unwrap(), why)
    };
    let (width, why) = guessed(&any);
    assert_eq!(width, 224);
    assert!(why.contains("any size"), "{why}");
    let (width, why) = guessed(&named);
    assert_eq!(width, 384);
    assert!(why.contains("name says 384"), "{why}");

    let preview = |package: &Path| {
        let command = sandbox.boxwright(["preview", "--format", "json"]);
        let run = command.arg(package).arg(photos()).run().ok();
        let results = run.json()["results"].as_array().unwrap().clone();
        assert_eq!(results.len(), 5);
        for result in &results {
            assert_eq!(result["classPredictions"].as_array().unwrap().len(), 3);
        }
        run.stderr()
    };
    let said = preview(&any);
    assert!(
        said.contains("guessed input.0.height = 224: the model takes any size"),
        "{said}"
    );
    assert!(said.contains("[123.675,116.28,103.53]"), "{said}");
    // A preset is for the size that the package has, whatever is usual.
    let init = sandbox.boxwright(["init", "--preset", "imagenet", "--output", "package"]);
    init.arg(&named).run().ok();
    let package = sandbox.path("work/package");
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    assert!(text.contains("width = 384\nheight = 384\n"), "{text}");
    assert!(text.contains("size = 439\n"), "{text}");
    preview(&package);
}

#[test]
fn two_gigabytes_are_inspected_in_a_moment_without_being_loaded() {
    let sandbox = Sandbox::new();
    let model = sandbox.path("work/huge.onnx");
    onnx::write_huge(&model, 1_900_000_000);
    let limits = need!(program("prlimit"));
    let command = sandbox.boxwright(["inspect", "--json"]).arg(&model);
    // Less address space than the model has bytes.
    let run = command.under(&limits, ["--as=1000000000", "--"]).run().ok();
    assert_eq!(run.json()["parameters"], 475_000_000);
    assert!(run.elapsed < Duration::from_secs(5), "{:?}", run.elapsed);
}

#[test]
fn training_formats_are_known_by_their_bytes_and_answered_with_the_export() {
    let sandbox = Sandbox::new();
    let safetensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
    let formats: [(&str, &[u8]); 4] = [
        (
            "weights.onnx",
            b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.",
        ),
        ("model.h5", b"\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0"),
        ("model.tflite", b"\x1c\0\0\0TFL3\x14\0 \0\x1c\0\x18\0"),
        ("model.safetensors", &safetensors),
    ];
    for (name, bytes) in formats {
        let model = sandbox.path("work").join(name);
        fs::write(&model, bytes).unwrap();
        let run = sandbox.boxwright(["inspect", "--json"]).arg(&model).run();
        let failure = run.failure("ModelUnsupported");
        assert!(
            failure["message"].as_str().unwrap().contains(name),
            "{failure:#}"
        );
        let hint = failure["hint"].as_str().unwrap();
        assert!(
            hint.contains("import ") && hint.contains("onnx"),
            "{name}: no Python in {hint}"
        );
    }
}

#[test]
fn a_file_that_is_no_model_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let model = sandbox.path("work/noise.onnx");
    fs::write(&model, [0xff; 300]).unwrap();
    let inspect = |model: &Path| sandbox.boxwright(["inspect", "--json"]).arg(model).run();
    let noise = inspect(&model).failure("ModelUnreadable");
    assert!(
        noise["message"].as_str().unwrap().contains("noise.onnx"),
        "{noise:#}"
    );
    let picture = inspect(&photos().join("cat.jpg")).failure("ModelUnsupported");
    assert!(
        picture["message"].as_str().unwrap().contains("picture"),
        "{picture:#}"
    );
    let gone = inspect(Path::new("gone.onnx")).failure("ModelUnreadable");
    assert!(
        gone["message"].as_str().unwrap().contains("gone.onnx"),
        "{gone:#}"
    );
}

#[test]
fn external_data_outside_the_folder_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let secret = sandbox.home().join("secret.bin");
    fs::write(&secret, [7; 12]).unwrap();
    let folder = sandbox.path("work/model");
    fs::create_dir(&folder).unwrap();
    symlink(&secret, folder.join("link.bin")).unwrap();
    for location in [
        "../../home/secret.bin",
        secret.to_str().unwrap(),
        "link.bin",
        "/dev/zero",
    ] {
        let model = folder.join("model.onnx");
        fs::write(&model, onnx::with_external_data(location)).unwrap();
        let run = sandbox.boxwright(["inspect", "--json"]).arg(&model).run();
        let failure = run.failure("ModelUnreadable");
        assert!(
            failure["message"].as_str().unwrap().contains(location),
            "{failure:#}"
        );
    }
    fs::copy(&secret, folder.join("weights.bin")).unwrap();
    let model = folder.join("model.onnx");
    fs::write(&model, onnx::with_external_data("weights.bin")).unwrap();
    let json = sandbox
        .boxwright(["inspect", "--json"])
        .arg(&model)
        .run()
        .ok()
        .json();
    assert_eq!(json["external_data"], serde_json::json!(["weights.bin"]));
}

#[test]
fn init_writes_the_package_file_that_the_contract_shows() {
    let sandbox = Sandbox::new();
    let folder = sandbox.package("cat");
    let text = fs::read_to_string(folder.join("boxwright.toml")).unwrap();
    let package: toml::Table = text.parse().unwrap();
    assert_eq!(package["format"].as_integer(), Some(2));
    assert_eq!(
        package["package"]["name"].as_str(),
        Some("efficientnet-lite0")
    );
    assert_eq!(package["package"]["version"].as_str(), Some("0.0.1"));
    let file = &package["model"]["files"][0];
    assert_eq!(file["path"].as_str(), Some("model.onnx"));
    let digest = boxwright_tests::image::sha256(&fs::read(folder.join("model.onnx")).unwrap());
    assert_eq!(
        file["sha256"].as_str().map(|hex| format!("sha256:{hex}")),
        Some(digest)
    );
    let input = &package["input"][0];
    assert_eq!(
        (input["layout"].as_str(), input["dtype"].as_str()),
        (Some("NCHW"), Some("f32"))
    );
    assert_eq!(
        (input["width"].as_integer(), input["height"].as_integer()),
        (Some(224), Some(224))
    );
    let preprocess = &package["preprocess"];
    assert_eq!(preprocess["resize"].as_str(), Some("short-side"));
    assert_eq!(preprocess["size"].as_integer(), Some(256));
    assert_eq!(preprocess["filter"].as_str(), Some("bicubic"));
    assert_eq!(
        preprocess["mean"].as_array().unwrap()[0].as_float(),
        Some(127.0)
    );
    assert_eq!(
        preprocess["std"].as_array().unwrap()[0].as_float(),
        Some(128.0)
    );
    assert_eq!(package["labels"]["file"].as_str(), Some("labels.txt"));
}

#[test]
fn a_name_that_can_not_be_is_answered_with_one_that_can() {
    let sandbox = Sandbox::new();
    let model = sandbox.path("work/mean.onnx");
    fs::write(&model, onnx::mean_colour(16)).unwrap();
    let run = sandbox
        .boxwright(["init", "--name", "My Model"])
        .arg(&model)
        .run();
    assert!(matches!(run.status, Some(1 | 2)), "{}", run.stderr());
    assert!(run.stderr().contains("my-model"), "{}", run.stderr());
    assert!(!sandbox.path("work/boxwright.toml").exists());
}

#[test]
fn a_broken_package_file_names_its_line() {
    let sandbox = Sandbox::new();
    let folder = sandbox.package("cat");
    let original = fs::read_to_string(folder.join("boxwright.toml")).unwrap();
    let line_of = |needle: &str| {
        original
            .lines()
            .position(|line| line.starts_with(needle))
            .unwrap()
            + 1
    };
    let cases = [
        ("format = 2", "format = 3", "format"),
        ("filter = ", "filtre = ", "filter"),
        (
            "task = \"classification\"",
            "task = \"clasification\"",
            "task",
        ),
    ];
    for (from, to, key) in cases {
        edit(&folder, from, to);
        let run = sandbox
            .boxwright(["preview", "--format", "json"])
            .arg(&folder)
            .arg(photos())
            .run();
        let failure = run.failure("PackageInvalid");
        let said = failure.to_string();
        assert!(said.contains("boxwright.toml"), "{failure:#}");
        assert!(
            said.contains(&line_of(key).to_string()),
            "no line {} in {said}",
            line_of(key)
        );
        fs::write(folder.join("boxwright.toml"), &original).unwrap();
    }
}

#[test]
fn a_package_can_not_name_its_readers_private_files() {
    let sandbox = Sandbox::new();
    let folder = sandbox.package("cat");
    let private = sandbox.home().join("private.txt");
    fs::write(&private, "a\n".repeat(1000)).unwrap();
    symlink(&private, folder.join("innocent.txt")).unwrap();
    let refuse = |name: &str| {
        edit(
            &folder,
            "file = \"labels.txt\"",
            &format!("file = \"{name}\""),
        );
        let run = sandbox
            .boxwright(["build", "--target", "cpu", "--output", "out.tar"])
            .arg(&folder)
            .run();
        let failure = run.failure("PackageInvalid");
        assert!(failure.to_string().contains(name), "{failure:#}");
        assert!(!Path::new(&sandbox.path("work/out.tar")).exists());
        edit(
            &folder,
            &format!("file = \"{name}\""),
            "file = \"labels.txt\"",
        );
    };
    refuse("../../home/private.txt");
    refuse("innocent.txt");
    refuse(private.to_str().unwrap());
}

#[test]
fn wrong_usage_ends_with_status_2() {
    let sandbox = Sandbox::new();
    for args in [
        &["inspect"][..],
        &["preview"],
        &["fly"],
        &["inspect", "--colour", "x.onnx"],
    ] {
        assert_eq!(sandbox.boxwright(args).run().status, Some(2), "{args:?}");
    }
    assert_eq!(sandbox.boxwright(["--help"]).run().status, Some(0));
}

#[test]
fn doctor_says_what_works_and_what_to_do_about_the_rest() {
    let sandbox = Sandbox::new();
    let run = sandbox.boxwright(["doctor"]).run();
    assert_eq!(run.status, Some(0), "{}", run.stderr());
    let said = run.stdout.to_lowercase();
    for thing in ["cpu", "docker", "keychain", "runtime", "disk"] {
        assert!(said.contains(thing), "nothing of {thing} in:\n{said}");
    }
    let json = sandbox.boxwright(["doctor", "--json"]).run().ok().json();
    assert!(json.is_object() || json.is_array(), "{json:#}");
}
