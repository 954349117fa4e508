//! What the embedded builder makes, and what it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxwright_build::{
    BuildPlan, Builder, BuiltImage, Catalogue, Component, DataDir, Error, Kind, PlanOptions,
    Target, build, plan,
};
use boxwright_files::Silent;
use boxwright_model::inspect::ModelSummary;
use boxwright_model::{LoadedPackage, Model, Package};
use boxwright_oci::layer::gzip;
use boxwright_oci::{Blob, BlobSource, FileSource, TarPlan};
use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};
use tokio_util::sync::CancellationToken;

const PACKAGE: &str = r#"
format = 1
[package]
name = "colours"
version = "1.2.0"
description = "Red, green or blue"
[model]
files = [{ path = "model.onnx" }, { path = "weights/model.bin" }]
[[input]]
name = "images"
kind = "image"
width = 2
height = 2
[postprocess]
task = "classification"
[labels]
file = "labels.txt"
"#;

/// A package, a share folder and a cache, in a folder of their own.
struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Self { folder };
        workshop.write("package/boxwright.toml", PACKAGE.as_bytes());
        workshop.write("package/model.onnx", b"the graph");
        workshop.write("package/weights/model.bin", &noise(1 << 20));
        workshop.write("package/labels.txt", b"red\r\ngreen\r\nblue");
        workshop.data();
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// A share folder with small layers in place of the real ones.
    fn data(&self) {
        let mut components = Vec::new();
        for architecture in ["amd64", "arm64"] {
            for (kind, target, layer) in [
                (
                    Kind::Base,
                    "all",
                    format!("base/linux-{architecture}.tar.gz"),
                ),
                (
                    Kind::Runtime,
                    "cpu",
                    format!("runtimes/cpu-linux-{architecture}.tar.gz"),
                ),
            ] {
                let path = self.path("data").join(&layer);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                let content = format!("{} for {architecture}", kind.name());
                let mut layer_plan = TarPlan::builder();
                layer_plan.mtime(0);
                layer_plan.file(kind.name(), FileSource::Bytes(content.into()), 0o644);
                let layer_plan = layer_plan.finish().unwrap();
                let made = gzip(&layer_plan, &path, "layer", &Silent, &never()).unwrap();
                components.push(Component {
                    kind,
                    target: target.to_owned(),
                    platform: format!("linux/{architecture}"),
                    layer,
                    digest: made.descriptor.digest,
                    diff_id: made.diff_id,
                    size: made.descriptor.size,
                    sources: Vec::new(),
                });
            }
        }
        let catalogue = Catalogue {
            format: 1,
            onnxruntime: "1.30.0".to_owned(),
            components,
            programs: Vec::new(),
        };
        self.write(
            "data/catalogue.json",
            &serde_json::to_vec(&catalogue).unwrap(),
        );
    }

    fn plan(&self, targets: &str, options: &PlanOptions) -> Result<BuildPlan, Error> {
        let package = LoadedPackage::open(&self.path("package")).unwrap();
        let data = DataDir::at(&self.path("data"));
        plan(
            &package,
            &model(),
            &Target::parse_list(targets)?,
            &data,
            options,
        )
    }

    async fn build(&self, targets: &str) -> BuiltImage {
        let plan = self.plan(targets, &PlanOptions::default()).unwrap();
        let cache = self.path("cache");
        build(&plan, Builder::Embedded, &cache, Arc::new(Silent), &never())
            .await
            .unwrap()
    }
}

fn never() -> CancellationToken {
    CancellationToken::new()
}

/// Bytes that don't compress, always the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// What an inspection of the model would say.
fn model() -> Model {
    let tensor = |name: &str, shape: &[u64]| TensorSpec {
        name: name.to_owned(),
        datatype: DataType::Fp32,
        shape: Some(
            std::iter::once(Dimension::Dynamic("batch".to_owned()))
                .chain(shape.iter().map(|length| Dimension::Fixed(*length)))
                .collect(),
        ),
    };
    Model {
        path: "model.onnx".into(),
        summary: ModelSummary {
            file: "model.onnx".to_owned(),
            format: "ONNX".to_owned(),
            size_bytes: 9,
            opset: BTreeMap::from([(String::new(), 17)]),
            ir_version: 8,
            producer: "a test".to_owned(),
            parameters: 0,
            signature: Signature {
                inputs: vec![tensor("images", &[3, 2, 2])],
                outputs: vec![tensor("scores", &[3])],
            },
            external_data: vec!["weights/model.bin".to_owned()],
        },
        external_files: Vec::new(),
        metadata: BTreeMap::new(),
        description: String::new(),
        labels: None,
        output_operators: BTreeMap::new(),
    }
}

fn json(blob: &Blob) -> serde_json::Value {
    match &blob.source {
        BlobSource::Bytes(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => panic!("no document: {other:?}"),
    }
}

/// The documents of an image, as they are published.
fn documents(built: &BuiltImage) -> String {
    let mut text = String::new();
    for tag in &built.tags {
        let images = &tag.set.images;
        let blobs = images
            .iter()
            .flat_map(|image| [&image.config, &image.manifest]);
        for blob in blobs.chain([&tag.set.index]) {
            text += &serde_json::to_string_pretty(&json(blob)).unwrap();
            text.push('\n');
        }
    }
    text
}

#[tokio::test]
async fn the_documents_of_an_image_are_pinned() {
    let workshop = Workshop::new();
    let found = documents(&workshop.build("cpu,arm64").await);
    let path = Path::new("tests/snapshots/cpu-arm64.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(
        found == expected,
        "what is published has changed: look at it, and set UPDATE=1 to accept it\n{found}"
    );
}

#[tokio::test]
async fn the_same_package_gives_the_same_digests_in_any_folder_at_any_time() {
    let (one, other) = (Workshop::new(), Workshop::new());
    let first = one.build("cpu,arm64").await;
    // Other times and modes, and a warm cache.
    let old = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    let file = std::fs::File::options()
        .write(true)
        .open(other.path("package/model.onnx"));
    file.unwrap().set_times(old).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let strict = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(other.path("package/weights/model.bin"), strict).unwrap();
    }
    for _ in 0..2 {
        let second = other.build("arm64,cpu").await;
        assert_eq!(first.tags[0].set.digest(), second.tags[0].set.digest());
    }
    assert_eq!(first.model_digest, one.build("cpu").await.model_digest);
}

#[tokio::test]
async fn another_label_changes_only_the_package_layer() {
    let workshop = Workshop::new();
    let before = workshop.build("cpu").await;
    workshop.write("package/labels.txt", b"red\ngreen\nyellow\n");
    let after = workshop.build("cpu").await;
    let digests = |built: &BuiltImage| -> Vec<String> {
        let layers = &built.tags[0].set.images[0].layers;
        layers
            .iter()
            .map(|layer| layer.blob.digest().to_string())
            .collect()
    };
    let (before, after) = (digests(&before), digests(&after));
    assert_eq!(before[..3], after[..3], "base, runtime and model");
    assert_ne!(before[3], after[3], "the package");
}

#[tokio::test]
async fn another_weight_changes_the_revision() {
    let workshop = Workshop::new();
    let before = workshop.build("cpu").await;
    let mut weights = noise(1 << 20);
    weights[1000] ^= 1;
    workshop.write("package/weights/model.bin", &weights);
    let after = workshop.build("cpu").await;
    assert_ne!(before.model_digest, after.model_digest);
    let revision = |built: &BuiltImage| {
        let annotations = &json(&built.tags[0].set.index)["annotations"];
        annotations["org.opencontainers.image.revision"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(revision(&after), after.model_digest);
    assert_ne!(revision(&before), revision(&after));
}

#[tokio::test]
async fn weights_that_compress_are_compressed_once() {
    let workshop = Workshop::new();
    workshop.write("package/weights/model.bin", &vec![0; 1 << 20]);
    let first = workshop.build("cpu").await;
    let layer = |built: &BuiltImage| {
        built.tags[0].set.images[0].layers[2]
            .blob
            .descriptor
            .clone()
    };
    assert!(layer(&first).media_type.ends_with("tar+gzip"));
    assert!(layer(&first).size < 100_000);
    let kept = std::fs::read_dir(workshop.path("cache/layers")).unwrap();
    let layers: Vec<_> = kept
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    let [file] = layers.as_slice() else {
        panic!("{layers:?}")
    };
    let made = std::fs::metadata(file).unwrap().modified().unwrap();
    assert_eq!(layer(&workshop.build("cpu").await), layer(&first));
    assert_eq!(std::fs::metadata(file).unwrap().modified().unwrap(), made);
}

#[tokio::test]
async fn the_shipped_package_names_the_digest_of_every_file() {
    let workshop = Workshop::new();
    let built = workshop.build("cpu").await;
    let archive = workshop.path("image.tar");
    let sets = [(&built.tags[0].set, None)];
    boxwright_oci::archive::write(&sets, &archive, &Silent, &never()).unwrap();
    let layer = built.tags[0].set.images[0].layers[3].blob.digest().hex();
    let blob = workshop.path("blob");
    let found = std::process::Command::new("tar")
        .args(["-xOf".as_ref(), archive.as_os_str()])
        .arg(format!("blobs/sha256/{layer}"))
        .output()
        .unwrap();
    std::fs::write(&blob, found.stdout).unwrap();
    let files = std::process::Command::new("tar")
        .args(["-xOf".as_ref(), blob.as_os_str()])
        .arg("model/boxwright.toml")
        .output()
        .unwrap();
    let text = String::from_utf8(files.stdout).unwrap();
    let shipped = Package::from_toml(&text, Path::new("boxwright.toml")).unwrap();
    for (file, expected) in shipped
        .model
        .files
        .iter()
        .zip([b"the graph".to_vec(), noise(1 << 20)])
    {
        let digest = boxwright_oci::Digest::of(&expected);
        assert_eq!(
            file.sha256.as_deref(),
            Some(digest.hex().as_str()),
            "{}",
            file.path
        );
    }
}

#[test]
fn a_gpu_is_refused_before_anything_is_built_with_what_it_needs() {
    let workshop = Workshop::new();
    for (targets, name, needs) in [
        ("cpu,gpu", "gpu", "CUDA"),
        ("arm64-gpu", "arm64-gpu", "ARM servers"),
        ("jetson", "jetson", "JetPack"),
    ] {
        let error = workshop
            .plan(targets, &PlanOptions::default())
            .err()
            .unwrap();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{name} can't be built: it needs ")),
            "{text}"
        );
        assert!(text.contains(needs), "{text}");
        assert!(error.hint().contains("Leave it out"), "{}", error.hint());
    }
    assert!(!workshop.path("cache").exists());
}

#[tokio::test]
async fn the_docker_builder_says_that_it_is_not_there() {
    let workshop = Workshop::new();
    let plan = workshop.plan("cpu", &PlanOptions::default()).unwrap();
    let cache = workshop.path("cache");
    let built = build(&plan, Builder::Docker, &cache, Arc::new(Silent), &never()).await;
    let error = built.err().unwrap();
    assert!(matches!(error, Error::EngineUnavailable { .. }));
    assert!(error.to_string().contains("isn't there yet"), "{error}");
    assert!(
        error.hint().contains("--builder embedded"),
        "{}",
        error.hint()
    );
}

#[test]
fn a_damaged_share_folder_is_named() {
    let workshop = Workshop::new();
    workshop.write("data/runtimes/cpu-linux-amd64.tar.gz", b"cut off");
    let error = workshop.plan("cpu", &PlanOptions::default()).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("cpu-linux-amd64.tar.gz has 7 bytes instead of"),
        "{error}"
    );
    workshop.write(
        "data/catalogue.json",
        br#"{"format":2,"onnxruntime":"","components":[],"programs":[]}"#,
    );
    let error = workshop.plan("cpu", &PlanOptions::default()).err().unwrap();
    assert!(error.to_string().contains("has format 2"), "{error}");
}

#[test]
fn a_package_that_does_not_fit_its_model_is_refused() {
    let workshop = Workshop::new();
    let wrong = PACKAGE.replace("\"images\"", "\"pictures\"");
    workshop.write("package/boxwright.toml", wrong.as_bytes());
    let error = workshop.plan("cpu", &PlanOptions::default()).err().unwrap();
    assert!(matches!(error, Error::Package(_)), "{error}");
    assert!(error.to_string().contains("pictures"), "{error}");
}

#[tokio::test]
async fn a_model_that_is_not_the_one_that_was_saved_is_refused() {
    let workshop = Workshop::new();
    let saved = PACKAGE.replace(
        "{ path = \"model.onnx\" }",
        &format!(
            "{{ path = \"model.onnx\", sha256 = \"{}\" }}",
            "0".repeat(64)
        ),
    );
    workshop.write("package/boxwright.toml", saved.as_bytes());
    let plan = workshop.plan("cpu", &PlanOptions::default()).unwrap();
    let cache = workshop.path("cache");
    let built = build(&plan, Builder::Embedded, &cache, Arc::new(Silent), &never()).await;
    let text = built.err().unwrap().to_string();
    assert!(
        text.contains("model.onnx is not the file that the package was saved with"),
        "{text}"
    );
}

#[tokio::test]
async fn a_cancelled_build_ends_as_cancelled() {
    let workshop = Workshop::new();
    let plan = workshop.plan("cpu", &PlanOptions::default()).unwrap();
    let cancel = never();
    cancel.cancel();
    let cache = workshop.path("cache");
    let built = build(&plan, Builder::Embedded, &cache, Arc::new(Silent), &cancel).await;
    assert!(built.err().unwrap().is_cancelled());
}
