//! Editing, on the sample's files.

use std::fs;
use std::path::PathBuf;

use super::*;

fn sample() -> PathBuf {
    std::fs::canonicalize("../../samples/efficientnet-lite0").unwrap()
}

fn open() -> (tempfile::TempDir, OpenDocument) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.onnx", "labels.txt"] {
        fs::copy(sample().join(name), folder.path().join(name)).unwrap();
    }
    let model = folder.path().join("model.onnx");
    let (loaded, model, guesses) = boxwright_model::package::open_any(&model).unwrap();
    (folder, OpenDocument::new(loaded, model, guesses, 1))
}

fn with_mean(document: &OpenDocument, mean: f64) -> boxwright_model::Package {
    let mut package = document.package().clone();
    package.preprocess.mean = vec![mean; 3];
    package
}

#[test]
fn quick_edits_of_one_field_are_one_step_and_of_another_are_not() {
    let (_folder, mut document) = open();
    let start = document.package().clone();
    for mean in [1.0, 2.0, 3.0] {
        document
            .edit(document.revision(), with_mean(&document, mean))
            .unwrap();
    }
    let mut other = document.package().clone();
    other.package.description = "cats".into();
    document.edit(document.revision(), other).unwrap();
    document.undo();
    assert_eq!(document.package().preprocess.mean, [3.0; 3]);
    document.undo();
    assert_eq!(*document.package(), start);
    assert!(!document.snapshot().can_undo);
    document.redo();
    document.redo();
    assert_eq!(document.package().package.description, "cats");
    document.revert();
    assert_eq!(*document.package(), start);
    document.undo();
    assert_eq!(document.package().package.description, "cats");
}

#[test]
fn a_preset_is_one_step_that_covers_the_whole_package_and_can_be_undone() {
    let (_folder, mut document) = open();
    let start = document.package().clone();
    assert_eq!(
        document.snapshot().preset.as_deref(),
        Some("efficientnet-lite")
    );
    document.apply_preset(Preset::OpenCvImagenet).unwrap();
    let made = document.snapshot();
    assert_eq!(made.preset.as_deref(), Some("opencv-imagenet"));
    assert_eq!(made.problems, []);
    assert_eq!(made.package.postprocess.score_digits, Some(3));
    document.apply_preset(Preset::OpenCvImagenet).unwrap();
    assert_eq!(
        document.revision(),
        made.revision,
        "the same again is no edit"
    );
    document
        .edit(document.revision(), with_mean(&document, 1.0))
        .unwrap();
    assert_eq!(document.snapshot().preset, None);
    document.undo();
    assert_eq!(
        document.snapshot().preset.as_deref(),
        Some("opencv-imagenet")
    );
    document.undo();
    assert_eq!(*document.package(), start);
}

#[test]
fn a_guess_that_is_changed_is_a_choice() {
    let (_folder, mut document) = open();
    let guessed = |document: &OpenDocument| {
        document
            .snapshot()
            .guesses
            .iter()
            .any(|guess| guess.field == "preprocess.mean")
    };
    assert!(guessed(&document));
    document
        .edit(document.revision(), with_mean(&document, 1.0))
        .unwrap();
    assert!(!guessed(&document));
    document.undo();
    assert!(guessed(&document));
}

#[test]
fn the_page_can_not_make_a_package_of_other_files() {
    let (folder, mut document) = open();
    let mut package = document.package().clone();
    package.model.files[0].path = "../secret".into();
    assert!(document.edit(document.revision(), package).is_err());
    fs::write(folder.path().with_extension("txt"), "secret").unwrap();
    let mut package = document.package().clone();
    let outside = folder.path().with_extension("txt");
    let name = format!("../{}", outside.file_name().unwrap().to_str().unwrap());
    package.labels = Some(boxwright_model::package::Labels { file: name });
    document.edit(document.revision(), package).unwrap();
    assert_eq!(document.snapshot().problems[0].field, "labels.file");
    assert!(document.loaded().is_err());
    assert!(
        document
            .snapshot()
            .labels
            .is_none_or(|labels| labels.first[0] != "secret")
    );
    fs::remove_file(outside).unwrap();
}

#[test]
fn a_model_that_was_exported_again_is_read_anew_and_can_be_saved() {
    let (folder, mut document) = open();
    let saved = document.loaded().unwrap();
    saved.save().unwrap();
    let saved = LoadedPackage::open(folder.path()).unwrap();
    document.saved(saved.package);
    assert!(!document.snapshot().dirty);
    let model = folder.path().join("model.onnx");
    let mut bytes = fs::read(&model).unwrap();
    // Another producer's name: a field that comes twice has its last value.
    bytes.extend([0x12, 4]);
    bytes.extend(b"anew");
    fs::write(&model, bytes).unwrap();
    document.check();
    let now = document.snapshot();
    assert!(now.model.producer.starts_with("anew"), "{now:?}");
    assert!(now.dirty && !document.is_edited());
    document.loaded().unwrap().save().unwrap();
    let again = LoadedPackage::open(folder.path()).unwrap();
    let hash = |package: &Package| package.model.files[0].sha256.clone();
    assert_ne!(hash(&again.package), hash(document.package()));
    document.saved(again.package);
    assert!(!document.snapshot().dirty);
}

#[test]
fn a_missing_model_is_a_problem_of_the_model_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let (model, labels) = (
        folder.path().join("labels.onnx"),
        folder.path().join("labels.txt"),
    );
    fs::copy(sample().join("model.onnx"), &model).unwrap();
    fs::copy(sample().join("labels.txt"), &labels).unwrap();
    let (loaded, read, guesses) = boxwright_model::package::open_any(&model).unwrap();
    let mut document = OpenDocument::new(loaded, read, guesses, 1);
    let field = |document: &mut OpenDocument| {
        document.check();
        document.snapshot().problems[0].field.clone()
    };
    fs::rename(&model, folder.path().join("gone")).unwrap();
    assert_eq!(field(&mut document), "model.files.0.path");
    fs::rename(folder.path().join("gone"), &model).unwrap();
    fs::write(labels, "a\n\nb\n").unwrap();
    assert_eq!(field(&mut document), "labels.file");
}
