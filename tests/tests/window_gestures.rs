//! What is done to the window from outside its page: files are dropped on it by another program, its
//! text is pasted into one, a dialog of the system is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;

use boxwright_tests::image::sha256;
use boxwright_tests::registry::{Auth, Registry, Skopeo};
use boxwright_tests::sandbox::photo;
use boxwright_tests::webdriver::Window;
use boxwright_tests::x11::{CONTROL, RETURN};
use boxwright_tests::xdnd::{Drag, drop_on, middle};
use boxwright_tests::{Sandbox, need, onnx, picture, wait};
use serde_json::Value;

/// What `torch.save` wrote before its zip files: a magic number and a version, pickled.
const CHECKPOINT: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";

/// A window without a package and without pictures: the sample is closed again.
fn empty(sandbox: &Sandbox) -> Result<Window, boxwright_tests::Missing> {
    let window = Window::open(sandbox, &[], &[])?;
    window.previewed();
    window.find("add-menu").click();
    window.find("clear-pictures").click();
    window.find("no-pictures");
    window.find("open-menu").click();
    window.find("close-document").click();
    window.find("empty");
    Ok(window)
}

#[test]
fn a_model_pictures_and_labels_are_dropped_one_after_the_other() {
    let sandbox = Sandbox::new();
    // A name that a list of addresses has to escape.
    let folder = sandbox.path("work/a model & 100% déjà vu");
    fs::create_dir(&folder).unwrap();
    let model = folder.join("colours #1.onnx");
    fs::write(&model, onnx::mean_colour(16)).unwrap();
    let window = need!(empty(&sandbox));
    drop_on(&window, &[&model]);
    window.says("colours #1.onnx");
    let card = window.find("model-card").text();
    assert!(card.contains("images") && card.contains("scores"), "{card}");

    let pictures = sandbox.path("work/photos");
    fs::create_dir(&pictures).unwrap();
    for name in ["cat.jpg", "rocket.jpg"] {
        fs::copy(photo(name), pictures.join(name)).unwrap();
    }
    fs::write(pictures.join("red.bmp"), picture::bmp(20, 20, [255, 0, 0])).unwrap();
    drop_on(&window, &[&pictures]);
    window.until(
        "three pictures",
        "document.querySelector('[data-testid=grid]')?.dataset.count === '3'",
    );
    window.previewed();
    window.says("cat.jpg");
    let shown = "[...document.querySelectorAll('[data-testid=card] img')].filter((one) => one.naturalWidth > 0).length === 3";
    window.until("the pictures on the cards", shown);

    let labels = sandbox.path("work/labels.txt");
    fs::write(&labels, "rouge\nvert\nbleu\n").unwrap();
    drop_on(&window, &[&labels]);
    window.says("rouge");
    let own = fs::read_to_string(folder.join("labels.txt")).unwrap();
    assert_eq!(own, "rouge\nvert\nbleu\n", "the package has the labels");
}

#[test]
fn a_checkpoint_that_is_dropped_is_refused_with_the_program_that_exports_it() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let checkpoint = sandbox.path("work/weights.pt");
    fs::write(&checkpoint, CHECKPOINT).unwrap();
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    drop_on(&window, &[&checkpoint]);
    window.find("model-failure");
    let code = window.data("model-failure", "code");
    assert_eq!(code.as_deref(), Some("ModelUnsupported"));
    window.says("torch.onnx.export");
    assert_eq!(window.find("package-name").property("value"), "colours");
    window.find("copy-program").click();
    let program = window.css("[data-testid=model-failure] pre").text();
    assert_eq!(pasted(&window, "copy-program"), program);
    assert!(program.contains("torch.onnx.export("), "{program}");
}

#[test]
fn the_window_says_where_files_may_be_dropped_while_they_hang_over_it() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let labels = sandbox.path("work/labels.txt");
    fs::write(&labels, "rouge\nvert\nbleu\n").unwrap();
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    let client = window.client();
    let drag = Drag::enter(&client, middle(&client), &[&labels]);
    drag.welcome();
    window.find("drop-zones");
    drag.leave();
    window.until(
        "a window without drop zones",
        "!document.querySelector('[data-testid=drop-zones]')",
    );
    assert!(!window.shows("save"), "nothing was dropped");
    // Gone, it can come back.
    drop_on(&window, &[&labels]);
    window.find("save");
    assert!(!window.shows("drop-zones"));
}

#[test]
fn what_is_copied_is_in_the_clipboard_for_other_programs() {
    let registry = need!(Registry::start(Auth::Open));
    let skopeo = need!(Skopeo::find());
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(&registry.host());
    window.find("sign-in-anonymous").click();
    window.find("publish").click();
    window.find("result");
    let reference = registry.reference("colours:1");
    let digest = sha256(&skopeo.raw(&format!("docker://{reference}")));

    window.find("copy-digest").click();
    assert_eq!(pasted(&window, "copy-digest"), digest);
    window.find("copy-reference").click();
    assert_eq!(pasted(&window, "copy-reference"), reference);
    window.find("copy-run").click();
    let line = pasted(&window, "copy-run");
    assert!(line.starts_with("docker run "), "{line}");
    let named = format!("{}@{digest}", registry.reference("colours"));
    assert!(line.contains(&named) || line.contains(&reference), "{line}");
    assert_eq!(line, window.css("[data-testid=result] code").text());
}

/// The clipboard's text, once the button with this `data-testid` says that it is there.
#[track_caller]
fn pasted(window: &Window, button: &str) -> String {
    window.until(
        "a text that is copied",
        &format!("document.querySelector('[data-testid={button}]')?.dataset.copied === 'true'"),
    );
    window
        .client()
        .clipboard()
        .expect("a text in the clipboard")
}

#[test]
fn an_archive_is_built_into_the_file_that_the_dialog_names() {
    let skopeo = need!(Skopeo::find());
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let red = sandbox.path("work/red.bmp");
    fs::write(&red, picture::bmp(20, 20, [255, 0, 0])).unwrap();
    let folder = sandbox.path("work/archives");
    fs::create_dir(&folder).unwrap();
    let window = need!(Window::open(&sandbox, &[&package, &red], &[]));
    window.previewed();
    let client = window.client();
    window.find("publish").click();
    let dialog = client.window("Save the archive");
    client.focus(dialog);
    client.press(&[CONTROL, 'a'.into()]);
    let file = folder.join("chosen.tar");
    client.kind(file.to_str().unwrap());
    client.press(&[RETURN]);
    let result = window.find("result").text();
    assert!(result.contains("Archive written"), "{result}");
    assert!(result.contains("chosen.tar"), "{result}");
    let raw = skopeo.raw(&format!("oci-archive:{}", file.display()));
    let index: Value = serde_json::from_slice(&raw).unwrap();
    assert!(index["mediaType"].is_string(), "{index}");
    window.find("copy-digest").click();
    assert_eq!(pasted(&window, "copy-digest"), sha256(&raw));

    // The next file is proposed where the last one went.
    window.find("export").click();
    window.find("export-json").click();
    let dialog = client.window("Save the predictions");
    client.focus(dialog);
    client.press(&[RETURN]);
    let exported = wait::until("the exported predictions", wait::LONG, || {
        let mut files = fs::read_dir(&folder).unwrap().flatten();
        files.find(|entry| entry.path() != file)
    });
    let name = exported.file_name().into_string().unwrap();
    assert!(name.starts_with("colours-predictions."), "{name}");
}
