//! The sample package's predictions, one by one and many at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use boxwright_model::package::{Postprocess, Task};
use boxwright_model::prediction::{ClassPrediction, Outcome};
use boxwright_model::{Device, DeviceKind};
use boxwright_predict::{BatchSize, Error, Options, Prediction, Predictor, Source, Want};

fn classes(prediction: &Prediction) -> &[ClassPrediction] {
    match &prediction.outcome {
        Outcome::Classes(classes) => classes,
        other => panic!("{other:?}"),
    }
}

/// Predicts `samples` and gives the predictions by index.
fn many(predictor: &Predictor, samples: Vec<Source>, batch: usize) -> BTreeMap<usize, Prediction> {
    let all = Mutex::new(BTreeMap::new());
    let cancel = AtomicBool::new(false);
    let timing = predictor.predict_many(
        samples,
        &Want::default(),
        BatchSize::Exactly(batch),
        &cancel,
        &|index, one| {
            assert!(
                all.lock().unwrap().insert(index, one).is_none(),
                "one result a sample"
            );
        },
    );
    assert!(
        timing.wall_ms > 0.0 && timing.images_per_second > 0.0,
        "{timing:?}"
    );
    all.into_inner().unwrap()
}

#[test]
fn predictions_equal_the_reference() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    predictor.warm_up().unwrap();
    assert!(predictor.model_digest().starts_with("sha256:"));
    let text = std::fs::read_to_string(support::sample_folder().join("reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
    for photo in support::photos() {
        let want = Want {
            thumbnail: 96,
            ..Want::default()
        };
        let prediction = predictor.predict_one(&std::fs::read(&photo).unwrap(), &want);
        let name = photo.file_name().unwrap().to_str().unwrap();
        let expected = reference["images"][name]["classPredictions"]
            .as_array()
            .unwrap();
        let got = classes(&prediction);
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert_eq!(got.class, expected["class"].as_str().unwrap(), "{name}");
            let difference = f64::from(got.score) - expected["score"].as_f64().unwrap();
            assert!(
                difference.abs() <= 0.002,
                "{name}: {} is off by {difference}",
                got.class
            );
        }
        let [width, height] = prediction.picture.unwrap();
        assert!(width > 0 && height > 0);
        assert!(
            prediction
                .thumbnail
                .unwrap()
                .starts_with(&[0xff, 0xd8, 0xff]),
            "a JPEG"
        );
    }
}

#[test]
fn a_model_that_is_not_the_one_that_the_package_was_saved_with_is_refused() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library.clone());
    let mut other = support::sample();
    other.package.model.files[0].sha256 = Some("0".repeat(64));
    let options = Options::new(library);
    let loaded = Predictor::load(other.clone(), &options).err();
    for refused in [loaded, predictor.with_pipeline(other).err()] {
        let error = refused.expect("a refusal");
        assert_eq!(error.code(), "PackageInvalid");
        assert!(error.to_string().contains("sha256"), "{error}");
        assert!(
            error.hint().contains("save the package again"),
            "{}",
            error.hint()
        );
    }
}

#[test]
fn a_picture_that_is_only_shown_does_not_run_the_model() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let want = Want {
        thumbnail: 96,
        picture_only: true,
        ..Want::default()
    };
    let (shown, cancel) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let photos: Vec<_> = support::photos().into_iter().map(Source::Path).collect();
    let count = photos.len();
    let timing = predictor.predict_many(photos, &want, BatchSize::AtMost(8), &cancel, &|_, one| {
        shown.lock().unwrap().push(one);
    });
    assert_eq!(timing.infer_ms, 0.0);
    let shown = shown.into_inner().unwrap();
    assert_eq!(shown.len(), count);
    for one in shown {
        assert!(one.picture.is_some() && one.thumbnail.is_some());
        assert_eq!(one.outcome, Outcome::Outputs(BTreeMap::new()));
    }
}

#[test]
fn many_together_predict_what_each_does_alone_and_a_bad_one_spoils_nothing() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let mut samples: Vec<_> = support::photos().into_iter().map(Source::Path).collect();
    samples.insert(2, Source::Bytes(b"no picture".as_slice().into()));
    samples.push(Source::Path("/nowhere/at/all.jpg".into()));
    let samples = [samples.clone(), samples.clone(), samples].concat();
    for batch in [1, 4, 100] {
        let together = many(&predictor, samples.clone(), batch);
        assert_eq!(together.len(), samples.len());
        for (index, sample) in samples.iter().enumerate() {
            match sample {
                Source::Path(path) if path.is_file() => {
                    let alone =
                        predictor.predict_one(&std::fs::read(path).unwrap(), &Want::default());
                    for (one, other) in classes(&together[&index]).iter().zip(classes(&alone)) {
                        assert_eq!(one.class, other.class);
                        assert!((one.score - other.score).abs() < 1e-5);
                    }
                }
                _ => {
                    let Outcome::Error(error) = &together[&index].outcome else {
                        panic!("{:?}", together[&index].outcome)
                    };
                    assert_eq!(error.code, "SampleUnreadable");
                }
            }
        }
    }
}

#[test]
fn after_a_cancel_no_sample_is_begun() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let photo = Source::Path(support::photos().remove(0));
    let (cancel, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let samples = vec![photo; 200];
    predictor.predict_many(
        samples,
        &Want::default(),
        BatchSize::Exactly(2),
        &cancel,
        &|_, _| {
            seen.fetch_add(1, Ordering::SeqCst);
            cancel.store(true, Ordering::SeqCst);
        },
    );
    let most = 2 * std::thread::available_parallelism().unwrap().get();
    assert!(
        (1..=most).contains(&seen.load(Ordering::SeqCst)),
        "{seen:?}"
    );
}

#[test]
fn another_pipeline_shares_the_session() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library);
    let mut package = support::sample();
    package.package.postprocess = Postprocess::new(Task::Raw);
    let raw = predictor.with_pipeline(package).unwrap();
    let photo = std::fs::read(&support::photos()[0]).unwrap();
    let Outcome::Outputs(outputs) = raw.predict_one(&photo, &Want::default()).outcome else {
        panic!("raw outputs")
    };
    let (name, output) = outputs.iter().next().unwrap();
    assert_eq!(output.shape, [1000]);
    let want = Want {
        tensor: true,
        ..Want::default()
    };
    let prediction = raw.predict_one(&photo, &want);
    assert_eq!(prediction.outcome, Outcome::Outputs(BTreeMap::new()));
    let [tensor] = &prediction.tensors[..] else {
        panic!("one tensor")
    };
    assert_eq!((&tensor.name, &tensor.shape[..]), (name, &[1000][..]));
    let numbers: Vec<f64> = output.data.iter().map(|number| number.to_f64()).collect();
    assert_eq!(tensor.to_f64(), Some(numbers));

    let mut other = support::sample();
    other.files[0] = support::sample_folder().join("labels.txt");
    assert!(!predictor.serves(&other));
    assert!(predictor.with_pipeline(other).is_err());
}

#[test]
fn top_k_and_a_pixel_limit_are_obeyed() {
    let Some(library) = support::library() else {
        return;
    };
    let options = Options {
        max_pixels: 100_000,
        ..Options::new(library)
    };
    let predictor = Predictor::load(support::sample(), &options).unwrap();
    let photo = std::fs::read(support::sample_folder().join("images/cat.jpg")).unwrap();
    let Outcome::Error(error) = predictor.predict_one(&photo, &Want::default()).outcome else {
        panic!("451 × 300 is more than 100,000")
    };
    assert!(
        error.message.contains("451 × 300 = 135,300 pixels"),
        "{}",
        error.message
    );
    let raised = Predictor::load(
        support::sample(),
        &Options {
            max_pixels: 135_300,
            ..options
        },
    );
    let want = Want {
        top_k: Some(2),
        ..Want::default()
    };
    assert_eq!(
        classes(&raised.unwrap().predict_one(&photo, &want)).len(),
        2
    );
}

#[test]
fn a_pipeline_that_does_not_fit_its_model_is_refused_in_words() {
    let Some(library) = support::library() else {
        return;
    };
    let predictor = support::load(library.clone());
    let refusal = |change: &dyn Fn(&mut boxwright_model::LoadedPackage)| {
        let mut package = support::sample();
        change(&mut package);
        predictor.with_pipeline(package).err().expect("a refusal")
    };
    let error = refusal(&|package| package.package.input[0].name = "other".into());
    assert!(matches!(&error, Error::Package { reason, .. } if reason.contains("`other`")));
    let error = refusal(&|package| package.package.input[0].width = Some(225));
    assert!(error.to_string().contains("fixed width of 224"), "{error}");
    let error = refusal(&|package| package.package.preprocess.std = vec![0.0]);
    assert!(error.to_string().contains("preprocess.std"), "{error}");
    let error = refusal(&|package| package.labels = Some(vec!["one".into()]));
    assert!(error.to_string().contains("the model has 1000"), "{error}");
    let error = refusal(&|package| package.package.postprocess.output = Some("nothing".into()));
    assert!(error.to_string().contains("it has `logits`"), "{error}");
    let error = refusal(&|package| package.package.postprocess.task = Task::Detection);
    assert!(error.to_string().contains("postprocess.decoder"), "{error}");
    let options = Options {
        device: Device::Of(DeviceKind::Cuda, None),
        ..Options::new(library)
    };
    let error = Predictor::load(support::sample(), &options)
        .err()
        .expect("no CUDA");
    assert_eq!(error.code(), "DeviceUnavailable");
}
