//! Images on a base that the user names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boxwright_tests::image::Archive;
use boxwright_tests::registry::{Auth, Registry, Skopeo};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::photo;
use boxwright_tests::tokens::TokenServer;
use boxwright_tests::{Run, Sandbox, need, onnx};
use serde_json::Value;

const USER: &str = "ann";
const PASSWORD: &str = "correct horse battery staple";

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

/// What a build says on a base at a registry that wants a password, before and after signing in.
fn needs_a_password(registry: &Registry) {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let (base, host) = (registry.reference("bases/debian:12"), registry.host());
    let login = || {
        let args = ["login", &host, "--username", USER, "--password-stdin"];
        let command = sandbox.boxwright(args).input(format!("{PASSWORD}\n"));
        command.run().ok();
    };
    let build = |name: &str| {
        let build = ["build", "--target", "cpu", "--base", &base, "--output"];
        sandbox.boxwright(build).arg(name).arg(&package).run()
    };
    let is_refused = |run: Run| {
        let failure = run.failure("RegistryUnauthorized");
        let hint = failure["hint"].as_str().unwrap();
        assert!(
            hint.contains(&format!("boxwright login {host}")),
            "{failure:#}"
        );
        assert!(!sandbox.path("work/refused.tar").exists());
    };
    login();
    let publish = ["publish", "--target", "cpu", "--to", &base];
    let published = sandbox.boxwright(publish).arg(&package).run().ok();
    let published = Report::new(published.json());
    sandbox.boxwright(["logout", &host]).run().ok();
    is_refused(build("refused.tar"));

    let docker = sandbox.home().join(".docker/config.json");
    let auth = STANDARD.encode(format!("{USER}:wrong"));
    let config = serde_json::json!({"auths": {host.clone(): {"auth": auth}}});
    fs::write(&docker, config.to_string()).unwrap();
    is_refused(build("refused.tar"));

    login();
    build("image.tar").ok();
    let image = Archive::open(&sandbox.path("work/image.tar")).image("amd64");
    assert_eq!(
        image.manifest["annotations"]["org.opencontainers.image.base.digest"],
        published.platform("cpu")["digest"]
    );
}

#[test]
fn a_base_is_pulled_with_the_users_password() {
    needs_a_password(&need!(Registry::start(Auth::Basic(USER, PASSWORD))));
}

#[test]
fn a_base_is_pulled_with_a_token_for_the_users_password() {
    let tokens = TokenServer::start(Ipv4Addr::LOCALHOST, USER, PASSWORD, 60);
    needs_a_password(&need!(Registry::start(Auth::Bearer(&tokens))));
}

#[test]
fn publishing_on_a_base_says_which_of_two_registries_wants_a_password() {
    let (bases, images) = (
        need!(Registry::start(Auth::Basic(USER, PASSWORD))),
        need!(Registry::start(Auth::Open)),
    );
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let (base, to) = (bases.reference("debian:12"), images.reference("colours:1"));
    let publish = ["publish", "--target", "cpu", "--base", &base, "--to", &to];
    let run = sandbox.boxwright(publish).arg(&package).run();
    let failure = run.failure("RegistryUnauthorized");
    let hint = failure["hint"].as_str().unwrap();
    assert!(hint.contains(&bases.host()), "{failure:#}");
    assert!(!hint.contains(&images.host()), "{failure:#}");
}

#[test]
fn a_base_at_a_registry_with_a_certificate_of_its_own_needs_the_authority() {
    let registry = need!(Registry::start_tls(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let base = registry.reference("debian:12");
    let with_authority = |args: &[&str]| {
        let command = sandbox.boxwright(args).arg("--ca-file");
        command.arg(registry.ca_file()).arg(&package).run()
    };
    with_authority(&["publish", "--target", "cpu", "--to", &base]).ok();
    let build = ["build", "--target", "cpu", "--base", &base, "--output"];
    with_authority(&[&build[..], &["image.tar"]].concat()).ok();
    let run = sandbox.boxwright(build).arg("other.tar").arg(&package);
    run.run().failure("RegistryUnreachable");
}

#[test]
fn layers_that_a_mirror_compressed_with_zstd_are_a_base_and_are_proven() {
    let (origin, mirror) = (
        need!(Registry::start(Auth::Open)),
        need!(Registry::start(Auth::Open)),
    );
    let skopeo = need!(Skopeo::find());
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let (from, to) = (origin.reference("cat:1"), mirror.reference("cat:1"));
    let publish = ["publish", "--target", "cpu", "--to", &from];
    sandbox.boxwright(publish).arg(&package).run().ok();
    skopeo.mirror_as_zstd(&from, &to);
    let types = |image: &str| -> Vec<String> {
        let manifest = skopeo.raw(&format!("docker://{image}"));
        let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
        if let Some(only) = manifest["manifests"][0]["digest"].as_str() {
            let (repository, _) = image.rsplit_once(':').unwrap();
            let manifest_only = skopeo.raw(&format!("docker://{repository}@{only}"));
            manifest = serde_json::from_slice(&manifest_only).unwrap();
        }
        let layers = manifest["layers"].as_array().unwrap().iter();
        let types = layers.map(|layer| layer["mediaType"].as_str().unwrap().to_owned());
        types.collect()
    };
    let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    assert_eq!(types(&to), [zstd; 4]);

    let verify = sandbox.boxwright(["verify", &to]).arg(photo("cat.jpg"));
    let run = verify.arg("--package").arg(&package).run().ok();
    let report = Report::new(run.json());
    assert_eq!(report.proof("cpu")["status"], "proven", "{:#}", report.0);

    let above = sandbox.path("work/colours");
    onnx::write_mean_colour(&above, "colours", ["red", "green", "blue"]);
    let stands = mirror.reference("colours:1");
    let publish = ["publish", "--target", "cpu", "--base", &to, "--to", &stands];
    sandbox.boxwright(publish).arg(&above).run().ok();
    assert_eq!(types(&stands)[..4], [zstd; 4]);
    assert_eq!(types(&stands).len(), 4 + 3);
}
