use boxwright_model::prediction::{ClassPrediction, OutputTensor};
use boxwright_tensor::{DataType, Number, Numbers};

use super::*;

fn file(name: &str) -> SampleFile {
    SampleFile {
        name: name.to_owned(),
        path: name.into(),
    }
}

fn classes(id: u32) -> SampleUpdate {
    let class = ClassPrediction {
        class: "cat".into(),
        score: 1.0,
    };
    let thumbnail = Some(bytes::Bytes::from_static(b"jpeg"));
    SampleUpdate {
        id,
        outcome: Outcome::Classes(vec![class]),
        picture: Some([4, 3]),
        details: None,
        thumbnail,
    }
}

#[test]
fn samples_that_are_added_are_done_in_the_same_run() {
    let (mut samples, mut spool) = (PreviewSamples::default(), SpoolFile::default());
    assert_eq!(samples.add(vec![file("a"), file("b")]), 0);
    samples.begin(8);
    let run = samples.run();
    assert_eq!(
        samples
            .pending()
            .expect("a run goes on")
            .with_thumbnail
            .len(),
        2
    );
    assert_eq!(samples.apply(run, vec![classes(1)], &mut spool).len(), 1);
    samples.add(vec![file("b"), file("c")]);
    samples.resume();
    let pending = samples.pending().expect("a run goes on");
    let names: Vec<_> = pending
        .with_thumbnail
        .iter()
        .map(|(_, file)| file.name.as_str())
        .collect();
    assert_eq!((pending.run, names), (run, vec!["b", "c"]));
}

#[test]
fn samples_of_one_name_are_told_apart_also_when_they_come_one_by_one() {
    let mut samples = PreviewSamples::default();
    for folder in ["a", "b"] {
        let (name, path) = ("cat.jpg".to_owned(), format!("{folder}/cat.jpg").into());
        samples.add(vec![SampleFile { name, path }]);
    }
    let names: Vec<&str> = samples.samples().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["cat.jpg", "b/cat.jpg"]);
}

#[test]
fn a_new_run_keeps_thumbnails_and_drops_late_results_of_the_last() {
    let (mut samples, mut spool) = (PreviewSamples::default(), SpoolFile::default());
    samples.add(vec![file("a")]);
    samples.begin(8);
    let old = samples.run();
    samples.apply(old, vec![classes(1)], &mut spool);
    samples.begin(8);
    assert!(samples.apply(old, vec![classes(1)], &mut spool).is_empty());
    assert_eq!(samples.done(), 0);
    let pending = samples.pending().expect("a run goes on");
    assert_eq!(
        (
            pending.with_thumbnail.len(),
            pending.without_thumbnail.len()
        ),
        (0, 1)
    );
}

#[test]
fn a_run_that_is_cancelled_has_nothing_to_do() {
    let mut samples = PreviewSamples::default();
    samples.add(vec![file("a")]);
    samples.begin(8);
    samples.cancel();
    assert_eq!(samples.pending(), None);
    samples.resume();
    assert!(samples.pending().is_some());
}

#[test]
fn a_large_outcome_is_shortened_for_showing_and_whole_for_export() {
    let (mut samples, mut spool) = (PreviewSamples::default(), SpoolFile::default());
    samples.add(vec![file("a")]);
    samples.begin(8);
    let numbers: Vec<Number> = (0..1000_u32).map(Into::into).collect();
    let datatype = DataType::Int32;
    let data = Numbers::of(datatype, &numbers).expect("numbers");
    let output = OutputTensor {
        shape: vec![1000],
        datatype,
        data,
    };
    let whole = Outcome::Outputs([("out".to_owned(), output)].into());
    let result = SampleUpdate {
        id: 1,
        outcome: whole.clone(),
        picture: None,
        details: None,
        thumbnail: None,
    };
    let changed = samples.apply(samples.run(), vec![result], &mut spool);
    let Some(Outcome::Outputs(shown)) = &changed[0].outcome else {
        panic!("raw outputs")
    };
    assert_eq!(shown["out"].data.len(), MAX_ELEMENTS);
    assert_eq!(whole_outcome(&changed[0], &mut spool), Some(whole));
}

#[test]
fn samples_on_screen_are_predicted_first() {
    let mut samples = PreviewSamples::default();
    samples.add(["a", "b", "c", "d"].map(file).to_vec());
    let pending = |samples: &PreviewSamples| {
        let pending = samples.pending().unwrap();
        let ids = pending.with_thumbnail.iter().map(|(id, _)| *id);
        ids.collect::<Vec<_>>()
    };
    assert!(!samples.set_in_view(vec![3]), "no run goes on");
    samples.begin(1);
    assert_eq!(pending(&samples), [3, 1, 2, 4]);
    assert!(samples.set_in_view(vec![4, 2, 99]));
    assert_eq!(pending(&samples), [2, 4, 1, 3]);
    assert!(!samples.set_in_view(vec![2, 4]));
}
