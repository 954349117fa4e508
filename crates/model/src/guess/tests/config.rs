use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::Float;

use super::{guess, reason, taking};
use crate::guess::Preset;
use crate::package::{Channels, Crop, Filter, Resize};
use crate::testing::{classifier, model};

#[test]
fn a_processor_beside_the_model_fills_the_fields_in() {
    let proto = taking(Float, &[D("n"), F(3), D("h"), D("w")], &[D("n"), F(10)]);
    let mean = r#""image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 0.00392156862745098"#;
    let imagenet = (vec![123.675, 116.28, 103.53], vec![58.395, 57.12, 57.375]);
    let half = (vec![127.5; 3], vec![127.5; 3]);
    type Case<'a> = (
        &'a str,
        Resize,
        Option<u32>,
        Filter,
        Crop,
        u32,
        (Vec<f64>, Vec<f64>),
    );
    let cases: [Case; 8] = [
        (
            r#"{"size": {"height": 224, "width": 224}, "resample": 2, MEAN}"#,
            Resize::Stretch,
            None,
            Filter::TorchvisionBilinear,
            Crop::None,
            224,
            imagenet.clone(),
        ),
        (
            r#"{"size": 224, "resample": 3, "do_center_crop": false, MEAN}"#,
            Resize::Stretch,
            None,
            Filter::TorchvisionBicubic,
            Crop::None,
            224,
            imagenet.clone(),
        ),
        (
            r#"{"size": {"shortest_edge": 256}, "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 1, MEAN}"#,
            Resize::ShortSide,
            Some(256),
            Filter::Lanczos,
            Crop::Center,
            224,
            imagenet.clone(),
        ),
        (
            r#"{"size": 256, "do_center_crop": true, "crop_size": 240, "resample": 4, MEAN}"#,
            Resize::ShortSide,
            Some(256),
            Filter::Box,
            Crop::Center,
            240,
            imagenet.clone(),
        ),
        (
            r#"{"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 0, MEAN}"#,
            Resize::ShortSide,
            Some(256),
            Filter::TorchvisionNearest,
            Crop::Center,
            224,
            imagenet.clone(),
        ),
        (
            r#"{"size": {"shortest_edge": 384}, "crop_pct": 0.875, MEAN}"#,
            Resize::Stretch,
            None,
            Filter::TorchvisionBilinear,
            Crop::None,
            384,
            imagenet.clone(),
        ),
        (
            r#"{"size": 299, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
            Resize::Stretch,
            None,
            Filter::TorchvisionBilinear,
            Crop::None,
            299,
            half.clone(),
        ),
        (
            r#"{"size": 224, "rescale_offset": true, "rescale_factor": 0.00784313725490196, "do_normalize": false}"#,
            Resize::Stretch,
            None,
            Filter::TorchvisionBilinear,
            Crop::None,
            224,
            half,
        ),
    ];
    for (json, resize, size, filter, crop, side, (mean_, std)) in cases {
        let guessed = guess(
            "m",
            &proto,
            &[("preprocessor_config.json", &json.replace("MEAN", mean))],
        );
        let preprocess = &guessed.package.preprocess;
        assert_eq!(
            (preprocess.resize, preprocess.size),
            (resize, size),
            "{json}"
        );
        assert_eq!(
            (preprocess.filter, preprocess.crop),
            (filter, crop),
            "{json}"
        );
        assert_eq!(guessed.package.input[0].width, Some(side), "{json}");
        assert_eq!(
            (&preprocess.mean, &preprocess.std),
            (&mean_, &std),
            "{json}"
        );
        assert!(reason(&guessed, "preprocess.mean").contains("preprocessor_config.json"));
    }
    let flipped = r#"{"size": {"shortest_edge": 288}, "crop_size": 256, "do_center_crop": true, "do_flip_channel_order": true}"#;
    let preprocess = guess("m", &proto, &[("preprocessor_config.json", flipped)])
        .package
        .preprocess;
    assert_eq!(
        (preprocess.channels, &preprocess.std),
        (Channels::Bgr, &vec![255.0; 3])
    );
}

#[test]
fn a_configuration_of_timm_fills_the_fields_in() {
    let proto = taking(Float, &[D("n"), F(3), F(288), F(288)], &[D("n"), F(10)]);
    let config = r#"{"architecture": "resnet50", "pretrained_cfg": {"input_size": [3, 224, 224],
        "interpolation": "bicubic", "crop_pct": 0.95, "crop_mode": "center",
        "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}"#;
    let guessed = guess("m", &proto, &[("config.json", config)]);
    let preprocess = guessed.package.preprocess;
    // 235 of 224, for 288.
    assert_eq!(
        (preprocess.resize, preprocess.size),
        (Resize::ShortSide, Some(302))
    );
    assert_eq!(preprocess.filter, Filter::Bicubic);
    assert_eq!(preprocess.mean, [123.675, 116.28, 103.53]);
}

#[test]
fn nonsense_beside_the_model_is_no_obstacle() {
    let proto = model(classifier(10, "Gemm"));
    for text in [
        "",
        "[]",
        "{",
        "{\"size\": -1}",
        "{\"size\": {\"height\": 1e99, \"width\": 0}}",
        "{\"size\": 224, \"image_mean\": [\"a\"], \"image_std\": [0, 0, 0]}",
        "{\"pretrained_cfg\": {\"input_size\": [3, 224, 224], \"crop_pct\": 0, \"mean\": [0], \"std\": [0]}}",
        "{\"id2label\": {\"a\": 1}}",
    ] {
        let guessed = guess(
            "m",
            &proto,
            &[("preprocessor_config.json", text), ("config.json", text)],
        );
        assert_eq!(
            Preset::of(&guessed.package),
            Some(Preset::Imagenet),
            "{text}"
        );
    }
}
