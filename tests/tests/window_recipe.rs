//! A notebook's array is dropped on the window, its recipe is found, used, undone and published.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::{Path, PathBuf};

use boxwright_tests::registry::{Auth, Registry, Skopeo};
use boxwright_tests::sandbox::photo;
use boxwright_tests::webdriver::Window;
use boxwright_tests::xdnd::drop_on;
use boxwright_tests::{Sandbox, need, onnx, wait};

const SIDE: usize = 224;
const ESCAPE: &str = "\u{e00c}";

/// The package of a model that gives back what it is fed, with another recipe than the sample's.
fn notebook(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("work/notebook");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.onnx"), onnx::echo(SIDE as u32)).unwrap();
    let package = onnx::mean_colour_package("notebook", SIDE as u32)
        .replace("filter = \"bilinear\"", "filter = \"lanczos\"")
        .replace("mean = [0.0, 0.0, 0.0]", "mean = [123.675, 116.28, 103.53]")
        .replace(
            "std = [255.0, 255.0, 255.0]",
            "std = [58.395, 57.12, 57.375]",
        )
        .replace("task = \"classification\"", "task = \"raw\"")
        .replace(
            "output = \"scores\"\nactivation = \"none\"\ntop_k = 3\n",
            "",
        )
        .replace("[labels]\nfile = \"labels.txt\"\n", "");
    fs::write(folder.join("boxwright.toml"), package).unwrap();
    folder
}

/// What the notebook feeds its model for a photo.
fn fed(sandbox: &Sandbox, name: &str) -> Vec<f32> {
    let preview = sandbox.boxwright(["preview", "--format", "json", "--device", "cpu"]);
    let preview = preview.arg(notebook(sandbox)).arg(photo(name));
    let json = preview.run().ok().json();
    let data = json["results"][0]["outputs"]["fed"]["data"].as_array();
    let data = data.unwrap_or_else(|| panic!("{json}"));
    data.iter()
        .map(|number| number.as_f64().unwrap() as f32)
        .collect()
}

/// Saves the tensor of one photo as NumPy does.
fn save(file: &Path, numbers: &[f32]) {
    let shape = format!("(1, 3, {SIDE}, {SIDE})");
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    header = format!("{header:<width$}\n", width = length - 1);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    fs::write(file, bytes).unwrap();
}

fn photos(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("work/photos");
    fs::create_dir_all(&folder).unwrap();
    for name in ["cat.jpg", "coffee.jpg", "rocket.jpg"] {
        fs::copy(photo(name), folder.join(name)).unwrap();
    }
    folder
}

#[track_caller]
fn gone(window: &Window, id: &str) {
    let condition = format!("!document.querySelector('[data-testid={id}]')");
    window.until(&format!("a window without {id}"), &condition);
}

/// Waits until the form has this way to resize.
#[track_caller]
fn resized_by(window: &Window, way: &str) {
    wait::until(way, wait::LONG, || {
        (window.value("field-preprocess.resize")? == way).then_some(())
    });
}

/// Publishes without a password, and waits for the proof.
#[track_caller]
fn publish(window: &Window, host: &str) {
    window.find("to-registry").click();
    window.find("sign-in").click();
    window.find("sign-in-registry").fill(host);
    window.find("sign-in-anonymous").click();
    window.find("publish").click();
    window.find("result");
    assert_eq!(
        window.data("proof-cpu", "status").as_deref(),
        Some("proven")
    );
}

#[test]
fn an_array_of_a_notebook_gives_its_recipe_which_is_used_undone_and_published() {
    let registry = need!(Registry::start(Auth::Open));
    let skopeo = need!(Skopeo::find());
    let sandbox = Sandbox::new();
    let array = sandbox.path("work/cat.npy");
    save(&array, &fed(&sandbox, "cat.jpg"));
    let package = sandbox.package("cat");
    let photos = photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package, &photos], &[]));
    window.previewed();
    let before = window.said_by("card").unwrap_or_default();
    resized_by(&window, "short-side");

    // Its name names the photo among the three, so that nothing is left to choose.
    drop_on(&window, &[&array]);
    window.find("recipe-verdict");
    let text = window.find("recipe-dialog").text();
    let verdict = window.data("recipe-verdict", "verdict");
    assert_eq!(verdict.as_deref(), Some("exact"), "{text}");
    assert!(text.contains("Exact") && text.contains("cat.npy"), "{text}");
    for (field, was, found) in [
        ("resize", "short-side", "stretch"),
        ("filter", "bicubic", "lanczos"),
        ("mean", "127", "123.675"),
    ] {
        let row = window.find(&format!("recipe-change-{field}")).text();
        assert!(row.contains(was) && row.contains(found), "{row}");
    }
    window.reload();
    window.find("recipe-verdict");
    assert_eq!(
        window.data("recipe-verdict", "verdict").as_deref(),
        Some("exact"),
        "a reload forgets the answer"
    );

    window.find("recipe-use").click();
    gone(&window, "recipe-dialog");
    resized_by(&window, "stretch");
    assert_eq!(window.data("saved", "saved").as_deref(), Some("false"));
    wait::until("other scores", wait::LONG, || {
        (window.said_by("card")? != before).then_some(())
    });
    window.find("undo").click();
    resized_by(&window, "short-side");
    window.find("redo").click();
    resized_by(&window, "stretch");
    window.find("save").click();
    wait::until("a saved package", wait::LONG, || {
        (window.data("saved", "saved")? == "true").then_some(())
    });
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    assert!(text.contains("filter = \"lanczos\""), "{text}");
    assert!(text.contains("resize = \"stretch\""), "{text}");

    publish(&window, &registry.host());
    skopeo.raw(&format!(
        "docker://{}",
        registry.reference("efficientnet-lite0:0.0.1")
    ));
}

#[test]
fn an_array_that_no_recipe_makes_is_said_to_be_none_and_escape_leaves_the_package_alone() {
    let sandbox = Sandbox::new();
    let array = sandbox.path("work/noise.npy");
    // Xorshift: numbers that have nothing to do with any photo.
    let mut state = 0x2545_f491_u32;
    let noise: Vec<f32> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (f64::from(state) / f64::from(u32::MAX)) as f32
    })
    .take(3 * SIDE * SIDE)
    .collect();
    save(&array, &noise);
    let package = sandbox.package("cat");
    let photos = photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package, &photos], &[]));
    window.previewed();

    // It may be any of the three photos: the first is proposed.
    drop_on(&window, &[&array]);
    window.find("recipe-find");
    let chosen =
        "[...document.querySelectorAll('[data-testid^=recipe-photo-]:checked')].length === 1";
    window.until("a proposed photo", chosen);
    window.find("recipe-find").click();
    window.find("recipe-verdict");
    let verdict = window.data("recipe-verdict", "verdict");
    assert_eq!(verdict.as_deref(), Some("none"), "{}", window.text());
    assert!(!window.shows("recipe-use"));
    window.says("random");
    window.keys(ESCAPE);
    gone(&window, "recipe-dialog");
    assert!(!window.shows("save"), "nothing was changed");
}

#[test]
fn an_array_and_its_photo_are_dropped_together_and_a_search_is_cancelled() {
    let sandbox = Sandbox::new();
    let array = sandbox.path("work/x.npy");
    save(&array, &fed(&sandbox, "coffee.jpg"));
    let package = sandbox.package("cat");
    let window = need!(Window::open(&sandbox, &[&package], &[]));
    window.find("model-card");
    drop_on(&window, &[&array, &photo("coffee.jpg")]);
    window.find("recipe-verdict");
    let verdict = window.data("recipe-verdict", "verdict");
    assert_eq!(verdict.as_deref(), Some("exact"), "{}", window.text());
    window.find("recipe-choose").click();
    window.find("recipe-find").click();
    // A search may be over before it can be cancelled.
    if let Some(cancel) = window.all("[data-testid=recipe-cancel]").first() {
        cancel.click();
        window.find("recipe-find");
        assert!(!window.shows("recipe-verdict"));
    }
    window.find("recipe-dialog-close").click();
    gone(&window, "recipe-dialog");
    assert_eq!(window.data("grid", "count").as_deref(), Some("1"));
}

#[test]
fn the_button_asks_for_a_file_and_answers_that_are_dropped_on_its_dialog_are_searched_by() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let answers = sandbox.path("work/answers.json");
    let preview = sandbox.boxwright(["preview", "--format", "json", "--device", "cpu"]);
    let preview = preview.arg(&package).arg(photo("rocket.jpg"));
    fs::write(&answers, preview.arg(photo("cat.jpg")).run().ok().stdout).unwrap();
    let photos = photos(&sandbox);
    let window = need!(Window::open(&sandbox, &[&package, &photos], &[]));
    window.previewed();
    window.find("find-recipe").click();
    let client = window.client();
    client.close(client.window("Choose what your notebook saved"));
    let text = window.find("recipe-dialog").text();
    assert!(text.contains("np.save"), "{text}");

    // The samples' names in the file say which photos, and in which order.
    drop_on(&window, &[&answers]);
    window.find("recipe-verdict");
    let text = window.find("recipe-dialog").text();
    let verdict = window.data("recipe-verdict", "verdict");
    assert_eq!(verdict.as_deref(), Some("exact"), "{text}");
    assert!(text.contains("2 photos · answers"), "{text}");
    assert!(text.contains("has this recipe already"), "{text}");
    let order = "return [...document.querySelectorAll('[data-testid=recipe-dialog] ol img')].map((one) => one.alt).join()";
    assert_eq!(window.script(order), "rocket.jpg,cat.jpg");
}
