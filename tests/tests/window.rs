//! The main job in the real window: open, preview, edit, publish with a password, prove.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]
#![allow(clippy::too_many_lines, reason = "a journey is told in one piece")]

use std::fs;
use std::path::PathBuf;

use boxwright_tests::image::sha256;
use boxwright_tests::registry::{Auth, Registry, Skopeo};
use boxwright_tests::sandbox::photo;
use boxwright_tests::webdriver::Window;
use boxwright_tests::{Sandbox, binfmt, need, onnx, picture, wait};
use walkdir::WalkDir;

const USER: &str = "ann";
const PASSWORD: &str = "pass-word-of-the-window-test";

/// A folder with two of the sample's photos.
fn two_photos(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("work/photos");
    fs::create_dir(&folder).unwrap();
    for name in ["cat.jpg", "rocket.jpg"] {
        fs::copy(photo(name), folder.join(name)).unwrap();
    }
    folder
}

fn first_card(window: &Window) -> String {
    window.said_by("card").unwrap_or_default()
}

#[test]
fn open_preview_edit_publish_with_a_password_and_prove() {
    let registry = need!(Registry::start(Auth::Basic(USER, PASSWORD)));
    let skopeo = need!(Skopeo::find()).signed_in(USER, PASSWORD);
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let photos = two_photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package, &photos], &[]));
    window.previewed();
    assert_eq!(window.data("grid", "count").as_deref(), Some("2"));
    assert!(
        first_card(&window).contains("tiger cat"),
        "{}",
        first_card(&window)
    );
    assert_eq!(window.data("device", "kind").as_deref(), Some("cpu"));
    let picture = "document.querySelector('[data-testid=card] img')?.naturalWidth > 0";
    window.until("the picture on the card", picture);
    window.find("card").click();
    let large = "document.querySelector('[data-testid=viewer] img')?.naturalWidth > 400";
    window.until("the large picture", large);
    window.find("viewer-close").click();

    edit_the_mean(&window, &package);
    sign_in(&window, &registry.host());
    tick(&window, "arm64");
    let both = binfmt::arm64().is_ok();
    if !both {
        // Without emulation the proof of ARM is `not-run`; its image is built all the same.
        eprintln!("arm64 programs don't run here: the proof of ARM is expected not to run");
    }
    window.find("publish").click();
    let digest = window.until(
        "a published image",
        "document.querySelector('[data-testid=result] [data-digest]')?.dataset.digest",
    );
    for (target, status) in [
        ("cpu", "proven"),
        ("arm64", if both { "proven" } else { "not-run" }),
    ] {
        assert_eq!(
            window.data(&format!("proof-{target}"), "status").as_deref(),
            Some(status),
            "{}",
            window.text()
        );
    }
    let image = format!(
        "docker://{}",
        registry.reference("efficientnet-lite0:0.0.1")
    );
    assert_eq!(sha256(&skopeo.raw(&image)), digest.as_str().unwrap());
    let written = WalkDir::new(sandbox.path("")).into_iter().flatten();
    for file in written.filter(|entry| entry.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap_or_default();
        let told = bytes
            .windows(PASSWORD.len())
            .any(|part| part == PASSWORD.as_bytes());
        assert!(!told, "the password is in {}", file.path().display());
    }
    window.reload();
    window.previewed();
    assert!(
        first_card(&window).contains("tiger cat"),
        "a reload forgets what was there"
    );
    window.says(&digest.as_str().unwrap()["sha256:".len()..][..8]);
}

/// Another mean gives other scores at once; undo takes it back; save writes the file.
fn edit_the_mean(window: &Window, package: &std::path::Path) {
    let before = first_card(window);
    window.find("field-preprocess.mean").fill("90 127 127");
    wait::until("other scores", wait::LONG, || {
        (first_card(window) != before).then_some(())
    });
    window.previewed();
    let saved = || window.data("saved", "saved");
    assert_eq!(saved().as_deref(), Some("false"));
    assert!(
        !fs::read_to_string(package.join("boxwright.toml"))
            .unwrap()
            .contains("90")
    );
    // Slow typing is several steps.
    let step = |name: &str| {
        let button = window.find(name);
        let there = button.property("disabled") != true;
        if there {
            button.click();
        }
        there
    };
    let back = wait::maybe(wait::LONG, || {
        (first_card(window) == before || !step("undo")).then_some(())
    });
    back.expect("a preview after undo");
    wait::until("the first scores", wait::LONG, || {
        (first_card(window) == before).then_some(())
    });
    wait::until("all steps again", wait::LONG, || {
        (!step("redo")).then_some(())
    });
    wait::until("the new scores again", wait::LONG, || {
        (first_card(window) != before).then_some(())
    });
    window.find("save").click();
    wait::until("a saved package", wait::LONG, || {
        (saved().as_deref() == Some("true")).then_some(())
    });
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    assert!(text.contains("mean = [90.0, 127.0, 127.0]"), "{text}");
    window.previewed();
}

fn tick(window: &Window, target: &str) {
    let box_of = || window.find(&format!("target-{target}"));
    if box_of().property("checked") != true {
        box_of().click();
    }
    wait::until("a ticked box", wait::START, || {
        (box_of().property("checked") == true).then_some(())
    });
}

/// A wrong password is refused before the dialog closes; the right one closes it.
fn sign_in(window: &Window, host: &str) {
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(host);
    window.find("sign-in-user").fill(USER);
    window.find("sign-in-password").fill("wrong");
    window.find("sign-in-keep-session").click();
    window.find("sign-in-submit").click();
    window.find("sign-in-failure");
    let refused = window.data("sign-in-failure", "code");
    assert_eq!(refused.as_deref(), Some("RegistryUnauthorized"));
    assert!(window.shows("sign-in-dialog"));
    window.find("sign-in-password").fill(PASSWORD);
    window.find("sign-in-submit").click();
    window.until(
        "a closed dialog",
        "!document.querySelector('[data-testid=sign-in-dialog]')",
    );
    assert!(
        window.find("account").text().contains(host),
        "{}",
        window.text()
    );
}

#[test]
fn what_was_saved_is_found_again_among_the_recent_packages() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("package-version").fill("2.0");
    wait::until("an unsaved change", wait::LONG, || {
        window.shows("save").then_some(())
    });
    window.find("save").click();
    wait::until("a saved package", wait::LONG, || {
        (!window.shows("save")).then_some(())
    });
    drop(window);
    assert!(
        fs::read_to_string(package.join("boxwright.toml"))
            .unwrap()
            .contains("\"2.0\"")
    );
    let window = need!(Window::open(&sandbox, &[], &[]));
    wait::until("the last package", wait::LONG, || {
        (window.value("package-name")? == "colours").then_some(())
    });
    assert_eq!(window.find("package-version").property("value"), "2.0");
}

#[test]
fn unsaved_changes_are_asked_about_before_another_package_is_opened() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("package-version").fill("2.0");
    wait::until("an unsaved change", wait::LONG, || {
        window.shows("save").then_some(())
    });
    let open_sample = || {
        window.find("open-menu").click();
        window.find("open-sample").click();
        window.find("unsaved-dialog");
    };
    open_sample();
    window.find("unsaved-cancel").click();
    assert_eq!(window.find("package-name").property("value"), "colours");
    open_sample();
    window.find("unsaved-discard").click();
    wait::until("the sample", wait::LONG, || {
        (window.value("package-name")? != "colours").then_some(())
    });
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    assert!(text.contains("version = \"1\""), "{text}");
}

#[test]
fn a_first_start_shows_the_sample_with_its_predictions() {
    let sandbox = Sandbox::new();
    let window = need!(Window::open(&sandbox, &[], &[]));
    window.previewed();
    assert_eq!(window.data("grid", "count").as_deref(), Some("5"));
    window.says("tiger cat");
}

#[test]
fn labels_that_are_dropped_later_are_used() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/bare");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("model.onnx"), onnx::mean_colour(16)).unwrap();
    let labels = folder.join("labels.txt");
    fs::write(&labels, "rouge\nvert\nbleu\n").unwrap();
    let red = folder.join("red.bmp");
    fs::write(&red, picture::bmp(20, 20, [255, 0, 0])).unwrap();
    let model = folder.join("model.onnx");
    let window = need!(Window::open(&sandbox, &[&model, &labels, &red], &[]));
    window.previewed();
    window.says("rouge");
}
