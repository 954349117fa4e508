//! The window is closed by its frame, as a window manager does it: nothing is lost without a question.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::{Path, PathBuf};

use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::webdriver::Window;
use boxwright_tests::{Sandbox, need, onnx, wait};
use rustix::process::Signal;

fn colours(sandbox: &Sandbox) -> PathBuf {
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    package
}

/// Presses the cross of the frame.
#[track_caller]
fn close(window: &Window) {
    let client = window.client();
    client.close(client.window("Boxwright"));
}

/// Another version, not saved.
#[track_caller]
fn edit(window: &Window) {
    window.find("package-version").fill("2.0");
    window.find("save");
}

fn version(package: &Path) -> String {
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("version"))
        .unwrap();
    line.to_owned()
}

/// Does `what`, and waits until the program has ended.
#[track_caller]
fn ends(window: &Window, what: impl FnOnce()) {
    let client = window.client();
    let own = client.window("Boxwright");
    let process = client.process(own);
    what();
    wait::until("a display without the window", wait::START, || {
        client.named("Boxwright").is_none().then_some(())
    });
    wait::until("the end of the program", wait::START, || {
        let state = fs::read_to_string(format!("/proc/{process}/stat")).ok();
        // Z: it has ended, and the driver has not asked how.
        let ended = state.is_none_or(|state| state.rsplit(')').next().unwrap().contains('Z'));
        ended.then_some(())
    });
}

#[test]
fn without_unsaved_changes_it_closes_at_once() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    ends(&window, || close(&window));
}

#[test]
fn a_change_is_asked_about_and_cancel_keeps_the_window() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    edit(&window);
    close(&window);
    window.find("unsaved-dialog");
    window.find("unsaved-cancel").click();
    window.until(
        "no question",
        "!document.querySelector('[data-testid=unsaved-dialog]')",
    );
    assert_eq!(window.find("package-version").property("value"), "2.0");
    close(&window);
    window.find("unsaved-dialog");
    ends(&window, || window.press("unsaved-discard"));
    assert_eq!(version(&package), "version = \"1\"");
}

#[test]
fn what_is_still_being_typed_is_asked_about() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("package-version");
    // Typing that doesn't pause long enough to be sent.
    window.script(
        "const field = document.querySelector('[data-testid=package-version]');
         let minor = 0;
         setInterval(() => {
           field.value = `2.${++minor}`;
           field.dispatchEvent(new Event('input', { bubbles: true }));
         }, 20);",
    );
    window.until(
        "typing",
        "document.querySelector('[data-testid=package-version]').value.startsWith('2.')",
    );
    close(&window);
    ends(&window, || window.press("unsaved-save"));
    let version = version(&package);
    assert!(version.starts_with("version = \"2."), "{version}");
}

#[test]
fn a_page_that_does_not_answer_holds_no_window() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    window.script("setTimeout(() => { for (;;); }, 50);");
    ends(&window, || close(&window));
}

#[test]
fn a_change_can_be_saved_on_the_way_out() {
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    edit(&window);
    close(&window);
    ends(&window, || window.press("unsaved-save"));
    assert_eq!(version(&package), "version = \"2.0\"");
}

#[test]
fn a_job_is_asked_about_and_cancelled_on_the_way_out() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = colours(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(&registry.host());
    window.find("sign-in-anonymous").click();
    // Stopped, it takes connections and answers none.
    registry.server().signal(Signal::STOP);
    window.find("publish").click();
    window.find("job-cancel");
    close(&window);
    let asked = window.find("running-job").text();
    assert!(asked.contains(&registry.reference("colours:1")), "{asked}");
    assert!(!window.shows("unsaved-save"), "nothing is to be saved");
    window.find("unsaved-cancel").click();
    let status = window.data("job", "status");
    assert_eq!(status.as_deref(), Some("running"), "the job goes on");
    close(&window);
    window.find("running-job");
    ends(&window, || window.press("unsaved-discard"));
    registry.server().signal(Signal::CONT);
    let notes = fs::read_dir(sandbox.path("config/jobs")).unwrap();
    assert_eq!(notes.count(), 0, "a cancelled job is no crashed one");
    drop(window);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    assert!(!window.shows("job"), "{}", window.text());
    let log = registry.server().log();
    assert!(!log.contains("PUT /v2/colours/manifests"), "{log}");
}
