//! Packages in folders: opened, saved, and held to the files that they name.

use super::*;

/// A folder with a model, labels, and the sample's package file.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let graph = Graph::new()
        .input(Value::tensor(
            "images",
            Float,
            &[D("n"), F(3), F(224), F(224)],
        ))
        .output(Value::tensor("logits", Float, &[D("n"), F(2)]));
    write(&root, "model.onnx", &model(graph));
    fs::write(root.join("labels.txt"), "cat\ndog\n").unwrap();
    fs::write(root.join(FILE_NAME), SAMPLE).unwrap();
    (folder, root)
}

#[test]
fn a_package_is_opened_by_its_file_or_folder() {
    let (_folder, root) = folder();
    let by_folder = LoadedPackage::open(&root).unwrap();
    assert_eq!(
        by_folder,
        LoadedPackage::open(&root.join(FILE_NAME)).unwrap()
    );
    assert_eq!(by_folder.root, root);
    assert_eq!(by_folder.files, [root.join("model.onnx")]);
    assert_eq!(by_folder.labels.as_ref().unwrap(), &["cat", "dog"]);
    assert_eq!(by_folder.labels_text().unwrap(), "cat\ndog\n");
}

#[test]
fn saving_fills_the_hashes_in_and_leaves_nothing_else() {
    let (_folder, root) = folder();
    let mut loaded = LoadedPackage::open(&root).unwrap();
    loaded.package.preprocess.mean = vec![123.675];
    loaded.labels = Some(vec!["chat".to_owned(), "chien".to_owned()]);
    loaded.save().unwrap();
    let text = fs::read_to_string(root.join(FILE_NAME)).unwrap();
    let hash = hash_files(&loaded.files, &mut |_| {}).unwrap().remove(0);
    assert!(text.contains(&format!("sha256 = \"{hash}\"")), "{text}");
    assert!(text.contains("mean = [123.675]"), "{text}");
    let again = LoadedPackage::open(&root).unwrap();
    assert_eq!(again.package.preprocess, loaded.package.preprocess);
    assert_eq!(again.labels, loaded.labels);
    let mut names: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["boxwright.toml", "labels.txt", "model.onnx"]);
    again.save().unwrap();
    assert_eq!(fs::read_to_string(root.join(FILE_NAME)).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn a_saved_file_is_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, root) = folder();
    LoadedPackage::open(&root).unwrap().save().unwrap();
    fs::write(root.join("plain"), "").unwrap();
    let mode = |name| fs::metadata(root.join(name)).unwrap().permissions().mode();
    assert_eq!(mode(FILE_NAME), mode("plain"));
}

#[test]
fn a_package_with_problems_is_not_saved() {
    let (_folder, root) = folder();
    let mut loaded = LoadedPackage::open(&root).unwrap();
    loaded.package.package.name = "No Name".to_owned();
    let message = loaded.save().unwrap_err().to_string();
    assert!(
        message.contains("package.name: `No Name` is no name"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(root.join(FILE_NAME)).unwrap(), SAMPLE);
}

#[cfg(unix)]
#[test]
fn only_regular_files_inside_the_folder_are_taken() {
    use std::os::unix::fs::symlink;
    let (_folder, root) = folder();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "secret\n").unwrap();
    let open = || {
        let error = LoadedPackage::open(&root).unwrap_err().to_string();
        error.replace(&*root.to_string_lossy(), "DIR").replace(
            &*outside.path().canonicalize().unwrap().to_string_lossy(),
            "OUT",
        )
    };
    fs::remove_file(root.join("labels.txt")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: labels.file: `labels.txt` is missing from DIR"
    );
    symlink(outside.path(), root.join("labels.txt")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: labels.file: `labels.txt` is a link to OUT, outside DIR: copy the \
         file itself there"
    );
    fs::remove_file(root.join("labels.txt")).unwrap();
    fs::write(root.join("real.txt"), "cat\ndog\n").unwrap();
    symlink("real.txt", root.join("labels.txt")).unwrap();
    LoadedPackage::open(&root).unwrap();
    fs::rename(root.join("model.onnx"), root.join("m")).unwrap();
    fs::create_dir(root.join("model.onnx")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: model.files.0.path: `model.onnx` is a folder, not a regular file"
    );
}

#[test]
fn a_package_names_all_files_of_its_model() {
    let (_folder, root) = folder();
    fs::write(root.join("w.bin"), [0; 4]).unwrap();
    let graph = classifier(2, "Gemm")
        .initializer(Tensor::float("e", &[1]).external(&[("location", "w.bin")]));
    write(&root, "model.onnx", &model(graph));
    let text = SAMPLE.replace("\"logits\"", "\"scores\"");
    fs::write(root.join(FILE_NAME), &text).unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    assert!(
        message.ends_with("model.files: the model keeps weights in `w.bin`, which is missing"),
        "{message}"
    );
    let files = text.replace(" }]", " }, { path = \"w.bin\" }]");
    fs::write(root.join(FILE_NAME), files).unwrap();
    assert_eq!(open_any(&root).unwrap().0.files.len(), 2);
}

#[test]
fn there_are_as_many_labels_as_classes() {
    let (_folder, root) = folder();
    open_any(&root).unwrap();
    fs::write(root.join("labels.txt"), "cat\ndog\nmouse\n").unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    let expected = "labels.file: names 3 classes, and the model has 2: one line a class, in the model's order; where \
                    the model was trained with a background class, that is the first line";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn a_folder_with_one_model_is_enough() {
    let (_folder, root) = folder();
    fs::remove_file(root.join(FILE_NAME)).unwrap();
    let (loaded, found, reasons) = open_any(&root).unwrap();
    assert_eq!(found.summary.file, "model.onnx");
    assert_eq!(loaded.labels.unwrap(), ["cat", "dog"]);
    assert!(reasons.iter().any(|(field, _)| field == "preprocess.mean"));
    fs::copy(root.join("model.onnx"), root.join("other.onnx")).unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    assert!(message.ends_with("is a folder with several ONNX models and no boxwright.toml"));
}
