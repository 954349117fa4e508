//! What the window says when things go wrong, and that it goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;

use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::sandbox::{photo, photos};
use boxwright_tests::server::{free_port, signal_process};
use boxwright_tests::webdriver::Window;
use boxwright_tests::{Sandbox, need, onnx, picture, wait};
use rustix::process::Signal;

/// The code of the failure that the element with this id shows.
fn code(window: &Window, id: &str) -> Option<String> {
    window.find(id);
    window.data(id, "code")
}

#[test]
fn a_broken_picture_is_a_card_that_says_so() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let folder = sandbox.path("work/photos");
    fs::create_dir(&folder).unwrap();
    fs::copy(photo("cat.jpg"), folder.join("cat.jpg")).unwrap();
    fs::write(
        folder.join("broken.jpg"),
        &fs::read(photo("rocket.jpg")).unwrap()[..9000],
    )
    .unwrap();
    let window = need!(Window::open(&sandbox, &[&package, &folder], &[]));
    window.previewed();
    assert_eq!(window.all("[data-testid=card]").len(), 2);
    assert_eq!(window.all("[data-testid=card-error]").len(), 1);
    window.says("tiger cat");
    assert!(
        !window.shows("preview-failure"),
        "one bad picture is no failure of the preview"
    );
}

#[test]
fn what_is_no_model_is_said_where_the_model_would_be() {
    let sandbox = Sandbox::new();
    let checkpoint = sandbox.path("work/weights.pt");
    // What `torch.save` wrote before its zip files: a magic number and a version, pickled.
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    fs::write(&checkpoint, magic).unwrap();
    let window = need!(Window::open(&sandbox, &[&checkpoint], &[]));
    assert_eq!(
        code(&window, "model-failure").as_deref(),
        Some("ModelUnsupported")
    );
    window.says("torch.onnx.export");
    assert!(window.shows("copy-program"), "the program can't be copied");
}

#[test]
fn a_killed_worker_is_said_and_the_next_preview_works() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let many = sandbox.path("work/many");
    picture::multiply(&photos(), &many, 60);
    let window = need!(Window::open(&sandbox, &[&package, &many], &[]));
    let worker = wait::until("the worker", wait::LONG, || worker_of(&sandbox));
    signal_process(worker, Signal::KILL);
    assert_eq!(
        code(&window, "preview-failure").as_deref(),
        Some("WorkerLost")
    );
    window.find("failure-retry").click();
    window.previewed();
    assert_eq!(window.data("grid", "count").as_deref(), Some("300"));
    assert!(!window.shows("preview-failure"));
}

/// The worker that was started in this sandbox.
fn worker_of(sandbox: &Sandbox) -> Option<u32> {
    let own = format!("BOXWRIGHT_CACHE={}", sandbox.path("cache").display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut processes = processes
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let is_worker = |process: &Path| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        line.ends_with(b"worker\0")
            && environment
                .split(|byte| *byte == 0)
                .any(|one| one == own.as_bytes())
    };
    processes
        .find(|(_, process)| is_worker(process))
        .map(|(pid, _): (u32, _)| pid)
}

#[test]
fn a_registry_that_is_gone_is_said_and_another_try_works_once_it_is_back() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    let port = free_port();
    window.find("to-registry").click();
    window.find("sign-in").click();
    window
        .find("sign-in-registry")
        .fill(&format!("127.0.0.1:{port}"));
    window.find("sign-in-anonymous").click();
    window.find("publish").click();
    assert_eq!(
        code(&window, "publish-failure").as_deref(),
        Some("RegistryUnreachable")
    );
    let registry = need!(Registry::start_at(port, Auth::Open));
    window.find("job-retry").click();
    window.find("result");
    assert!(registry.server().log().contains("colours"));
}

#[test]
fn a_tag_that_is_taken_is_asked_about() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let to = registry.reference("colours:1");
    sandbox
        .boxwright(["publish", "--target", "cpu", "--to", &to])
        .arg(&package)
        .run()
        .ok();
    fs::write(package.join("labels.txt"), "rouge\nvert\nbleu\n").unwrap();
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(&registry.host());
    window.find("sign-in-anonymous").click();
    window.find("publish").click();
    assert_eq!(
        code(&window, "publish-failure").as_deref(),
        Some("TagExists")
    );
    let said = window.find("publish-failure").text();
    assert!(said.contains("Publish it as 2,"), "{said}");
    let next = window.find("next-version");
    assert_eq!(next.text(), "Publish as 2");
    next.click();
    window.find("result");
    assert_eq!(window.find("tag").property("value"), "2");
}

#[test]
fn hostile_labels_and_file_names_are_shown_as_text() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    let label = "<img src=x onerror=\"document.title='owned'\">";
    onnx::write_mean_colour(
        &package,
        "colours",
        [label, "{{7*7}}", "javascript:alert(1)"],
    );
    let folder = sandbox.path("work/pictures");
    fs::create_dir(&folder).unwrap();
    let name = "<svg onload=document.title='owned'>.bmp";
    fs::write(folder.join(name), picture::bmp(20, 20, [255, 0, 0])).unwrap();
    let window = need!(Window::open(&sandbox, &[&package, &folder], &[]));
    window.previewed();
    window.says(label);
    window.says(name);
    assert_ne!(window.script("return document.title"), "owned");
    let injected = "return document.querySelectorAll('img[src=x], svg[onload], [onerror]').length";
    assert_eq!(window.script(injected), 0);
    nothing_is_fetched_from_elsewhere(&window, &registry.host());
    assert!(
        !registry.server().log().contains("GET /v2/"),
        "{}",
        registry.server().log()
    );
    let inserted = "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; \
                    document.body.append(s); return window.owned ?? 'refused'";
    assert_eq!(
        window.script(inserted),
        "refused",
        "the page runs scripts that are written into it"
    );
}

/// A server that answers everybody is not reached by scripts or pictures of the page.
fn nothing_is_fetched_from_elsewhere(window: &Window, host: &str) {
    let fetched = window.script_async(&format!(
        "const done = arguments[arguments.length - 1]; \
         const picture = new Image(); picture.src = 'http://{host}/v2/'; \
         fetch('http://{host}/v2/', {{ mode: 'no-cors' }}).then(() => done('fetched'), () => done('refused'))",
    ));
    assert_eq!(fetched, "refused", "the page may fetch from {host}");
}

#[test]
fn a_publish_can_be_cancelled_and_tried_again() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(&registry.host());
    window.find("sign-in-anonymous").click();
    // Stopped, it takes connections and answers none.
    registry.server().signal(Signal::STOP);
    window.find("publish").click();
    window.find("job-cancel").click();
    let cancelled = "document.querySelector('[data-testid=job][data-status=cancelled]') !== null";
    window.until("a cancelled job", cancelled);
    assert!(!window.shows("result"));
    registry.server().signal(Signal::CONT);
    window.find("publish").click();
    window.find("result");
}
