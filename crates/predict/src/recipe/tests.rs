use std::sync::atomic::AtomicBool;

use boxwright_model::package::{
    Align, Arithmetic, Channels, Crop, Depth, Filter, ImageDtype, Layout, Preprocess, Resize,
    Rounding,
};
use boxwright_model::pipeline::ImageInput;
use boxwright_model::recipe::{RecipeReport, Verdict};

use super::*;
use crate::stage::canvas::Canvas;
use crate::stage::normalise::{Normaliser, TensorBuffer};
use crate::stage::resize::Resizer;

const LIMIT: u64 = 100_000_000;

fn sample(name: &str) -> Vec<u8> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/efficientnet-lite0/images"
    );
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn input(preprocess: &Preprocess, side: (usize, usize)) -> ImageInput {
    ImageInput {
        name: "images".into(),
        layout: Layout::Nchw,
        dtype: ImageDtype::F32,
        size: Some(side),
        stride: None,
        preprocess: preprocess.clone(),
        batch: boxwright_tensor::BatchAxis::Dynamic,
    }
}

/// The tensor that a prediction would make of a photo.
fn target(bytes: &[u8], input: &ImageInput) -> Target {
    let (width, height) = input.size.unwrap();
    let asked = (width as u32, height as u32);
    let draft = input.preprocess.draft.then_some(asked);
    let photo = photo::decode(bytes, &input.preprocess, draft, LIMIT).unwrap();
    let (mut canvas, mut buffer) = (Canvas::default(), TensorBuffer::U8(Vec::new()));
    canvas
        .draw(
            input,
            LIMIT as usize,
            &photo.picture,
            &mut Resizer::default(),
        )
        .unwrap();
    Normaliser::new(input).normalise(&canvas, 0, &mut buffer);
    let planes = match buffer {
        TensorBuffer::F32(all) => all,
        TensorBuffer::F16(all) => all.into_iter().map(f32::from).collect(),
        TensorBuffer::U8(all) => all.into_iter().map(f32::from).collect(),
    };
    Target {
        width: canvas.width,
        height: canvas.height,
        channels: input.channels(),
        layout: input.layout,
        dtype: input.dtype,
        planes,
    }
}

fn find(photos: &[&str], targets: &[Target]) -> RecipeReport {
    let photos: Vec<_> = photos.iter().map(|name| sample(name)).collect();
    from_tensors(&photos, targets, LIMIT, 2, &AtomicBool::new(false))
        .unwrap()
        .report
}

fn recipes() -> Vec<(Preprocess, (usize, usize))> {
    let plain = Preprocess {
        mean: vec![123.675, 116.28, 103.53],
        std: vec![58.395, 57.12, 57.375],
        arithmetic: Arithmetic::Torchvision,
        ..Preprocess::default()
    };
    let short_side = Preprocess {
        resize: Resize::ShortSide,
        size: Some(256),
        crop: Crop::Center,
        ..plain.clone()
    };
    vec![
        (short_side.clone(), (224, 224)),
        (
            Preprocess {
                size: Some(235),
                filter: Filter::Bicubic,
                long_side: Some(Rounding::Round),
                ..short_side.clone()
            },
            (224, 224),
        ),
        (
            Preprocess {
                filter: Filter::OpenCvLinear,
                channels: Channels::Bgr,
                mean: vec![127.5],
                std: vec![127.5],
                arithmetic: Arithmetic::Keras,
                ..plain.clone()
            },
            (299, 299),
        ),
        (
            Preprocess {
                resize: Resize::Letterbox,
                filter: Filter::OpenCvLinear,
                pad: Some([114; 3]),
                mean: vec![0.0],
                std: vec![255.0],
                ..plain.clone()
            },
            (320, 320),
        ),
        (
            Preprocess {
                resize: Resize::Letterbox,
                filter: Filter::OpenCvArea,
                align: Align::TopLeft,
                pad: None,
                pad_normalised: Some(0.0),
                ..plain.clone()
            },
            (320, 192),
        ),
        (
            Preprocess {
                filter: Filter::TorchvisionBicubic,
                resize_in: Depth::Unit,
                ..short_side.clone()
            },
            (224, 224),
        ),
        (
            Preprocess {
                jpeg_quality: Some(90),
                filter: Filter::Lanczos,
                ..plain.clone()
            },
            (160, 128),
        ),
        (
            Preprocess {
                central_crop: Some(0.875),
                filter: Filter::OpenCvCubic,
                mean: vec![0.0],
                std: vec![1.0],
                ..plain
            },
            (96, 96),
        ),
    ]
}

#[test]
fn a_recipe_is_found_from_one_tensor() {
    for (preprocess, side) in recipes() {
        let input = input(&preprocess, side);
        let wanted = target(&sample("flower.jpg"), &input);
        let started = std::time::Instant::now();
        let found = find(&["flower.jpg"], &[wanted]);
        println!("{:?} {preprocess:?}", started.elapsed());
        assert_eq!(
            found.verdict,
            Verdict::Exact,
            "{found:?} for {preprocess:?}"
        );
    }
}

#[test]
fn several_photos_tell_more_than_one() {
    let photos = ["flower.jpg", "cat.jpg", "rocket.jpg"];
    let preprocess = &recipes()[1].0;
    let input = input(preprocess, (224, 224));
    let targets: Vec<_> = photos
        .iter()
        .map(|name| target(&sample(name), &input))
        .collect();
    let found = find(&photos, &targets);
    assert_eq!(found.verdict, Verdict::Exact);
    let recipe = found.recipe.unwrap();
    assert_eq!(recipe.preprocess.mean, preprocess.mean);
    assert_eq!(recipe.preprocess.size, preprocess.size);
    assert_eq!(recipe.preprocess.filter, preprocess.filter);
}

#[test]
fn another_photo_and_noise_have_no_recipe() {
    let (preprocess, side) = recipes().remove(0);
    let other = target(&sample("cat.jpg"), &input(&preprocess, side));
    assert_eq!(
        find(&["flower.jpg"], std::slice::from_ref(&other)).verdict,
        Verdict::None
    );
    let mut flipped = target(&sample("flower.jpg"), &input(&preprocess, side));
    for row in flipped.planes.chunks_exact_mut(224) {
        row.reverse();
    }
    let found = find(&["flower.jpg"], &[flipped]);
    assert_ne!(found.verdict, Verdict::Exact);
}

#[test]
fn numbers_that_halves_leave_open_are_those_that_give_every_bit() {
    let preprocess = Preprocess {
        filter: Filter::TorchvisionNearest,
        mean: vec![130.56, 110.415, 99.705],
        std: vec![68.85, 64.005, 63.24],
        ..recipes()[0].0.clone()
    };
    let input = ImageInput {
        dtype: ImageDtype::F16,
        ..input(&preprocess, (224, 224))
    };
    let found = find(&["flower.jpg"], &[target(&sample("flower.jpg"), &input)]);
    let recipe = found.recipe.unwrap().preprocess;
    assert_eq!(found.max_difference, 0.0);
    assert_eq!((recipe.mean, recipe.std), (preprocess.mean, preprocess.std));
}

/// A JPEG whose EXIF says that it is to be turned.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    let entry = [tiff.as_slice(), &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat();
    let length = (entry.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &entry, &jpeg[2..]].concat()
}

#[test]
fn a_draft_is_found_where_only_the_second_photo_would_be_turned() {
    let preprocess = Preprocess {
        draft: true,
        exif: false,
        ..recipes()[6].0.clone()
    };
    let preprocess = Preprocess {
        jpeg_quality: None,
        ..preprocess
    };
    let input = input(&preprocess, (96, 64));
    let photos = [sample("flower.jpg"), turned(&sample("cat.jpg"), 6)];
    let targets = photos.each_ref().map(|photo| target(photo, &input));
    let found = from_tensors(&photos, &targets, LIMIT, 2, &AtomicBool::new(false));
    let report = found.unwrap().report;
    assert_eq!(report.verdict, Verdict::Exact);
    let recipe = report.recipe.unwrap().preprocess;
    assert_eq!((recipe.draft, recipe.exif), (true, false));
}

#[test]
fn a_search_without_time_names_the_best_so_far_and_says_so() {
    let (preprocess, side) = recipes().remove(2);
    let photo = sample("flower.jpg");
    let targets = [target(&photo, &input(&preprocess, side))];
    let (photos, cancel) = ([photo], AtomicBool::new(false));
    let search = |patience| {
        let search = Search::new(&photos, &targets, LIMIT, 2, &cancel, patience);
        verdict::find(&search).unwrap().report
    };
    let report = search(Duration::ZERO);
    assert!(report.out_of_time);
    assert!(report.recipe.is_some() && report.compared > 0, "{report:?}");
    let report = search(Duration::from_secs(600));
    assert_eq!(
        (report.verdict, report.out_of_time),
        (Verdict::Exact, false)
    );
}
