//! The page at `/` in a real browser: Chromium, driven by the scripts in `tests/page`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use boxwright_model::package::InputKind;
use serde_json::{Value, json};

use crate::support::{PHOTOS, Sample, Server, photo};

/// Whether the browser and its driver are here; what is missing is said aloud.
fn browser() -> bool {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let chromium = named.unwrap_or_else(|| "/usr/bin/chromium".into());
    let driver = Path::new("../../ui/node_modules/playwright-core/package.json");
    let missing = if !chromium.is_file() {
        format!("there is no Chromium at {}", chromium.display())
    } else if Command::new("node").arg("--version").output().is_err() {
        "Node.js is not installed".to_owned()
    } else if !driver.is_file() {
        "the packages of ui/ are not installed: run `npm ci` there".to_owned()
    } else {
        return true;
    };
    // Past the test harness, which would swallow it.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: the page in a browser: {missing}"
    );
    false
}

/// Runs one of the scenarios on a server's page, and gives what it prints.
fn play(scenario: &str, server: &Server, files: &[PathBuf]) -> String {
    let output = Command::new("node")
        .arg("tests/page/scenarios.mjs")
        .args([scenario, &format!("http://127.0.0.1:{}/", server.port)])
        .args(files.iter().map(|file| std::path::absolute(file).unwrap()))
        .output()
        .unwrap();
    let (told, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{scenario}: {told}{errors}");
    told.into_owned()
}

fn photos() -> Vec<PathBuf> {
    PHOTOS.map(photo).to_vec()
}

/// Plays a scenario on a server with the sample.
fn with_sample(scenario: &str, more: &[(&str, &str)], files: &[PathBuf]) -> Option<String> {
    let sample = browser().then(Sample::find)??;
    Some(play(scenario, &Server::with(&sample, more), files))
}

#[test]
fn pictures_are_chosen_dropped_and_pasted_and_their_classes_seen() {
    let Some(sample) = browser().then(Sample::find).flatten() else {
        return;
    };
    let mut package = sample.package();
    package.package.description = "Names what is in a photo".into();
    std::fs::write(sample.package_file(), toml::to_string(&package).unwrap()).unwrap();
    play("predicts", &Server::with(&sample, &[]), &photos());
}

#[test]
fn a_broken_policy_would_be_noticed() {
    with_sample("watches", &[], &[]);
}

#[test]
fn the_page_is_used_with_the_keyboard_alone() {
    with_sample("keyboard", &[], &photos());
}

#[test]
fn a_bad_picture_says_why_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, large) = (
        folder.path().join("half.jpg"),
        folder.path().join("large.jpg"),
    );
    let cat = std::fs::read(photo("cat.jpg")).unwrap();
    std::fs::write(&broken, &cat[..cat.len() / 2]).unwrap();
    std::fs::write(&large, [cat, vec![0; 2 << 20]].concat()).unwrap();
    let files = [photo("cat.jpg"), broken, large];
    with_sample("errors", &[("MAX_BODY_MB", "1")], &files);
}

#[test]
fn what_is_added_before_the_model_is_ready_waits_and_the_reason_is_shown() {
    if browser() {
        let server = Server::start(&[("MODEL", "/nowhere")]);
        play("waits", &server, &[photo("cat.jpg")]);
    }
}

#[test]
fn a_server_that_was_gone_or_busy_gets_what_waited() {
    with_sample("recovers", &[], &photos());
}

#[test]
fn hostile_and_long_names_are_text_that_fits() {
    with_sample("labels", &[], &[photo("cat.jpg")]);
}

#[test]
fn many_pictures_go_out_in_small_requests_and_keep_their_order() {
    with_sample("many", &[], &photos());
}

#[test]
fn detections_are_boxes_over_the_picture() {
    with_sample("detects", &[], &[photo("cat.jpg")]);
}

#[test]
fn turned_boxes_and_skeletons_are_drawn_as_they_lie() {
    with_sample("turns", &[], &[photo("cat.jpg")]);
}

#[test]
fn instance_masks_cover_their_pixels() {
    with_sample("masks", &[], &[photo("cat.jpg")]);
}

#[test]
fn a_segmentation_is_a_coloured_mask_with_a_legend() {
    with_sample("segments", &[], &[photo("cat.jpg")]);
}

#[test]
fn a_matte_hides_the_background() {
    with_sample("mattes", &[], &[photo("cat.jpg")]);
}

#[test]
fn a_line_of_text_is_text() {
    with_sample("reads", &[], &[photo("cat.jpg")]);
}

#[test]
fn an_embedding_names_its_nearest_neighbours() {
    with_sample("embeds", &[], &photos());
}

#[test]
fn a_package_of_tensors_takes_npy_files() {
    let Some(sample) = browser().then(Sample::find).flatten() else {
        return;
    };
    let mut package = sample.package();
    package.input[0].kind = InputKind::Tensor;
    package.postprocess = serde_json::from_value(json!({ "task": "raw" })).unwrap();
    package.labels = None;
    std::fs::write(sample.package_file(), toml::to_string(&package).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tensor = folder.path().join("zeros.npy");
    let header = format!(
        "{:117}\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 224, 224), }"
    );
    let zeros = vec![0; 3 * 224 * 224 * 4];
    std::fs::write(
        &tensor,
        [b"\x93NUMPY\x01\0\x76\0", header.as_bytes(), &zeros].concat(),
    )
    .unwrap();
    play("tensors", &Server::with(&sample, &[]), &[tensor]);
}

#[test]
fn the_code_that_the_page_shows_for_a_shell_runs_as_it_is() {
    let Some(sample) = browser().then(Sample::find).flatten() else {
        return;
    };
    let server = Server::with(&sample, &[]);
    let told = play("snippets", &server, &[]);
    let tabs: Vec<Vec<(String, String)>> = serde_json::from_str(&told).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(photo("coffee.jpg"), folder.path().join("picture.jpg")).unwrap();
    assert_eq!(tabs[0].len(), 3, "{tabs:?}");
    for (title, code) in &tabs[0] {
        let output = Command::new("sh")
            .args(["-c", code])
            .current_dir(&folder)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{title}: {text}"));
        assert!(text.contains("espresso"), "{title}: {answer}");
    }
}
