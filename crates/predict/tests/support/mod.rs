//! What the tests share: the library, and the sample package.

#![allow(dead_code, reason = "every test takes a part")]

use std::path::PathBuf;

use boxwright_model::LoadedPackage;
use boxwright_model::package::{
    Crop, FORMAT, Filter, Identity, ImageDtype, Input, InputKind, Layout, ModelFile, ModelFiles,
    Package, Postprocess, Preprocess, Resize, Task,
};
use boxwright_predict::{Options, Predictor};

/// ONNX Runtime's library: `BOXWRIGHT_ONNXRUNTIME`, else in the share folder. Where there is
/// none, the test is left out, and says so.
pub fn library() -> Option<PathBuf> {
    let share = std::env::var_os("BOXWRIGHT_HOME")
        .map_or_else(|| repository().join("dist/share/boxwright"), PathBuf::from);
    let library = std::env::var_os("BOXWRIGHT_ONNXRUNTIME")
        .map_or_else(|| share.join("lib/libonnxruntime.so"), PathBuf::from);
    if library.is_file() {
        return Some(library);
    }
    println!(
        "SKIPPED: {} is missing; `cargo xtask dist` makes it, BOXWRIGHT_ONNXRUNTIME names another",
        library.display()
    );
    None
}

pub fn repository() -> PathBuf {
    std::fs::canonicalize("../..").unwrap()
}

pub fn sample_folder() -> PathBuf {
    repository().join("samples/efficientnet-lite0")
}

/// The sample's photos, by name.
pub fn photos() -> Vec<PathBuf> {
    let folder = sample_folder().join("images");
    let mut photos: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    photos.sort();
    photos
}

/// The sample package, as its reference was made.
pub fn sample() -> LoadedPackage {
    let folder = sample_folder();
    let model = boxwright_model::inspect(&folder.join("model.onnx")).unwrap();
    let text = std::fs::read_to_string(folder.join("labels.txt")).unwrap();
    let package = Package {
        format: FORMAT,
        package: Identity {
            name: "efficientnet-lite0".into(),
            version: "1".into(),
            description: String::new(),
        },
        model: ModelFiles {
            files: vec![ModelFile {
                path: "model.onnx".into(),
                sha256: None,
            }],
        },
        input: vec![Input {
            name: model.summary.signature.inputs[0].name.clone(),
            kind: InputKind::Image,
            layout: Layout::Nchw,
            dtype: ImageDtype::F32,
            width: Some(224),
            height: Some(224),
            stride: None,
            stride_rounding: Default::default(),
            value: Vec::new(),
            order: Default::default(),
        }],
        preprocess: Preprocess {
            resize: Resize::ShortSide,
            size: Some(256),
            filter: Filter::Bicubic,
            crop: Crop::Center,
            mean: vec![127.0],
            std: vec![128.0],
            ..Preprocess::default()
        },
        postprocess: Postprocess::new(Task::Classification),
        labels: None,
        batch: Default::default(),
        resources: Default::default(),
    };
    LoadedPackage {
        package,
        files: vec![folder.join("model.onnx")],
        root: folder,
        labels: Some(text.lines().map(str::to_owned).collect()),
    }
}

pub fn load(library: PathBuf) -> Predictor {
    Predictor::load(sample(), &Options::new(library)).unwrap()
}
