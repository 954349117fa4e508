use std::path::Path;

use boxwright_onnx_writer::Message;
use proptest::prelude::*;

use super::pickle::begins_like_pickle;
use super::source::Source;
use super::zip;
use crate::testing::{classifier, model};
use crate::{Error, inspect};

/// A zip archive of empty files.
fn archive(names: &[&str]) -> Vec<u8> {
    archive_with(names, b"")
}

/// A zip archive of files with the same content.
fn archive_with(names: &[&str], content: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for name in names {
        let offset = (bytes.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&[0; 22]);
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&[0; 24]);
        directory.extend_from_slice(&length);
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&offset);
        directory.extend_from_slice(name.as_bytes());
    }
    let offset = (bytes.len() as u32).to_le_bytes();
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[(names.len() as u16).to_le_bytes(); 2].concat());
    bytes.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&offset);
    bytes.extend_from_slice(&[0; 2]);
    bytes
}

fn safetensors(header: &str) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &[0; 16],
    ]
    .concat()
}

/// What a file is, and the hint.
fn recognised(folder: &Path, name: &str, bytes: &[u8]) -> (String, String) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    match inspect(&path) {
        Err(Error::Unsupported { what, hint, .. }) => (what, hint),
        Err(error) => (
            error.to_string().replace(&*folder.to_string_lossy(), "DIR"),
            String::new(),
        ),
        Ok(model) => (model.summary.format, String::new()),
    }
}

#[test]
fn an_export_never_writes_over_the_file_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let pickle = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.";
    for (name, to) in [
        ("model.pkl", "\"model.onnx\""),
        ("model.onnx", "\"model-exported.onnx\""),
        ("model.ONNX", "\"model-exported.onnx\""),
    ] {
        let (_, hint) = recognised(folder.path(), name, pickle);
        assert!(hint.contains(to), "{name}: {hint}");
        assert!(
            !hint.contains(&format!("open(\"{name}\"")),
            "{name}: {hint}"
        );
    }
}

#[test]
fn formats_are_told_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |offset: usize, mark: &[u8]| [&vec![0; offset][..], mark, &[0; 100]].concat();
    let core_ml = Message::new()
        .number(1, 8)
        .bytes(2, "\n\u{1}\u{0}")
        .message(502, Message::new());
    let frozen = Message::new().message(1, Message::new().bytes(1, "x").bytes(2, "Placeholder"));
    let frozen = frozen.message(4, Message::new().number(1, 1882));
    let ultralytics = archive_with(
        &["best/data.pkl"],
        b"\x80\x02cultralytics.nn.tasks\nClassificationModel\n",
    );
    // pickle.dumps([Model()], protocol) for a class of the main module.
    let pickle0 = b"(lp0\nccopy_reg\n_reconstructor\np1\n(c__main__\nModel\np2\nc__builtin__\nobject\np3\nNtp4\nRp5\na.";
    let pickle1 = b"]q\x00ccopy_reg\n_reconstructor\nq\x01(c__main__\nModel\nq\x02c__builtin__\nobject\nq\x03Ntq\x04Rq\x05a.";
    let pickle2 = b"\x80\x02]q\x00c__main__\nModel\nq\x01)\x81q\x02a.";
    let pickle5 = b"\x80\x05\x95\x1c\x00\x00\x00\x00\x00\x00\x00]\x94\x8c\x08__main__\x94\x8c\x05Model\x94\x93\x94)\x81\x94a.";
    for (bytes, what, line) in [
        (
            archive(&["m/data.pkl", "m/data/0", "m/version"]),
            "a PyTorch checkpoint",
            "torch.load(\"m.bin\", map_location=\"cpu\", weights_only=True)",
        ),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec(),
            "a PyTorch checkpoint (legacy format)",
            "dynamo=True",
        ),
        (
            archive(&["m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"]),
            "a TorchScript model",
            "torch.jit.load(\"m.bin\"",
        ),
        (
            archive(&["m/bytecode.pkl", "m/data.pkl"]),
            "a PyTorch Mobile model",
            "torch.onnx.export(model, (example,), \"m.onnx\"",
        ),
        (
            archive(&["m/archive_format", "m/models/model.json"]),
            "a PyTorch exported program",
            "torch.export.load(\"m.bin\")",
        ),
        (
            ultralytics,
            "an Ultralytics YOLO checkpoint",
            "YOLO(\"m.bin\").export(format=\"onnx\", dynamic=True)",
        ),
        (
            pickle0.to_vec(),
            "a Python pickle",
            "joblib.load(\"m.bin\")",
        ),
        (pickle1.to_vec(), "a Python pickle", "to_onnx(model"),
        (pickle2.to_vec(), "a Python pickle", "to_onnx(model"),
        (pickle5.to_vec(), "a Python pickle", "to_onnx(model"),
        (
            at(0, b"\x89HDF\r\n\x1a\n"),
            "a Keras model (HDF5)",
            "keras.models.load_model(\"m.bin\")",
        ),
        (
            at(512, b"\x89HDF\r\n\x1a\n"),
            "a Keras model (HDF5)",
            "model.export(\"m.onnx\", format=\"onnx\")",
        ),
        (
            archive(&["metadata.json", "config.json", "model.weights.h5"]),
            "a Keras model",
            "keras.models.load_model",
        ),
        (
            at(4, b"TFL3"),
            "a TensorFlow Lite model",
            "tf2onnx.convert.from_tflite(\"m.bin\"",
        ),
        (
            safetensors(r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#),
            "a safetensors file: weights without a model",
            "load_file(\"m.bin\")",
        ),
        (
            safetensors(&format!("{{{}}}", " ".repeat(35_613))),
            "a safetensors file: weights without a model",
            "load_file",
        ),
        (
            frozen.0,
            "a frozen TensorFlow graph",
            "\"--graphdef\", \"m.bin\"",
        ),
        (core_ml.0, "a Core ML model", ""),
        (at(0, b"GGUF\x03\0\0\0"), "a GGUF model", ""),
        (at(0, b"ptrt"), "a TensorRT engine", ""),
        (
            at(4, b"ORTM"),
            "a model in ONNX Runtime's own format (.ort)",
            "",
        ),
        (
            b"<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">".to_vec(),
            "an OpenVINO model",
            "",
        ),
        (
            b"ir_version: 8\ngraph {".to_vec(),
            "an ONNX model written as text",
            "onnx.load(\"m.bin\", format=\"textproto\")",
        ),
        (
            b"<\n ir_version: 8\n>".to_vec(),
            "an ONNX model written as text",
            "format=\"onnxtxt\"",
        ),
        (
            b"{\"irVersion\": \"8\"}".to_vec(),
            "an ONNX model written as JSON",
            "format=\"json\"",
        ),
        (
            b"{\n \"ir_version\": \"14\"}".to_vec(),
            "an ONNX model written as JSON",
            "format=\"json\"",
        ),
        (
            b"\x78\x5e\x7d\x53\xdf".to_vec(),
            "a zlib stream, as joblib compresses pickles",
            "joblib.load(\"m.bin\")",
        ),
        (
            b"tree\nversion=v4\nnum_class=1".to_vec(),
            "a LightGBM model",
            "lightgbm.Booster(model_file=\"m.bin\")",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00".to_vec(),
            "a Git LFS pointer, not the model itself",
            "git lfs pull",
        ),
        (
            b"<!DOCTYPE html><html>".to_vec(),
            "a web page, not a model",
            "",
        ),
        (b"hello\n".to_vec(), "a text file, not a model", ""),
        (Vec::new(), "empty", ""),
        (
            archive(&["a/model.onnx"]),
            "a zip archive that holds an ONNX model",
            "`a/model.onnx`",
        ),
        (
            archive(&["arr_0.npy"]),
            "a NumPy archive: arrays, not a model",
            "",
        ),
        (archive(&["x"]), "a zip archive", ""),
        (
            archive(&["m/data.pkl"])[..60].to_vec(),
            "a zip archive that is cut off",
            "",
        ),
        (
            vec![0xee; 64],
            "in no model format that Boxwright knows",
            "",
        ),
        (model(classifier(2, "Gemm")).into_bytes(), "ONNX", ""),
    ] {
        let (got, hint) = recognised(folder.path(), "m.bin", &bytes);
        assert_eq!(got, what);
        assert!(hint.contains(line), "{what}: {hint}");
    }
}

#[test]
fn a_name_is_no_format() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["m.pt", "m.pkl", "m.h5", "m.tflite", "m.safetensors"] {
        let (what, _) = recognised(
            folder.path(),
            name,
            &model(classifier(2, "Gemm")).into_bytes(),
        );
        assert_eq!(what, "ONNX", "{name}");
    }
    let (what, _) = recognised(folder.path(), "m.onnx", &[0xee; 64]);
    assert_eq!(
        what,
        "DIR/m.onnx can't be read as a model: it holds no ONNX model: a number of more than 64 bits (byte 0)"
    );
}

#[test]
fn a_name_is_quoted_in_the_lines_to_copy() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\"); import os; os.system(\"ls.pt";
    let (_, hint) = recognised(
        folder.path(),
        name,
        &archive(&["m/data.pkl", "m/code/x", "m/constants.pkl"]),
    );
    assert!(
        hint.contains(r#"torch.jit.load("a\"); import os; os.system(\"ls.pt", map"#),
        "{hint}"
    );
}

#[test]
fn weights_beside_their_configuration_get_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let weights = safetensors(r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#);
    std::fs::write(&config, r#"{"architecture": "resnet50.a1_in1k"}"#).unwrap();
    let (_, hint) = recognised(folder.path(), "model.safetensors", &weights);
    assert!(
        hint.contains(
            r#"timm.create_model("resnet50.a1_in1k", checkpoint_path="model.safetensors")"#
        ),
        "{hint}"
    );
    std::fs::write(&config, r#"{"model_type": "vit"}"#).unwrap();
    let (_, hint) = recognised(folder.path(), "model.safetensors", &weights);
    assert!(hint.contains("main_export("), "{hint}");
}

#[test]
fn folders_are_told_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| match inspect(path) {
        Err(Error::Unsupported { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(folder.path()), "a folder without a model");
    let pb = folder.path().join("saved_model.pb");
    let meta = Message::new()
        .number(1, 1)
        .message(2, Message::new().message(1, Message::new()));
    std::fs::write(&pb, meta.0).unwrap();
    assert_eq!(told(folder.path()), "a TensorFlow SavedModel");
    assert_eq!(told(&pb), "a TensorFlow SavedModel");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("m.onnx");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let message = inspect(&fifo).unwrap_err().to_string();
    assert!(
        message.ends_with("is a device, pipe or socket, not a file"),
        "{message}"
    );
}

fn zip_names(bytes: &[u8]) -> Option<Vec<String>> {
    zip::names(&mut Source::new(std::io::Cursor::new(bytes)).unwrap()).unwrap_or(None)
}

#[test]
fn archives_with_a_comment_are_read() {
    let mut bytes = archive(&["a", "b/c"]);
    let length = bytes.len();
    bytes[length - 2..].copy_from_slice(&5_u16.to_le_bytes());
    bytes.extend_from_slice(b"hello");
    assert_eq!(zip_names(&bytes).unwrap(), ["a", "b/c"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_file_ends_in_an_answer(mark in 0_usize..9, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let marks: [&[u8]; 9] = [b"", b"PK\x03\x04", b"\x80\x04", b"\x08\x0a", b"\x0a\x02\x0a", b"(d", b"<", b"\x08\x01\x12", b"\x10\0\0\0\0\0\0\0{"];
        let folder = tempfile::tempdir().unwrap();
        recognised(folder.path(), "m", &[marks[mark], &rest].concat());
    }

    #[test]
    fn any_change_of_an_archive_ends_in_an_answer(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = archive(&["m/data.pkl", "m/code/x", "m/constants.pkl"]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert!(zip_names(&bytes).is_none_or(|names| names.len() <= 512));
        bytes.truncate(end.index(bytes.len()));
        drop(zip_names(&bytes));
    }

    #[test]
    fn any_bytes_are_a_pickle_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..100), whole in any::<bool>()) {
        begins_like_pickle(&bytes, whole);
        begins_like_pickle(&[b"\x80\x04", &bytes[..]].concat(), whole);
    }
}
