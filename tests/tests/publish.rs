//! Publishing to a real registry by the command line, with and without luck.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boxwright_tests::image::sha256;
use boxwright_tests::registry::{Auth, Registry, Skopeo};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::edit;
use boxwright_tests::server::free_port;
use boxwright_tests::tokens::TokenServer;
use boxwright_tests::{Command, Run, Sandbox, need, onnx, wait};
use rustix::process::Signal;
use serde_json::Value;

const USER: &str = "ann";
const PASSWORD: &str = "correct horse battery staple";

fn login(sandbox: &Sandbox, registry: &str, password: &str) -> Run {
    let command = sandbox.boxwright(["login", registry, "--username", USER, "--password-stdin"]);
    command.input(format!("{password}\n")).run()
}

fn publish(sandbox: &Sandbox, package: &Path, reference: &str) -> Command {
    sandbox
        .boxwright(["publish", "--target", "cpu,arm64", "--to", reference])
        .arg(package)
}

/// A small package, where what the model predicts does not matter.
fn colours(sandbox: &Sandbox) -> std::path::PathBuf {
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    package
}

#[test]
fn a_signed_in_user_publishes_what_skopeo_then_finds() {
    let registry = need!(Registry::start(Auth::Basic(USER, PASSWORD)));
    let skopeo = need!(Skopeo::find()).signed_in(USER, PASSWORD);
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    login(&sandbox, &registry.host(), PASSWORD).ok();
    let reference = registry.reference("team/cat:0.0.1");
    let report = Report::new(publish(&sandbox, &package, &reference).run().ok().json());
    assert_eq!(report.0["images"][0]["reference"], reference);
    let image = format!("docker://{reference}");
    let index = skopeo.raw(&image);
    assert_eq!(sha256(&index), report.digest());
    let index: Value = serde_json::from_slice(&index).unwrap();
    for (target, architecture) in [("cpu", "amd64"), ("arm64", "arm64")] {
        let manifests = index["manifests"].as_array().unwrap().iter();
        let mut found = manifests.filter(|one| one["platform"]["architecture"] == architecture);
        assert_eq!(
            found.next().unwrap()["digest"],
            report.platform(target)["digest"]
        );
        let config = skopeo.inspect(&["--override-arch", architecture, "--config", &image]);
        assert_eq!(config["architecture"], architecture);
        assert!(
            config["config"]["User"]
                .as_str()
                .unwrap()
                .starts_with("65532")
        );
        let labels = &config["config"]["Labels"];
        assert_eq!(
            labels["org.opencontainers.image.title"], "efficientnet-lite0",
            "{labels:#}"
        );
        let copy = format!("dir:{}", sandbox.path(architecture).display());
        let source = ["copy", "--src-tls-verify=false", "--src-creds"];
        let credentials = format!("{USER}:{PASSWORD}");
        let copied = std::process::Command::new("skopeo")
            .args(["--override-arch", architecture])
            .args(source)
            .args([&credentials, &image, &copy])
            .output();
        let copied = copied.unwrap();
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
    }
    assert_eq!(report.reused(), 0);
    assert!(report.uploaded() > 9_000_000, "{:#}", report.0);
}

#[test]
fn a_second_publish_sends_only_what_is_new() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let first = publish(&sandbox, &package, &registry.reference("cat:1"))
        .run()
        .ok();
    let first = Report::new(first.json());
    let again = publish(&sandbox, &package, &registry.reference("cat:1"))
        .run()
        .ok();
    let again = Report::new(again.json());
    assert_eq!(again.digest(), first.digest());
    assert!(
        again.uploaded() < 100_000,
        "{} bytes for nothing new",
        again.uploaded()
    );
    assert!(again.reused() > 9_000_000, "{:#}", again.0);
    let labels = fs::read_to_string(package.join("labels.txt")).unwrap();
    fs::write(
        package.join("labels.txt"),
        labels.replacen("tiger cat", "tabby", 1),
    )
    .unwrap();
    let labels = publish(&sandbox, &package, &registry.reference("cat:2"))
        .run()
        .ok();
    let labels = Report::new(labels.json());
    assert_ne!(labels.digest(), first.digest());
    assert!(
        labels.uploaded() < 1_000_000,
        "{} bytes for other labels",
        labels.uploaded()
    );
    let mounted = publish(&sandbox, &package, &registry.reference("team/cat:2"))
        .run()
        .ok();
    let mounted = Report::new(mounted.json());
    assert_eq!(mounted.digest(), labels.digest());
}

#[test]
fn a_tag_that_names_another_image_is_warned_of_with_the_next_version() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let reference = registry.reference("colours:1.0.0");
    publish(&sandbox, &package, &reference).run().ok();
    let taken = registry.reference("colours:1.0.1");
    publish(&sandbox, &package, &taken).run().ok();
    fs::write(package.join("labels.txt"), "rot\ngrün\nblau\n").unwrap();
    let run = publish(&sandbox, &package, &reference).run();
    let failure = run.failure("TagExists");
    assert_eq!(failure["free_version"], "1.0.2", "{failure:#}");
    let hint = failure["hint"].as_str().unwrap();
    assert!(hint.contains("1.0.2"), "{hint}");
    let free = registry.reference("colours:1.0.2");
    publish(&sandbox, &package, &free).run().ok();
}

#[test]
fn without_a_tag_the_packages_version_is_published_and_said() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    edit(&package, "version = \"1\"", "version = \"3.1\"");
    let run = publish(&sandbox, &package, &registry.reference("colours"))
        .run()
        .ok();
    let report = run.json();
    let reference = registry.reference("colours:3.1");
    assert_eq!(report["images"][0]["reference"], reference, "{report:#}");
    assert!(
        run.stderr().contains("the package's version, 3.1"),
        "{}",
        run.stderr()
    );
    let digest = report["images"][0]["digest"].as_str().unwrap();
    let to = registry.reference(&format!("colours@{digest}"));
    let refused = publish(&sandbox, &package, &to).run();
    refused.failure("ReferenceInvalid");
}

#[test]
fn a_wrong_password_is_refused_and_not_kept() {
    let registry = need!(Registry::start(Auth::Basic(USER, PASSWORD)));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let refused = login(&sandbox, &registry.host(), "wrong");
    assert_eq!(refused.status, Some(1));
    refused.says_why();
    assert!(
        refused.stderr().contains(&registry.host()),
        "{}",
        refused.stderr()
    );
    assert!(!sandbox.home().join(".docker/config.json").exists());
    let run = publish(&sandbox, &package, &registry.reference("colours:1")).run();
    let failure = run.failure("RegistryUnauthorized");
    assert_eq!(failure["retryable"], false);
    assert!(
        failure["hint"]
            .as_str()
            .unwrap()
            .contains("boxwright login"),
        "{failure:#}"
    );
}

#[test]
fn logout_forgets() {
    let registry = need!(Registry::start(Auth::Basic(USER, PASSWORD)));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    login(&sandbox, &registry.host(), PASSWORD).ok();
    publish(&sandbox, &package, &registry.reference("colours:1"))
        .run()
        .ok();
    sandbox.boxwright(["logout", &registry.host()]).run().ok();
    let run = publish(&sandbox, &package, &registry.reference("colours:2")).run();
    run.failure("RegistryUnauthorized");
    let again = sandbox.boxwright(["logout", &registry.host()]).run().ok();
    let host = registry.host();
    assert_eq!(again.stdout.trim(), format!("nothing was kept for {host}"));
}

#[test]
fn a_registry_that_asks_for_no_password_gets_and_leaves_none() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let run = login(&sandbox, &registry.host(), PASSWORD).ok();
    assert!(
        run.stdout.contains("asks for no password"),
        "{}",
        run.stdout
    );
    assert!(!sandbox.home().join(".docker/config.json").exists());
    let forgotten = sandbox.boxwright(["logout", &registry.host()]).run().ok();
    assert!(
        forgotten.stdout.contains("nothing was kept"),
        "{}",
        forgotten.stdout
    );
}

#[test]
fn what_is_no_registry_is_said_in_words_of_its_own() {
    let sandbox = Sandbox::new();
    for (given, hint) in [("", "localhost:5000"), ("https://ghcr.io/v2/", "ghcr.io")] {
        let logout = sandbox.boxwright(["logout", given]).run();
        for run in [login(&sandbox, given, PASSWORD), logout] {
            assert_eq!(run.status, Some(1));
            let said = run.stderr();
            assert!(said.contains("is no registry"), "{said}");
            assert!(!said.contains("image reference"), "{said}");
            let hinted = said.lines().find(|line| line.starts_with("hint: "));
            assert!(hinted.unwrap().contains(hint), "{said}");
        }
    }
}

#[test]
fn a_registry_that_is_gone_can_be_tried_again() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let reference = format!("127.0.0.1:{}/colours:1", free_port());
    let failure = publish(&sandbox, &package, &reference)
        .run()
        .failure("RegistryUnreachable");
    assert_eq!(failure["retryable"], true, "{failure:#}");
    assert!(
        failure["message"].as_str().unwrap().contains("127.0.0.1"),
        "{failure:#}"
    );
}

#[test]
fn a_reference_that_is_none_is_refused_with_what_is_wrong() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    for reference in [
        "localhost:5000/Cat:1",
        "localhost:5000/",
        "http://localhost:5000/cat:1",
        "a b",
    ] {
        publish(&sandbox, &package, reference)
            .run()
            .failure("ReferenceInvalid");
    }
}

#[test]
fn bearer_tokens_are_fetched_and_fetched_again_when_they_expire() {
    let tokens = TokenServer::start(Ipv4Addr::LOCALHOST, USER, PASSWORD, 60);
    let registry = need!(Registry::start(Auth::Bearer(&tokens)));
    let skopeo = need!(Skopeo::find()).signed_in(USER, PASSWORD);
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let refused = login(&sandbox, &registry.host(), "wrong");
    assert_eq!(refused.status, Some(1), "{}", refused.stderr());
    login(&sandbox, &registry.host(), PASSWORD).ok();
    let reference = registry.reference("team/colours:1");
    let report = Report::new(publish(&sandbox, &package, &reference).run().ok().json());
    assert_eq!(
        sha256(&skopeo.raw(&format!("docker://{reference}"))),
        report.digest()
    );
    let pushed = tokens
        .asked()
        .iter()
        .any(|asked| asked.query.contains("push"));
    assert!(pushed, "{:#?}", tokens.asked());
}

#[test]
fn a_realm_on_another_host_gets_the_password_by_the_users_word_alone() {
    let tokens = TokenServer::start(Ipv4Addr::new(127, 7, 7, 7), USER, PASSWORD, 60);
    let registry = need!(Registry::start(Auth::Bearer(&tokens)));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let told = || {
        let asked = tokens.asked();
        asked.iter().any(|asked| asked.authorization.is_some())
    };
    let allow = |realm: &str, password: &str| {
        let host = registry.host();
        let args = ["login", &host, "--username", USER, "--password-stdin"];
        let command = sandbox.boxwright(args).args(["--trust-realm", realm]);
        command.input(format!("{password}\n")).run()
    };
    let word = format!("--trust-realm {}`", tokens.host());

    let run = login(&sandbox, &registry.host(), PASSWORD);
    assert_eq!(run.status, Some(1), "{}", run.stderr());
    assert!(run.stderr().contains(&word), "{}", run.stderr());
    // A password that Docker keeps is none that may go there.
    let docker = sandbox.home().join(".docker/config.json");
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = serde_json::json!({"auths": {registry.host(): {"auth": auth}}});
    fs::create_dir(docker.parent().unwrap()).unwrap();
    fs::write(&docker, config.to_string()).unwrap();
    let run = publish(&sandbox, &package, &registry.reference("colours:1")).run();
    let failure = run.failure("RegistryUnauthorized");
    assert!(
        failure["hint"].as_str().unwrap().contains(&word),
        "{failure:#}"
    );
    // Nor is a word about another host one about this host, and an address is no host.
    assert_eq!(allow("127.7.7.8", PASSWORD).status, Some(1));
    let pasted = allow(&tokens.realm(), PASSWORD);
    assert_eq!(pasted.status, Some(2));
    assert!(
        pasted.stderr().contains(&tokens.host()),
        "{}",
        pasted.stderr()
    );
    assert!(!told(), "the password went to {}", tokens.host());

    // What did not work is not remembered; what did is, for everything that follows.
    assert_eq!(allow(&tokens.host(), "wrong").status, Some(1));
    assert!(told());
    login(&sandbox, &registry.host(), PASSWORD).says_why();
    allow(&tokens.host(), PASSWORD).ok();
    let run = publish(&sandbox, &package, &registry.reference("colours:1")).run();
    Report::new(run.ok().json());
    login(&sandbox, &registry.host(), PASSWORD).ok();
    sandbox.boxwright(["logout", &registry.host()]).run().ok();
    let run = login(&sandbox, &registry.host(), PASSWORD);
    assert!(run.stderr().contains(&word), "{}", run.stderr());
}

#[test]
fn tls_needs_the_authority_and_is_never_downgraded() {
    let registry = need!(Registry::start_tls(Auth::Open));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let reference = registry.reference("colours:1");
    let trusted = publish(&sandbox, &package, &reference)
        .arg("--ca-file")
        .arg(registry.ca_file());
    Report::new(trusted.run().ok().json());
    // `--plain-http` only allows: a registry that speaks TLS is not spoken to without.
    let other = sandbox.path("work/other.pem");
    fs::write(&other, boxwright_tests::certificate::Authority::new().pem()).unwrap();
    let stranger = publish(&sandbox, &package, &reference)
        .arg("--ca-file")
        .arg(&other)
        .run();
    let failure = stranger.failure("RegistryUnreachable");
    assert!(failure.to_string().contains("certificate"), "{failure:#}");
}

#[test]
fn an_interrupted_publish_ends_with_130_and_names_no_tag() {
    let registry = need!(Registry::start(Auth::Open));
    let skopeo = need!(Skopeo::find());
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let reference = registry.reference("cat:1");
    // Stopped, it takes connections and answers none: the publish can't get ahead of the test.
    registry.server().signal(Signal::STOP);
    let mut running = publish(&sandbox, &package, &reference)
        .args(["--progress", "json"])
        .start();
    running.event("start", |event| event["type"] == "started");
    let at = Instant::now();
    running.signal(Signal::INT);
    let run = running.finish();
    assert_eq!(run.status, Some(130), "{}", run.stderr());
    assert!(at.elapsed() < Duration::from_secs(10), "{:?}", at.elapsed());
    assert_eq!(run.events().last().unwrap().1["type"], "cancelled");
    registry.server().signal(Signal::CONT);
    let tags = std::process::Command::new("skopeo")
        .args([
            "list-tags",
            "--tls-verify=false",
            &format!("docker://{}", registry.reference("cat")),
        ])
        .output();
    assert!(!String::from_utf8_lossy(&tags.unwrap().stdout).contains("\"1\""));
    publish(&sandbox, &package, &reference).run().ok();
    skopeo.raw(&format!("docker://{reference}"));
}

#[test]
fn progress_of_a_publish_counts_the_bytes_of_each_layer() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let publish =
        publish(&sandbox, &package, &registry.reference("cat:1")).args(["--progress", "json"]);
    let run = publish.run().ok();
    let events: Vec<Value> = run.events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(events[0]["kind"], "publish");
    let mut layers = std::collections::BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| event["type"] == "progress" && event["unit"] == "bytes")
    {
        let item = event["item"].as_str().unwrap();
        let done = event["done"].as_u64().unwrap();
        let key = (event["stage"].to_string(), item.to_owned());
        let before = layers.insert(key, (done, event["total"].as_u64()));
        assert!(
            before.is_none_or(|(before, _)| before <= done),
            "{item} goes back"
        );
    }
    let digests = layers
        .iter()
        .filter(|((_, item), _)| item.starts_with("sha256:"));
    let finished = digests
        .filter(|(_, (done, total))| Some(*done) == *total)
        .count();
    assert!(
        finished >= 6,
        "base, runtime, model and package of two platforms: {layers:#?}"
    );
    let report = &events.last().unwrap()["result"];
    assert_eq!(
        report["images"][0]["digest"],
        Report::new(run.json()).digest()
    );
}

#[test]
fn a_registry_that_dies_in_the_middle_is_reported_and_another_try_goes_on() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let reference = registry.reference("cat:1");
    registry.server().signal(Signal::STOP);
    let mut running = publish(&sandbox, &package, &reference)
        .args(["--progress", "json"])
        .start();
    running.event("start", |event| event["type"] == "started");
    drop(registry);
    let run = running.finish();
    let failure = run.failure("RegistryUnreachable");
    assert_eq!(failure["retryable"], true);
    assert!(run.elapsed < wait::LONG, "{:?}", run.elapsed);
    let another = need!(Registry::start(Auth::Open));
    publish(&sandbox, &package, &another.reference("cat:1"))
        .run()
        .ok();
    edit(&package, "version = \"0.0.1\"", "version = \"0.0.2\"");
}
