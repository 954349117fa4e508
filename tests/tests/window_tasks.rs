//! Every task in the real window: a bare model is dropped, its results are drawn, looked at, copied,
//! published and proven, with nothing to fill in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::PathBuf;

use boxwright_tests::exported_models::{self, BOXES, CLASSES, TEXT};
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::sandbox::photo;
use boxwright_tests::webdriver::Window;
use boxwright_tests::xdnd::drop_on;
use boxwright_tests::{Sandbox, need, onnx, wait};

const PHOTOS: [&str; 3] = ["cat.jpg", "coffee.jpg", "rocket.jpg"];
/// Of the boxes, those above the threshold that the model's library has by itself.
const SHOWN: u64 = 9;

/// A task with its model, and what the window then shows.
struct Task {
    /// As the package file has it.
    name: &'static str,
    model: fn() -> Vec<u8>,
    /// What a card says.
    card: &'static str,
    /// Whether the result is drawn on the card's picture.
    drawn: bool,
    /// What is done in the large view.
    look: fn(&Window),
    /// What is in the clipboard after its result was copied.
    copied: &'static str,
}

const TASKS: [Task; 10] = [
    Task {
        name: "detection",
        model: exported_models::detection,
        card: CLASSES[1],
        drawn: true,
        look: boxes,
        copied: "bolt\t95.0 %\t",
    },
    Task {
        name: "rotated-detection",
        model: exported_models::rotated,
        card: "bolt",
        drawn: true,
        look: boxes,
        copied: "bolt\t95.0 %\t",
    },
    Task {
        name: "pose",
        model: exported_models::pose,
        card: "person",
        drawn: true,
        look: |window| says(window, "17 keypoints"),
        copied: "person\t95.0 %\t",
    },
    Task {
        name: "instance-segmentation",
        model: exported_models::instances,
        card: "nut",
        drawn: true,
        look: |window| {
            boxes(window);
            says(window, "pixels");
            window.find("opacity");
        },
        copied: "bolt\t95.0 %\t",
    },
    Task {
        name: "segmentation",
        model: exported_models::segmentation,
        card: "class 0",
        drawn: true,
        look: |window| {
            covered(window);
            let first = window.find("class-0");
            first.click();
            window.until(
                "a class that is hidden",
                "document.querySelector('[data-testid=class-0]').ariaPressed === 'false'",
            );
            first.click();
        },
        copied: "0\t",
    },
    Task {
        name: "matte",
        model: exported_models::matte,
        card: "Foreground",
        drawn: true,
        look: |window| {
            covered(window);
            window.find("ground-mask").click();
            covered(window);
        },
        copied: "iVBOR",
    },
    Task {
        name: "embedding",
        model: exported_models::embedding,
        card: "192 numbers",
        drawn: false,
        look: |window| {
            let title = "document.querySelector('[data-testid=viewer]').ariaLabel";
            assert_eq!(window.script(&format!("return {title}")), PHOTOS[0]);
            window.find("neighbour").click();
            window.until("the most like", &format!("{title} !== '{}'", PHOTOS[0]));
            assert_eq!(window.all("[data-testid=neighbour]").len(), 2);
        },
        copied: "[",
    },
    Task {
        name: "text",
        model: exported_models::text,
        card: TEXT,
        drawn: false,
        look: |window| says(window, "98.0 %"),
        copied: TEXT,
    },
    Task {
        name: "raw",
        model: exported_models::raw,
        card: "[3, 5, 5]",
        drawn: false,
        look: |window| says(window, "coarse"),
        copied: "{\"coarse\":",
    },
    Task {
        name: "classification",
        model: || onnx::mean_colour(16),
        card: "class 2",
        drawn: false,
        look: |window| says(window, "class 1"),
        copied: "%",
    },
];

#[test]
fn a_bare_model_of_every_task_is_dropped_looked_at_copied_published_and_proven() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let photos = folder_of_photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[], &[]));
    sign_in(&window, &registry.host());
    empty(&window);
    for (place, task) in TASKS.iter().enumerate() {
        let model = written(&sandbox, task.name, &(task.model)());
        // The photos stay when another model is dropped.
        match place {
            0 => drop_on(&window, &[&model, &photos]),
            _ => drop_on(&window, &[&model]),
        }
        opened(&window, task);
        look(&window, task);
        publish(&window, task, &registry.host());
    }
}

#[test]
fn a_lower_threshold_shows_more_boxes_and_a_higher_one_fewer() {
    let sandbox = Sandbox::new();
    let model = written(&sandbox, "detection", &exported_models::detection());
    let photos = folder_of_photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[&model, &photos], &[]));
    window.previewed();
    window.find("card").click();
    let slider = "field-postprocess.score_threshold-slider";
    assert_eq!(window.value(slider).as_deref(), Some("0.25"));
    boxes_are(&window, SHOWN);
    for (threshold, count) in [("0.9", 1), ("0.05", BOXES as u64), ("0.5", 6)] {
        slide(&window, slider, threshold);
        boxes_are(&window, count);
        let field =
            "document.querySelector('[data-testid=\"field-postprocess.score_threshold\"]').value";
        window.until(threshold, &format!("{field} === '{threshold}'"));
    }
    window.find("viewer-close").click();
    window.previewed();
    assert!(card(&window).contains("and 1 more class") || card(&window).matches('2').count() >= 3);
}

/// Photos under the names that they are shown by, of which one is long.
fn folder_of_photos(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("work/photos");
    fs::create_dir(&folder).unwrap();
    for name in PHOTOS {
        fs::copy(photo(name), folder.join(name)).unwrap();
    }
    folder
}

/// A folder with nothing but the model.
fn written(sandbox: &Sandbox, name: &str, model: &[u8]) -> PathBuf {
    let folder = sandbox.path("work").join(name);
    fs::create_dir(&folder).unwrap();
    let file = folder.join(format!("{name}.onnx"));
    fs::write(&file, model).unwrap();
    file
}

fn sign_in(window: &Window, host: &str) {
    window.previewed();
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(host);
    window.find("sign-in-anonymous").click();
    window.find("account");
}

/// Closes the sample that a first start shows.
fn empty(window: &Window) {
    window.find("add-menu").click();
    window.find("clear-pictures").click();
    window.find("no-pictures");
    window.find("open-menu").click();
    window.find("close-document").click();
    window.find("empty");
}

fn card(window: &Window) -> String {
    window.said_by("card").unwrap_or_default()
}

/// The model is there, as what it is, with results and nothing to mend.
#[track_caller]
fn opened(window: &Window, task: &Task) {
    wait::until(task.name, wait::LONG, || {
        let name = window.value("package-name")?;
        (name == task.name).then_some(())
    });
    window.previewed();
    let field = window.value("field-postprocess.task");
    assert_eq!(field.as_deref(), Some(task.name), "{}", window.text());
    assert!(!window.shows("problems"), "{}", window.text());
    assert_eq!(window.all("[data-testid=card]").len(), PHOTOS.len());
    assert!(!window.shows("card-error"), "{}", card(window));
    wait::until(task.card, wait::LONG, || {
        card(window).contains(task.card).then_some(())
    });
    let drawn = "(() => { const canvas = document.querySelector('[data-testid=card] canvas'); \
                 return !!canvas?.width && canvas.getContext('2d') \
                 .getImageData(0, 0, canvas.width, canvas.height).data.some((one) => one > 0); })()";
    if task.drawn {
        window.until("a result on the card's picture", drawn);
    }
}

/// The large view: the result over its picture, zoomed, and copied.
#[track_caller]
fn look(window: &Window, task: &Task) {
    window.find("card").click();
    window.until(
        "the large picture",
        "document.querySelector('[data-testid=stage] img')?.naturalWidth > 400",
    );
    (task.look)(window);
    let width = "document.querySelector('[data-testid=stage]').getBoundingClientRect().width";
    let fitted = window.script(&format!("return {width}")).as_f64().unwrap();
    window.find("zoom-in").click();
    window.until("a larger picture", &format!("{width} > {fitted} * 1.4"));
    window.find("zoom-fit").click();
    window.find("viewer-copy").click();
    wait::until("the result in the clipboard", wait::START, || {
        let copied = window.client().clipboard()?;
        copied.contains(task.copied).then_some(())
    });
    window.find("viewer-close").click();
    window.until(
        "a closed view",
        "!document.querySelector('[data-testid=viewer]')",
    );
}

/// Rows of boxes that are linked with those over the picture, and filtered by class.
#[track_caller]
fn boxes(window: &Window) {
    boxes_are(window, SHOWN);
    window.script(
        "document.querySelector('[data-testid=detection]').dispatchEvent(new Event('pointerenter'))",
    );
    window.until(
        "a box that is lit",
        "document.querySelectorAll('[data-testid=overlay] path.strong').length === 2",
    );
    window.find("class-0").click();
    boxes_are(window, SHOWN - 3);
    window.find("class-0").click();
    boxes_are(window, SHOWN);
}

#[track_caller]
fn boxes_are(window: &Window, count: u64) {
    let rows = "document.querySelectorAll('[data-testid=detection]').length";
    window.until(&format!("{count} boxes"), &format!("{rows} === {count}"));
}

/// Waits until there are pixels over the large picture.
#[track_caller]
fn covered(window: &Window) {
    window.until(
        "a mask over the picture",
        "(() => { const canvas = document.querySelector('[data-testid=overlay][data-ready=true] canvas'); \
         return !!canvas && canvas.getContext('2d') \
         .getImageData(0, 0, canvas.width, canvas.height).data.some((one) => one > 0); })()",
    );
}

#[track_caller]
fn says(window: &Window, words: &str) {
    wait::until(words, wait::LONG, || {
        window
            .said_by("viewer")
            .is_some_and(|said| said.contains(words))
            .then_some(())
    });
}

/// Drags a slider to a value.
fn slide(window: &Window, id: &str, value: &str) {
    window.script(&format!(
        "const slider = document.querySelector('[data-testid=\"{id}\"]'); slider.value = '{value}'; \
         slider.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    ));
}

/// Publishes what was dropped, and waits for the proof.
#[track_caller]
fn publish(window: &Window, task: &Task, host: &str) {
    window.find("publish").click();
    let reference = format!("{host}/{}:", task.name);
    wait::until("a published image", wait::LONG, || {
        assert!(!window.shows("publish-failure"), "{}", window.text());
        let said = window.said_by("result")?.replace('\n', "");
        said.contains(&reference).then_some(())
    });
    let status = window.data("proof-cpu", "status");
    assert_eq!(status.as_deref(), Some("proven"), "{}", window.text());
}
