//! Any package is read again as it was written.

use super::*;

prop_compose! {
    fn numbers()(numbers in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO, 0..4)) -> Vec<f64> {
        numbers
    }
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn resizing()(
        resize in any_of(Resize::ALL),
        (size, max_size) in any::<(Option<u32>, Option<u32>)>(),
        long_side in proptest::option::of(any_of(Rounding::ALL)),
        filter in any_of(Filter::ALL),
        antialias in any::<Option<bool>>(),
        resize_in in any_of(Depth::ALL),
        pad in any::<Option<[u8; 3]>>(),
        pad_normalised in proptest::option::of(proptest::num::f64::NORMAL),
        align in any_of(Align::ALL),
        crop in any_of(Crop::ALL),
    ) -> Preprocess {
        Preprocess { resize, size, max_size, long_side, filter, antialias, resize_in, pad, pad_normalised, align, crop, ..Preprocess::default() }
    }
}

prop_compose! {
    fn pipeline()(
        resizing in resizing(),
        decode in any_of(Decode::ALL),
        (draft, exif) in any::<(bool, bool)>(),
        jpeg_quality in any::<Option<u8>>(),
        central_crop in proptest::option::of(proptest::num::f64::NORMAL),
        (channels, grey) in (any_of(Channels::ALL), any_of(GreyOrder::ALL)),
        (scale, arithmetic) in (any_of(Scale::ALL), any_of(Arithmetic::ALL)),
        mean in numbers(),
        std in numbers(),
    ) -> Preprocess {
        Preprocess { decode, draft, exif, jpeg_quality, central_crop, channels, grey, scale, mean, std, arithmetic, ..resizing }
    }
}

prop_compose! {
    fn postprocess()(
        task in any_of(Task::ALL),
        activation in any_of(Activation::ALL),
        decoder in proptest::option::of(any_of(Decoder::ALL)),
        box_format in proptest::option::of(any_of(BoxFormat::ALL)),
        (upsample, range, normalise) in (any_of(Upsample::ALL), any_of(Range::ALL), any_of(Normalise::ALL)),
        (max_detections, first_class, class_agnostic) in (any::<Option<u16>>(), any::<Option<u8>>(), any::<Option<bool>>()),
        keypoints in any::<Option<[u8; 2]>>(),
        (reduce_labels, blank) in any::<(bool, u8)>(),
        heads in proptest::collection::vec((any::<String>(), any::<Vec<String>>()), 0..3),
    ) -> Postprocess {
        Postprocess {
            activation, score_digits: Some(3), decoder, box_format, upsample, range, normalise, class_agnostic, reduce_labels,
            max_detections: max_detections.map(usize::from),
            first_class: first_class.map(usize::from),
            keypoints: keypoints.map(|shape| shape.map(usize::from)),
            blank: blank.into(),
            heads: heads.into_iter().map(|(output, classes)| Head { output, activation, classes }).collect(),
            ..Postprocess::new(task)
        }
    }
}

prop_compose! {
    fn any_package()(
        name in any::<String>(),
        description in any::<String>(),
        files in proptest::collection::vec((any::<String>(), any::<Option<String>>()), 0..4),
        inputs in proptest::collection::vec((any::<String>(), any::<bool>(), any::<Option<u32>>()), 1..4),
        preprocess in pipeline(),
        postprocess in postprocess(),
        texts in any::<[Option<String>; 6]>(),
        (top_k, score, iou) in (0..1_000_000_usize, any::<Option<f32>>(), -1.0_f32..2.0),
        labels in any::<Option<String>>(),
        (max_size, memory_mb, cpus, gpus) in (0..1_000_000_usize, 0..1_u64 << 40, proptest::num::f32::NORMAL, any::<u32>()),
    ) -> Package {
        let [output, boxes, scores, classes, count, masks] = texts;
        Package {
            format: FORMAT,
            package: Identity { name, version: "1".to_owned(), description },
            model: ModelFiles { files: files.into_iter().map(|(path, sha256)| ModelFile { path, sha256 }).collect() },
            input: inputs.into_iter().map(|(name, image, width)| Input {
                name,
                kind: if image { InputKind::Image } else { InputKind::Tensor },
                layout: Layout::Nhwc,
                dtype: if image { ImageDtype::F16 } else { ImageDtype::F32 },
                width,
                height: width,
                stride: width,
                stride_rounding: StrideRounding::Nearest,
                value: if image { Vec::new() } else { vec![0.5, -2.0] },
                order: SizeOrder::Hw,
            }).collect(),
            preprocess,
            postprocess: Postprocess {
                output,
                top_k,
                outputs: Outputs { boxes, scores, classes, count, masks },
                score_threshold: score.filter(|score| !score.is_nan()),
                iou_threshold: Some(iou),
                threshold: Some(iou),
                ..postprocess
            },
            labels: labels.map(|file| Labels { file }),
            batch: Batch { max_size, max_delay_ms: 5 },
            resources: Resources { memory_mb, cpus, gpus },
        }
    }
}

proptest! {
    #[test]
    fn every_package_is_read_as_it_was_written(package in any_package()) {
        let text = package.to_toml();
        let read: Package = toml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&read, &package);
        prop_assert_eq!(read.to_toml(), text);
        package.problems(None);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        drop(parse(&text));
    }

    #[test]
    fn any_change_of_a_package_file_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        text in "[\\[\\]{}=\"'.,a-z0-9\n\\-+]{0,6}",
        length in 0_usize..10,
    ) {
        let start = at.index(SAMPLE.len());
        let end = (start + length).min(SAMPLE.len());
        let mut changed = SAMPLE.to_owned();
        changed.replace_range(start..end, &text);
        if let Ok(package) = parse(&changed) {
            prop_assert_eq!(parse(&package.to_toml()).unwrap(), package);
        }
    }
}
