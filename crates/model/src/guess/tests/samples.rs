//! Small models of several libraries, with what lies beside them.

use std::path::Path;

use crate::guess::package;
use crate::inspect;
use crate::package::{
    Channels, Crop, Decoder, Filter, InputKind, LoadedPackage, Package, Resize, Task,
};

fn guessed(name: &str) -> (Package, Option<Vec<String>>) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/tasks");
    let folder = samples.join(name).canonicalize().unwrap();
    let model = inspect(&folder.join("model.onnx")).unwrap();
    let guessed = package(&model, &folder).unwrap();
    let loaded = LoadedPackage::from_parts(guessed.package, &folder).unwrap();
    assert_eq!(loaded.problems(&model.summary.signature), [], "{name}");
    (loaded.package, loaded.labels)
}

#[test]
fn each_sample_needs_no_field_filled_in() {
    for (name, task, labels, kinds) in [
        (
            "hf-clip-embed",
            Task::Embedding,
            None,
            &[InputKind::Image][..],
        ),
        (
            "hf-detr-det",
            Task::Detection,
            Some(10),
            &[InputKind::Image, InputKind::Mask],
        ),
        (
            "hf-segformer-seg",
            Task::Segmentation,
            Some(10),
            &[InputKind::Image],
        ),
        (
            "hf-vit-cls",
            Task::Classification,
            Some(10),
            &[InputKind::Image],
        ),
        (
            "ppocr-cls-real",
            Task::Classification,
            Some(2),
            &[InputKind::Image],
        ),
        ("silero-vad-real", Task::Raw, None, &[InputKind::Tensor; 3]),
        (
            "tf-ssd-layout-det",
            Task::Detection,
            None,
            &[InputKind::Image],
        ),
        (
            "timm-test-vit-cls",
            Task::Classification,
            Some(10),
            &[InputKind::Image],
        ),
    ] {
        let (package, found) = guessed(name);
        assert_eq!(package.postprocess.task, task, "{name}");
        assert_eq!(found.map(|labels| labels.len()), labels, "{name}");
        let inputs: Vec<_> = package.input.iter().map(|input| input.kind).collect();
        assert_eq!(inputs, kinds, "{name}");
    }
}

#[test]
fn samples_are_prepared_as_their_libraries_do() {
    let (detr, _) = guessed("hf-detr-det");
    assert_eq!(detr.postprocess.decoder, Some(Decoder::Detr));
    assert_eq!(
        (detr.preprocess.size, detr.preprocess.max_size),
        (Some(800), Some(1333))
    );
    let (clip, _) = guessed("hf-clip-embed");
    assert_eq!(clip.postprocess.output.as_deref(), Some("image_embeds"));
    assert_eq!(
        (clip.preprocess.crop, clip.preprocess.size),
        (Crop::Center, Some(224))
    );
    let (segformer, _) = guessed("hf-segformer-seg");
    assert!(segformer.postprocess.reduce_labels);
    assert_eq!(segformer.input[0].width, Some(512));
    let (direction, _) = guessed("ppocr-cls-real");
    assert_eq!(
        (direction.input[0].width, direction.input[0].height),
        (Some(192), Some(48))
    );
    assert_eq!(direction.preprocess.channels, Channels::Bgr);
    assert_eq!(direction.preprocess.filter, Filter::OpenCvLinear);
    let (ssd, _) = guessed("tf-ssd-layout-det");
    assert_eq!(ssd.postprocess.decoder, Some(Decoder::SsdTf));
    assert_eq!(ssd.preprocess.resize, Resize::Stretch);
}
