//! Images on a base that the user names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use boxwright_tests::image::Archive;
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::{Sandbox, need, onnx};

#[test]
fn an_image_stands_on_the_base_that_the_user_names() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let (below, above) = (sandbox.path("work/below"), sandbox.path("work/above"));
    onnx::write_mean_colour(&below, "below", ["red", "green", "blue"]);
    onnx::write_mean_colour(&above, "above", ["rouge", "vert", "bleu"]);
    let base = registry.reference("bases/debian:12");
    let publish = ["publish", "--target", "cpu,arm64", "--to", &base];
    let published = sandbox.boxwright(publish).arg(&below).run().ok();
    let published = Report::new(published.json());

    let file = sandbox.path("work/above.tar");
    let build = [
        "build",
        "--target",
        "cpu,arm64",
        "--base",
        &base,
        "--output",
    ];
    let built = sandbox.boxwright(build).arg(&file).arg(&above).run();
    built.ok();
    let archive = Archive::open(&file);
    for (target, architecture) in [("cpu", "amd64"), ("arm64", "arm64")] {
        let image = archive.image(architecture);
        assert_eq!(
            image.layers.len(),
            4 + 3,
            "the base's, then runtime, model and package"
        );
        assert!(
            image.layers[3].contains_key("model/boxwright.toml"),
            "the base's own model"
        );
        assert_eq!(
            image.layers[6]["model/labels.txt"].content,
            b"rouge\nvert\nbleu\n"
        );
        let annotations = &image.manifest["annotations"];
        assert_eq!(
            annotations["org.opencontainers.image.base.name"],
            base.as_str()
        );
        assert_eq!(
            annotations["org.opencontainers.image.base.digest"],
            published.platform(target)["digest"]
        );
    }
}

#[test]
fn a_base_that_is_not_there_is_said_before_anything_is_written() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let (base, file) = (
        registry.reference("bases/none:1"),
        sandbox.path("work/out.tar"),
    );
    let build = ["build", "--target", "cpu", "--base", &base, "--output"];
    let run = sandbox.boxwright(build).arg(&file).arg(&package).run();
    let failure = run.failure("RegistryFailed");
    assert!(
        failure["message"].as_str().unwrap().contains("bases/none"),
        "{failure:#}"
    );
    assert!(!file.exists());
}
