//! Images as archives: what is in them, that others read them, and that they are the same bytes
//! wherever they are made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]
#![allow(clippy::too_many_lines, reason = "a journey is told in one piece")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use boxwright_tests::image::{AARCH64, Archive, Image, X86_64, versions};
use boxwright_tests::missing::program;
use boxwright_tests::registry::Skopeo;
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::edit;
use boxwright_tests::{Command, Sandbox, need, onnx, programs};
use serde_json::{Value, json};

/// Where the server and the library are in every image.
const SERVE: &str = "opt/boxwright/bin/boxwright-serve";
const LIBRARY: &str = "opt/boxwright/lib/libonnxruntime.so";

fn build(sandbox: &Sandbox, package: &Path, targets: &str) -> (PathBuf, Report) {
    let archive = sandbox.path("work/image.tar");
    let run = sandbox
        .boxwright(["build", "--target", targets, "--output"])
        .arg(&archive);
    let report = Report::new(run.arg(package).run().ok().json());
    (archive, report)
}

#[test]
fn one_archive_holds_both_platforms_and_skopeo_reads_it() {
    let sandbox = Sandbox::new();
    let (file, report) = build(&sandbox, &sandbox.package("cat"), "cpu,arm64");
    let archive = Archive::open(&file);
    assert_eq!(archive.digest(), report.digest());
    for (target, architecture) in [("cpu", "amd64"), ("arm64", "arm64")] {
        let platform = report.platform(target);
        assert_eq!(platform["platform"], format!("linux/{architecture}"));
        assert_eq!(platform["verified"], Value::Null);
        let image = archive.image(architecture);
        let sizes = image.manifest["layers"].as_array().unwrap().iter();
        let size: u64 = sizes.map(|layer| layer["size"].as_u64().unwrap()).sum();
        assert_eq!(platform["size"], size);
        the_image_is_as_designed(&image, architecture);
    }
    let skopeo = need!(Skopeo::find());
    let source = format!("oci-archive:{}", file.display());
    let index: Value = serde_json::from_slice(&skopeo.raw(&source)).unwrap();
    assert_eq!(
        index["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    for architecture in ["amd64", "arm64"] {
        let args = ["--override-arch", architecture, "inspect", &source];
        let seen: Value = serde_json::from_slice(&skopeo.run(&args)).unwrap();
        assert_eq!(
            (&seen["Architecture"], &seen["Os"]),
            (&architecture.into(), &"linux".into())
        );
        // skopeo reads every layer on the way, and checks its digest.
        let copy = format!("dir:{}", sandbox.path(architecture).display());
        skopeo.run(&["--override-arch", architecture, "copy", &source, &copy]);
    }
}

fn the_image_is_as_designed(image: &Image, architecture: &str) {
    let config = &image.config["config"];
    assert_eq!(image.config["architecture"], architecture);
    assert_eq!(image.config["os"], "linux");
    assert_eq!(image.config["created"], "1970-01-01T00:00:00Z");
    assert!(
        config["User"].as_str().unwrap().starts_with("65532"),
        "{config:#}"
    );
    assert!(
        config["Entrypoint"][0]
            .as_str()
            .unwrap()
            .ends_with("boxwright-serve"),
        "{config:#}"
    );
    assert!(config["ExposedPorts"]["8080/tcp"].is_object(), "{config:#}");
    let env: Vec<_> = config["Env"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for variable in ["HOST=0.0.0.0", "ORT_DISABLE_TELEMETRY=1"] {
        assert!(env.contains(&variable), "{env:?}");
    }
    let health = config["Healthcheck"]["Test"].to_string();
    assert!(
        health.contains("health") && !health.contains("SHELL"),
        "{config:#}"
    );
    let labels = config["Labels"].as_object().unwrap();
    assert_eq!(
        labels["org.opencontainers.image.title"],
        "efficientnet-lite0"
    );
    assert_eq!(labels["org.opencontainers.image.version"], "0.0.1");
    let revision = labels["org.opencontainers.image.revision"]
        .as_str()
        .unwrap();
    assert!(revision.starts_with("sha256:"), "{revision}");
    let annotations = &image.manifest["annotations"];
    assert_eq!(
        annotations["org.opencontainers.image.version"], "0.0.1",
        "{:#}",
        image.manifest
    );
    assert_eq!(image.layers.len(), 4, "base, runtime, model, package");
    assert!(
        image.layers[0].contains_key("usr/share/zoneinfo/UTC"),
        "tzdata is in the base"
    );
    assert!(image.layers[1].contains_key(SERVE) && image.layers[1].contains_key(LIBRARY));
    assert!(image.layers[2].contains_key("model/model.onnx"));
    assert!(image.layers[3].contains_key("model/boxwright.toml"));
    let small: usize = image.layers[3]
        .values()
        .map(|entry| entry.content.len())
        .sum();
    assert!(small < 100_000, "the package layer has {small} bytes");
    for entry in image.layers[2..].iter().flat_map(|layer| layer.values()) {
        assert_eq!((entry.owner, entry.mtime), ((0, 0), 0));
    }
    let shells = [
        "bin/sh",
        "usr/bin/sh",
        "bin/bash",
        "usr/bin/bash",
        "usr/bin/dash",
    ];
    assert!(
        !image.paths().iter().any(|path| shells.contains(path)),
        "there is a shell"
    );
}

#[test]
fn programs_are_of_their_platform_and_need_nothing_newer_than_the_base_has() {
    let sandbox = Sandbox::new();
    let (file, _) = build(&sandbox, &sandbox.package("cat"), "cpu,arm64");
    let archive = Archive::open(&file);
    let platforms = [
        ("amd64", X86_64, "x86_64-linux-gnu"),
        ("arm64", AARCH64, "aarch64-linux-gnu"),
    ];
    for (architecture, machine, folder) in platforms {
        let image = archive.image(architecture);
        let paths = image.paths();
        let is_library = |path: &&&str| path.contains(folder) && path.contains(".so");
        let given: BTreeSet<String> = paths
            .iter()
            .filter(is_library)
            .map(|path| image.file(path))
            .filter(|content| content.starts_with(b"\x7fELF"))
            .flat_map(|content| versions(content).defined)
            .collect();
        assert!(
            given.contains("GLIBC_2.17") && given.contains("GLIBCXX_3.4"),
            "{given:?}"
        );
        for program in [SERVE, LIBRARY] {
            let versions = versions(image.file(program));
            assert_eq!(versions.machine, machine, "{architecture}: {program}");
            assert!(
                !versions.needed.is_empty(),
                "{program} needs no library at all?"
            );
            let missing: Vec<_> = versions
                .needed
                .iter()
                .filter(|needed| !given.contains(*needed))
                .collect();
            assert!(
                missing.is_empty(),
                "{architecture}: {program} needs {missing:?} of the base"
            );
        }
    }
}

#[test]
fn what_the_worker_loads_here_is_what_the_image_holds() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let (file, _) = build(&sandbox, &package, "cpu");
    let image = Archive::open(&file).image("amd64");
    let share = programs::share();
    assert!(image.file(SERVE) == fs::read(share.join("bin/boxwright-serve")).unwrap());
    assert!(image.file(LIBRARY) == fs::read(share.join("lib/libonnxruntime.so")).unwrap());
    let model = fs::read(package.join("model.onnx")).unwrap();
    assert!(image.file("model/model.onnx") == model);
    assert_eq!(image.file("model/labels.txt"), b"red\ngreen\nblue\n");
}

/// One of the two who build the same package.
struct Builder<'a> {
    folder: &'a str,
    variables: [(&'a str, &'a str); 3],
    umask: &'a str,
    user: Option<&'a str>,
    modified: SystemTime,
}

/// Builds in a folder of its own, as another user where this one may become it.
fn build_as(builder: &Builder<'_>, program: &Path, share: &Path) -> (Sandbox, Vec<u8>, Report) {
    let sandbox = Sandbox::new();
    let package = sandbox.package(builder.folder);
    for file in ["boxwright.toml", "labels.txt", "model.onnx"] {
        let file = fs::File::options()
            .write(true)
            .open(package.join(file))
            .unwrap();
        file.set_modified(builder.modified).unwrap();
    }
    let archive = sandbox.path("work").join(builder.folder).join("out.tar");
    let shell = "umask \"$0\" && exec \"$@\"";
    let mut command = sandbox
        .command(program)
        .env("BOXWRIGHT_HOME", share)
        .args(["build", "--target", "cpu,arm64", "--output"])
        .arg(&archive)
        .arg(&package)
        .under(Path::new("/bin/sh"), ["-c", shell, builder.umask]);
    if let Some(user) = builder.user {
        let own = std::process::Command::new("chown")
            .arg("-R")
            .arg(user)
            .arg(sandbox.path(""))
            .status();
        assert!(own.unwrap().success());
        let uid = format!("--reuid={user}");
        command = command.under(
            Path::new("/usr/bin/setpriv"),
            [&uid, "--clear-groups", "--"],
        );
    }
    let set = |command: Command, (key, value): &(&str, &str)| command.env(key, value);
    let report = Report::new(
        builder
            .variables
            .iter()
            .fold(command, set)
            .run()
            .ok()
            .json(),
    );
    let bytes = fs::read(&archive).unwrap();
    (sandbox, bytes, report)
}

#[test]
fn the_same_package_gives_the_same_bytes_in_any_folder_zone_locale_umask_time_and_user() {
    // A place that another user may read, whoever owns the home folder here.
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = shared.path().join("boxwright");
    fs::copy(programs::boxwright(), &program).unwrap();
    let share = shared.path().join("share");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(programs::share())
        .arg(&share)
        .status();
    assert!(copied.unwrap().success());
    let root = rustix::process::geteuid().is_root();
    let one = Builder {
        folder: "one",
        variables: [
            ("TZ", "Asia/Kathmandu"),
            ("LC_ALL", "C"),
            ("LANGUAGE", "en"),
        ],
        umask: "0077",
        user: root.then_some("nobody"),
        modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
    };
    let other = Builder {
        folder: "a longer/name",
        variables: [
            ("TZ", "America/St_Johns"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("LANGUAGE", "tr"),
        ],
        umask: "0002",
        user: None,
        modified: SystemTime::now(),
    };
    let (_one, one, first) = build_as(&one, &program, &share);
    let (_other, other, second) = build_as(&other, &program, &share);
    assert_eq!(first.digest(), second.digest());
    assert!(
        one == other,
        "the archives differ, though their images don't"
    );
}

#[test]
fn source_date_epoch_is_the_time_of_everything() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let archive = sandbox.path("work/image.tar");
    let command = sandbox
        .boxwright(["build", "--target", "cpu", "--output"])
        .arg(&archive);
    command
        .arg(&package)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .run()
        .ok();
    let image = Archive::open(&archive).image("amd64");
    assert_eq!(image.config["created"], "2023-11-14T22:13:20Z");
    assert!(
        image.layers[3]
            .values()
            .all(|entry| entry.mtime == 1_700_000_000)
    );
}

#[test]
fn what_can_not_be_built_is_refused_in_words_before_anything_is() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let build = |args: &[&str]| {
        let command = sandbox
            .boxwright(["build", "--output", "out.tar"])
            .args(args)
            .arg(&package);
        let run = command.run();
        assert!(
            !sandbox.path("work/out.tar").exists(),
            "{args:?} left a file"
        );
        run
    };
    let docker = build(&["--target", "cpu", "--builder", "docker"]).failure("EngineUnavailable");
    assert!(docker.to_string().contains("isn't there yet"), "{docker:#}");
    for target in ["gpu", "arm64-gpu", "jetson", "cpu,gpu"] {
        let failure = build(&["--target", target]).failure("BuildFailed");
        assert!(
            failure.to_string().to_lowercase().contains("gpu") || target == "jetson",
            "{failure:#}"
        );
    }
    let unknown = build(&["--target", "toaster"]);
    assert!(
        matches!(unknown.status, Some(1 | 2)),
        "{}",
        unknown.stderr()
    );
    assert!(unknown.stderr().contains("toaster"), "{}", unknown.stderr());
    edit(&package, "layout = \"NCHW\"", "layout = \"NHWC\"");
    build(&["--target", "cpu"]).failure("PackageInvalid");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_litter() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let disk = sandbox.path("work/disk");
    fs::create_dir(&disk).unwrap();
    // A disk of four megabytes, which only this command sees; at its end, what is on it.
    let script = "mount -t tmpfs -o size=4m none \"$0\" && printf precious > \"$0/image.tar\" \
                  && \"$@\"; status=$?; echo \"on the disk: $(ls -A \"$0\") $(cat \"$0\"/*)\" >&2; exit $status";
    let command = sandbox.boxwright(["build", "--target", "cpu", "--output"]);
    let command = command.arg(disk.join("image.tar")).arg(&package);
    let shell = [
        "-Urm",
        "--",
        "/bin/sh",
        "-c",
        script,
        disk.to_str().unwrap(),
    ];
    let run = command.under(&need!(program("unshare")), shell).run();
    let failure = run.failure("DiskFull");
    assert!(
        failure["message"].as_str().unwrap().contains("image.tar"),
        "{failure:#}"
    );
    assert!(
        run.stderr().contains("on the disk: image.tar precious\n"),
        "{}",
        run.stderr()
    );
}

#[test]
fn docker_finds_its_own_manifest_in_the_archive() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let file = sandbox.path("work/image.tar");
    let command = sandbox.boxwright([
        "build",
        "--target",
        "cpu,arm64",
        "--tag",
        "example.org/colours:7",
    ]);
    command.arg("--output").arg(&file).arg(&package).run().ok();
    let archive = Archive::open(&file);
    let manifest = archive.json("manifest.json");
    assert_eq!(
        manifest[0]["RepoTags"],
        json!(["example.org/colours:7"]),
        "{manifest:#}"
    );
    let skopeo = need!(Skopeo::find());
    let seen = skopeo.inspect(&[&format!("docker-archive:{}", file.display())]);
    assert_eq!(seen["Architecture"], "amd64");
}
