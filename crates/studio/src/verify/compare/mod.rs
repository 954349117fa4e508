//! Whether two predictions of one sample are the same, within what arithmetic allows.

mod boxes;
mod difference;
mod pixels;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use self::difference::{EMULATED, SAME_ARCHITECTURE};
use self::difference::{Found, difference, differs};

use boxwright_model::prediction::{
    ClassPrediction, Detection, Embedding, Outcome, SampleError, Segmentation, TextLine,
};
use boxwright_tensor::{Number, Tensor};
use boxwright_worker::FromWorkerResult;

/// What one side made of a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicted {
    /// Class predictions by falling score.
    Classes(Vec<ClassPrediction>),
    /// Class predictions of each output.
    Heads(BTreeMap<String, Vec<ClassPrediction>>),
    /// Boxes by falling score.
    Boxes(Vec<Detection>),
    /// One class a pixel.
    Segmentation(Segmentation),
    /// A matte: a PNG in base64.
    Matte(String),
    /// A vector.
    Embedding(Embedding),
    /// A line of text.
    Text(TextLine),
    /// Raw outputs in the order of their names.
    Tensors(Vec<Tensor>),
    /// It can't be predicted.
    Error(SampleError),
}

impl From<FromWorkerResult> for Predicted {
    fn from(result: FromWorkerResult) -> Self {
        match result.outcome {
            Outcome::Classes(classes) => Self::Classes(classes),
            Outcome::Heads(found) => Self::Heads(found.heads),
            Outcome::Detections(detections) => Self::Boxes(detections),
            Outcome::Segmentation(found) => Self::Segmentation(found),
            Outcome::Matte(png) => Self::Matte(png),
            Outcome::Embedding(embedding) => Self::Embedding(embedding),
            Outcome::Text(line) => Self::Text(line),
            Outcome::Outputs(_) => Self::Tensors(result.tensors),
            Outcome::Error(error) => Self::Error(error),
        }
    }
}

/// What came of comparing one or more samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Samples that both sides could predict.
    pub samples: usize,
    /// The largest difference of a score or an element.
    pub max_difference: f64,
    /// The first difference that is too large, in words.
    pub difference: Option<String>,
}

impl Comparison {
    /// Compares what both sides made of `sample`, and adds it up.
    pub fn add(&mut self, sample: &str, preview: &Predicted, image: &Predicted, tolerance: f64) {
        let found = match (preview, image) {
            (Predicted::Classes(a), Predicted::Classes(b)) => classes(a, b, tolerance),
            (Predicted::Heads(a), Predicted::Heads(b)) => heads(a, b, tolerance),
            (Predicted::Boxes(a), Predicted::Boxes(b)) => boxes::compare(a, b, tolerance),
            (Predicted::Segmentation(a), Predicted::Segmentation(b)) => {
                pixels::segmentations(a, b, tolerance)
            }
            (Predicted::Matte(a), Predicted::Matte(b)) => pixels::mattes(a, b, tolerance),
            (Predicted::Embedding(a), Predicted::Embedding(b)) => vectors(a, b, tolerance),
            (Predicted::Text(a), Predicted::Text(b)) => texts(a, b, tolerance),
            (Predicted::Tensors(a), Predicted::Tensors(b)) => tensors(a, b, tolerance),
            // The words may differ: those of a picture's limit name it.
            (Predicted::Error(a), Predicted::Error(b)) if a.code == b.code => return,
            (Predicted::Error(error), _) => differs(format!("the preview gives {}", error.code)),
            (_, Predicted::Error(error)) => differs(format!("the image gives {}", error.code)),
            _ => differs("the image does another task".to_owned()),
        };
        self.samples += 1;
        self.max_difference = self.max_difference.max(found.most);
        if self.difference.is_none() {
            self.difference = found.words.map(|words| format!("{sample}: {words}"));
        }
    }
}

/// Classes must come in the same order, but for neighbours whose scores are within the tolerance
/// of each other: rounding decides which of them comes first, and which of them is the last that
/// is shown.
fn classes(preview: &[ClassPrediction], image: &[ClassPrediction], tolerance: f64) -> Found {
    if preview.len() != image.len() {
        let (a, b) = (preview.len(), image.len());
        return differs(format!("the preview gives {a} classes, the image {b}"));
    }
    let mut found = Found {
        most: 0.0,
        words: None,
    };
    let (in_preview, in_image) = (told_apart(preview), told_apart(image));
    let same_in_image: HashMap<_, _> = in_image.iter().zip(image).collect();
    let shown_by_preview: HashSet<_> = in_preview.iter().collect();
    for (rank, (a, b)) in preview.iter().zip(image).enumerate() {
        let place = difference(a.score.into(), b.score.into());
        // The same class by its own score, wherever it stands; a class that fell off the end is
        // compared with the one that took its place.
        let own = match same_in_image.get(&in_preview[rank]) {
            Some(same) => difference(a.score.into(), same.score.into()),
            None => cut_off(a, image),
        };
        let back = match shown_by_preview.contains(&in_image[rank]) {
            true => 0.0,
            false => cut_off(b, preview),
        };
        let most = place.max(own).max(back);
        found.most = found.most.max(most);
        if most > tolerance && found.words.is_none() {
            found.words = Some(format!(
                "the preview gives {} {:.6}, the image {} {:.6}",
                a.class, a.score, b.class, b.score
            ));
        }
    }
    found
}

/// The classes of every output; the first difference is told with the output's name.
fn heads(
    preview: &BTreeMap<String, Vec<ClassPrediction>>,
    image: &BTreeMap<String, Vec<ClassPrediction>>,
    tolerance: f64,
) -> Found {
    if !preview.keys().eq(image.keys()) {
        return differs("the image gives classes of other outputs".to_owned());
    }
    let mut all = Found {
        most: 0.0,
        words: None,
    };
    for ((name, a), b) in preview.iter().zip(image.values()) {
        let found = classes(a, b, tolerance);
        all.most = all.most.max(found.most);
        let words = found.words.map(|words| format!("output `{name}`: {words}"));
        all.words = all.words.or(words);
    }
    all
}

/// Classes by name and, as several may share one, by how many of that name come before: ImageNet
/// has two cranes.
fn told_apart(classes: &[ClassPrediction]) -> Vec<(&str, usize)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let number = |class| {
        let count = seen.entry(class).or_default();
        *count += 1;
        (class, *count)
    };
    classes
        .iter()
        .map(|one| one.class.as_str())
        .map(number)
        .collect()
}

/// How far a class that the other side does not show is from its last.
fn cut_off(class: &ClassPrediction, other: &[ClassPrediction]) -> f64 {
    other.last().map_or(f64::INFINITY, |last| {
        difference(class.score.into(), last.score.into())
    })
}

/// Vectors are compared as raw outputs are.
fn vectors(preview: &Embedding, image: &Embedding, tolerance: f64) -> Found {
    let (a, b) = (&preview.values, &image.values);
    if a.len() != b.len() {
        let (a, b) = (a.len(), b.len());
        return differs(format!("the preview gives {a} numbers, the image {b}"));
    }
    let mut found = Found::same();
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        let words = || format!("number {place} is {a} in the preview, {b} in the image");
        found.number((*a).into(), (*b).into(), tolerance, words);
    }
    let (a, b) = (preview.norm, image.norm);
    let words = || format!("the vector's length is {a} in the preview, {b} in the image");
    found.number(a.into(), b.into(), tolerance, words);
    found
}

/// The same characters, with scores within the tolerance.
fn texts(preview: &TextLine, image: &TextLine, tolerance: f64) -> Found {
    if preview.value != image.value {
        let (a, b) = (&preview.value, &image.value);
        return differs(format!("the preview reads {a:?}, the image {b:?}"));
    }
    let mut found = Found::same();
    let (a, b) = (preview.score, image.score);
    let words = || format!("the preview gives the score {a:.6}, the image {b:.6}");
    found.number(a.into(), b.into(), tolerance, words);
    found
}

fn tensors(preview: &[Tensor], image: &[Tensor], tolerance: f64) -> Found {
    let names = |tensors: &[Tensor]| -> Vec<String> {
        tensors.iter().map(|tensor| tensor.name.clone()).collect()
    };
    if names(preview) != names(image) {
        return differs("the image has other outputs".to_owned());
    }
    let mut found = Found {
        most: 0.0,
        words: None,
    };
    for (a, b) in preview.iter().zip(image) {
        let this = elements(a, b, tolerance);
        found.most = found.most.max(this.most);
        if found.words.is_none() {
            found.words = this
                .words
                .map(|words| format!("output {}: {words}", a.name));
        }
    }
    found
}

/// Element by element: integers must be equal, floats within the tolerance, taken relative to
/// the element where that is larger than 1 (raw outputs have any scale, scores don't).
fn elements(preview: &Tensor, image: &Tensor, tolerance: f64) -> Found {
    if (&preview.shape, preview.datatype) != (&image.shape, image.datatype) {
        return differs(format!(
            "the preview gives {:?} {:?}, the image {:?} {:?}",
            preview.datatype, preview.shape, image.datatype, image.shape
        ));
    }
    if preview.data == image.data {
        return Found {
            most: 0.0,
            words: None,
        };
    }
    let (Some(a), Some(b)) = (preview.to_f64(), image.to_f64()) else {
        return differs("the elements are not the same".to_owned());
    };
    if a.len() != b.len() || !preview.datatype.is_float() {
        return differs("the elements are not the same".to_owned());
    }
    let mut found = Found {
        most: 0.0,
        words: None,
    };
    for (place, (a, b)) in a.into_iter().zip(b).enumerate() {
        let this = difference(a, b) / a.abs().max(1.0);
        // An infinite scale makes any finite difference vanish: those two are compared above.
        let this = if this.is_nan() { f64::INFINITY } else { this };
        found.most = found.most.max(this);
        if this > tolerance && found.words.is_none() {
            found.words = Some(format!(
                "element {place} is {} in the preview, {} in the image",
                Number::from(a),
                Number::from(b)
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use boxwright_tensor::DataType;

    use super::*;

    /// Classes and their scores in turn.
    fn shown(classes: &str) -> Predicted {
        let words: Vec<&str> = classes.split(' ').collect();
        let classes = words.chunks(2).map(|pair| ClassPrediction {
            class: pair[0].to_owned(),
            score: pair[1].parse().unwrap(),
        });
        Predicted::Classes(classes.collect())
    }

    fn raw(elements: &[f32]) -> Predicted {
        let data: Vec<u8> = elements
            .iter()
            .flat_map(|element| element.to_le_bytes())
            .collect();
        let shape = vec![elements.len()];
        Predicted::Tensors(vec![Tensor {
            name: "out".into(),
            datatype: DataType::Fp32,
            shape,
            data: data.into(),
        }])
    }

    fn unreadable() -> Predicted {
        Predicted::Error(SampleError {
            code: "SampleUnreadable".into(),
            message: "It is no picture.".into(),
        })
    }

    fn same(preview: &Predicted, image: &Predicted, tolerance: f64) -> bool {
        let mut comparison = Comparison::default();
        comparison.add("cat.jpg", preview, image, tolerance);
        comparison.difference.is_none()
    }

    #[test]
    fn classes_are_the_same_within_the_tolerance_and_near_ties_may_swap() {
        let preview = shown("cat .5 dog .3 fox .299995");
        let table = [
            ("itself", "cat .5 dog .3 fox .299995", true, true),
            ("rounded", "cat .500004 dog .3 fox .299995", true, true),
            ("emulated", "cat .501 dog .3 fox .299995", false, true),
            ("a swapped tie", "cat .5 fox .3 dog .299996", true, true),
            ("a tie cut off", "cat .5 dog .3 emu .29999", true, true),
            ("another last", "cat .5 dog .3 emu .2", false, false),
            ("another first", "dog .5 cat .3 fox .299995", false, false),
            ("another order", "cat .5 cow .4 dog .3", false, false),
            ("no number", "cat NaN dog .3 fox .299995", false, false),
        ];
        for (name, image, exact, emulated) in table {
            let image = shown(image);
            for (tolerance, expected) in [(SAME_ARCHITECTURE, exact), (EMULATED, emulated)] {
                assert_eq!(same(&preview, &image, tolerance), expected, "{name}");
                assert_eq!(same(&image, &preview, tolerance), expected, "{name}");
            }
        }
    }

    #[test]
    fn classes_that_share_a_name_are_compared_each_with_its_own() {
        let preview = shown("crane .6 dog .2 crane .1 fox .05");
        for (image, expected) in [
            ("crane .6 dog .2 crane .1 fox .05", true),
            ("crane .6 dog .2 crane .100004 fox .05", true),
            ("crane .6 dog .2 crane .15 fox .05", false),
            ("crane .6 dog .2 fox .1 crane .05", false),
            ("crane .6 dog .2 dog .1 fox .05", false),
        ] {
            let image = shown(image);
            assert_eq!(
                same(&preview, &image, SAME_ARCHITECTURE),
                expected,
                "{image:?}"
            );
            assert_eq!(
                same(&image, &preview, SAME_ARCHITECTURE),
                expected,
                "{image:?}"
            );
        }
    }

    #[test]
    fn fewer_classes_an_error_and_another_task_differ() {
        let preview = shown("cat .5 dog .3");
        for image in [shown("cat .5"), unreadable(), raw(&[0.5])] {
            assert!(!same(&preview, &image, EMULATED), "{image:?}");
            assert!(!same(&image, &preview, EMULATED), "{image:?}");
        }
    }

    #[test]
    fn tensors_are_compared_element_by_element() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let table: [(&str, &[f32], &[f32], bool); 9] = [
            ("itself", &[1.0, -2.0], &[1.0, -2.0], true),
            ("rounded", &[1.0], &[1.000_005], true),
            ("one element off", &[1.0, 2.0, 3.0], &[1.0, 2.1, 3.0], false),
            ("large and rounded", &[10_000.0], &[10_000.01], true),
            ("both not numbers", &[nan, 1.0], &[nan, 1.000_001], true),
            ("one not a number", &[nan], &[0.0], false),
            ("an infinity", &[inf], &[3.0], false),
            ("another infinity", &[inf], &[-inf], false),
            (
                "infinities",
                &[inf, -inf, 0.0],
                &[inf, -inf, 0.000_001],
                true,
            ),
        ];
        for (name, preview, image, expected) in table {
            assert_eq!(
                same(&raw(preview), &raw(image), SAME_ARCHITECTURE),
                expected,
                "{name}"
            );
            assert_eq!(
                same(&raw(image), &raw(preview), SAME_ARCHITECTURE),
                expected,
                "{name}"
            );
        }
        assert!(
            !same(&raw(&[1.0]), &raw(&[1.0, 1.0]), EMULATED),
            "another shape"
        );
    }

    #[test]
    fn vectors_and_texts_are_compared_by_what_they_hold() {
        let vector = |values: &[f32], norm| {
            let values = values.to_vec();
            Predicted::Embedding(Embedding { values, norm })
        };
        let one = vector(&[0.6, 0.8], 2.0);
        assert!(same(
            &one,
            &vector(&[0.600_001, 0.8], 2.0),
            SAME_ARCHITECTURE
        ));
        for other in [
            vector(&[0.61, 0.8], 2.0),
            vector(&[0.6, 0.8, 0.0], 2.0),
            vector(&[0.6, 0.8], 2.1),
        ] {
            assert!(!same(&one, &other, EMULATED), "{other:?}");
        }
        let text = |value: &str, score| {
            let value = value.to_owned();
            Predicted::Text(TextLine { value, score })
        };
        let line = text("Größe 42", 0.9);
        assert!(same(&line, &text("Größe 42", 0.900_001), SAME_ARCHITECTURE));
        assert!(!same(&line, &text("Große 42", 0.9), EMULATED));
        assert!(!same(&line, &text("Größe 42", 0.8), EMULATED));
    }

    #[test]
    fn nan_against_a_number_is_put_into_words() {
        let mut comparison = Comparison::default();
        let (preview, image) = (raw(&[1.0, f32::NAN]), raw(&[1.0, 0.0]));
        comparison.add("cat.npy", &preview, &image, EMULATED);
        assert_eq!(
            comparison.difference.as_deref(),
            Some("cat.npy: output out: element 1 is NaN in the preview, 0.0 in the image")
        );
    }

    #[test]
    fn integers_are_equal_or_not() {
        let tensor = |value: i64| {
            Predicted::Tensors(vec![Tensor {
                name: "class".into(),
                datatype: DataType::Int64,
                shape: vec![1],
                data: value.to_le_bytes().to_vec().into(),
            }])
        };
        assert!(same(&tensor(7), &tensor(7), SAME_ARCHITECTURE));
        assert!(!same(&tensor(1 << 60), &tensor((1 << 60) + 1), EMULATED));
    }

    #[test]
    fn the_first_difference_is_put_into_words_and_the_largest_counts() {
        let mut comparison = Comparison::default();
        let (a, b) = (shown("cat .5"), shown("cat .4"));
        comparison.add("first.jpg", &a, &a, SAME_ARCHITECTURE);
        comparison.add("second.jpg", &a, &b, SAME_ARCHITECTURE);
        comparison.add("third.jpg", &b, &a, SAME_ARCHITECTURE);
        let broken = unreadable();
        comparison.add("broken.jpg", &broken, &broken, SAME_ARCHITECTURE);
        assert_eq!(comparison.samples, 3);
        assert!((comparison.max_difference - 0.1).abs() < 1e-6);
        let words = comparison.difference.expect("they differ");
        assert_eq!(
            words,
            "second.jpg: the preview gives cat 0.500000, the image cat 0.400000"
        );
    }
}
