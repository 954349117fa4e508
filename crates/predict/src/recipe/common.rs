//! What is common in notebooks: the recipes that are run through a model first.

use boxwright_model::package::{Crop, Decode, Preprocess, Resize, Rounding};
use boxwright_model::pipeline::ImageInput;

/// Ways to bring a picture to the model's size, most usual first.
pub(super) fn geometries(input: &ImageInput) -> Vec<Preprocess> {
    let Some((width, height)) = input.size else {
        return vec![input.preprocess.clone()];
    };
    let side = width.min(height) as f64;
    let short = |size: f64, long_side: Rounding| Preprocess {
        resize: Resize::ShortSide,
        size: Some(size as u32),
        long_side: Some(long_side),
        crop: Crop::Center,
        ..Preprocess::default()
    };
    let letterbox = |pad: u8| Preprocess {
        resize: Resize::Letterbox,
        pad: Some([pad; 3]),
        ..Preprocess::default()
    };
    let mut all = vec![
        short((side * 8.0 / 7.0).ceil(), Rounding::Floor),
        Preprocess::default(),
        short(side, Rounding::Floor),
        letterbox(114),
        letterbox(0),
    ];
    for ratio in [0.9, 0.95, 0.96, 224.0 / 232.0, 0.93, 1.0, 0.875] {
        for rounding in [Rounding::Floor, Rounding::Round] {
            all.push(short((side / ratio).floor(), rounding));
        }
    }
    for central_crop in [0.875, 0.9] {
        all.push(Preprocess {
            central_crop: Some(central_crop),
            ..Preprocess::default()
        });
    }
    all
}

/// The same recipe by other ways to decode.
pub(super) fn decodings(preprocess: &Preprocess) -> Vec<Preprocess> {
    [
        (Decode::Pillow, false),
        (Decode::OpenCv, true),
        (Decode::TensorFlow, false),
    ]
    .into_iter()
    .map(|(decode, exif)| Preprocess {
        decode,
        exif,
        ..preprocess.clone()
    })
    .collect()
}

/// Means and standard deviations that most models are trained with.
pub(super) fn normalisations(grey: bool) -> Vec<(Vec<f64>, Vec<f64>)> {
    let all = [
        ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
        ([127.5; 3], [127.5; 3]),
        ([0.0; 3], [255.0; 3]),
        ([0.0; 3], [1.0; 3]),
        ([127.0; 3], [128.0; 3]),
        (
            [122.770_937_5, 116.746_012_5, 104.093_737_5],
            [68.500_530_75, 66.632_189_25, 70.323_163_05],
        ),
        ([103.939, 116.779, 123.68], [1.0; 3]),
        ([33.3285; 3], [78.5655; 3]),
    ];
    let count = if grey { 1 } else { 3 };
    all.into_iter()
        .map(|(mean, std)| (mean[..count].to_vec(), std[..count].to_vec()))
        .collect()
}
