//! The pipeline in the window: presets, its Python, and what the files of the pictures say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use boxwright_tests::webdriver::Window;
use boxwright_tests::{Sandbox, need, onnx, picture, wait};

/// Chooses an option of a list.
fn choose(window: &Window, id: &str, value: &str) {
    window.script(&format!(
        "const list = document.querySelector('[data-testid=\"{id}\"]'); list.value = '{value}'; \
         list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    ));
}

/// Waits until what an element says has, or has not, these words in it.
#[track_caller]
fn until_says(window: &Window, id: &str, words: &str, there: bool) {
    wait::until(words, wait::LONG, || {
        let said = window.said_by(id)?;
        (said.contains(words) == there).then_some(())
    });
}

#[test]
fn a_preset_fills_the_pipeline_its_python_is_copied_and_undo_takes_it_back() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let folder = sandbox.path("work/pictures");
    picture::write_many(&folder, 3);
    let window = need!(Window::open(&sandbox, &[&package, &folder], &[]));
    window.previewed();
    let before = window.value("field-preset");

    choose(&window, "field-preset", "opencv-imagenet");
    until_says(&window, "chips", "unchanged photo by OpenCV", true);
    window.previewed();
    assert_eq!(
        window.value("field-preset").as_deref(),
        Some("opencv-imagenet")
    );
    let digits = window.value("field-postprocess.score_digits");
    assert_eq!(digits.as_deref(), Some("3"));

    window.find("copy-python").click();
    wait::until("the program in the clipboard", wait::START, || {
        let copied = window.client().clipboard()?;
        (copied.contains("def preprocess") && copied.contains("cv2.resize")).then_some(())
    });

    window.find("card").click();
    until_says(&window, "viewer-details", "BMP, 8 bits, RGB", true);
    window.find("viewer-close").click();

    window.find("undo").click();
    until_says(&window, "chips", "unchanged photo by OpenCV", false);
    assert_eq!(window.value("field-preset"), before);
}
