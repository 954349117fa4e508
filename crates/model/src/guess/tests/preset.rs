//! Presets that are applied, and found again.

use boxwright_onnx_writer::Axis::{self, Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::Float;

use super::taking;
use crate::guess::{Preset, package};
use crate::inspect;
use crate::package::InputKind;
use crate::testing::write;

#[test]
fn every_preset_is_found_again_by_its_name_and_fields() {
    let opened = |channels, side: Axis| {
        let proto = taking(Float, &[D("n"), F(channels), side, side], &[F(1)]);
        let folder = tempfile::tempdir().unwrap();
        let model = inspect(&write(folder.path(), "m", &proto)).unwrap();
        let guessed = package(&model, folder.path()).unwrap();
        (guessed.package, model.summary.signature)
    };
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
        for channels in [1, 3] {
            let (mut package, signature) = opened(channels, F(299));
            preset.apply(&mut package, &signature).unwrap();
            assert_eq!(package.problems(Some(&signature)), []);
            assert_eq!(Preset::of(&package), Some(preset));
            package.preprocess.mean[0] += 1.0;
            assert_eq!(Preset::of(&package), None);
        }
    }
    // What the model leaves open is what the package says.
    let (mut package, signature) = opened(3, D("side"));
    let input = &mut package.input[0];
    (input.width, input.height) = (Some(384), Some(288));
    Preset::Imagenet.apply(&mut package, &signature).unwrap();
    assert_eq!(package.preprocess.size, Some(439));
    assert_eq!(
        "caffe".parse::<Preset>(),
        Err(
            "`caffe` is no preset: imagenet, tf, efficientnet-lite, unit, raw, opencv-imagenet"
                .to_owned()
        )
    );
}

#[test]
fn a_preset_leaves_what_it_says_nothing_of() {
    let proto = taking(Float, &[D("n"), F(3), D("h"), D("w")], &[D("n"), F(10)]);
    let folder = tempfile::tempdir().unwrap();
    let model = inspect(&write(folder.path(), "m", &proto)).unwrap();
    let mut made = package(&model, folder.path()).unwrap().package;
    let signature = model.summary.signature;
    made.preprocess.exif = false;
    made.postprocess.top_k = 3;
    (made.input[0].width, made.input[0].height) = (None, None);
    Preset::Imagenet.apply(&mut made, &signature).unwrap();
    assert!(!made.preprocess.exif, "as the user has it");
    assert_eq!(
        (made.postprocess.top_k, made.postprocess.score_digits),
        (3, None)
    );
    let size = (made.input[0].width, made.input[0].height);
    assert_eq!(size, (Some(224), Some(224)), "what a crop cuts to");
    assert_eq!(made.problems(Some(&signature)), []);

    made.preprocess.exif = true;
    Preset::OpenCvImagenet.apply(&mut made, &signature).unwrap();
    assert!(!made.preprocess.exif, "its decoder never turns");
    assert_eq!(
        (made.postprocess.top_k, made.postprocess.score_digits),
        (5, Some(3))
    );
    assert_eq!(Preset::of(&made), Some(Preset::OpenCvImagenet));
    made.postprocess.score_digits = None;
    assert_eq!(
        Preset::of(&made),
        None,
        "choosing it again would change the answers"
    );

    made.input[0].kind = InputKind::Tensor;
    let refused = Preset::Raw.apply(&mut made, &signature).unwrap_err();
    assert!(refused.contains("takes no pictures"), "{refused}");
    assert_eq!(Preset::of(&made), None);
}
