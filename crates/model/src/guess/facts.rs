//! What exporters leave in a model's metadata. None of it is trusted: a value of another form, or
//! past what any model has, counts as missing.

use std::collections::BTreeMap;

use super::input::LONGEST_SIDE;

/// Longest text that is read as a few numbers.
const LONGEST_LIST: usize = 200;
/// Most pixels of a stride.
const LARGEST_STRIDE: u32 = 1024;
/// Most keypoints of a pose.
const MOST_KEYPOINTS: u32 = 1000;

/// What an Ultralytics export says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ultralytics {
    /// `detect`, `segment`, `pose`, `obb`, `classify`, `semantic` or `depth`.
    pub(crate) task: String,
    /// What the sides of a tensor of any size are a multiple of, in pixels.
    pub(crate) stride: Option<u32>,
    /// Number of keypoints, and of numbers for each.
    pub(crate) keypoints: Option<[usize; 2]>,
    /// Whether the model suppresses boxes itself.
    pub(crate) suppresses: bool,
    /// Whether it is an RT-DETR, whose pictures are stretched.
    pub(crate) is_rt_detr: bool,
}

impl Ultralytics {
    /// What the metadata says, where it is Ultralytics'.
    pub(crate) fn of(metadata: &BTreeMap<String, String>, words: &str) -> Option<Self> {
        let text = |key: &str| metadata.get(key).map(|text| text.trim());
        let task = text("task")?;
        let known = [
            "detect", "segment", "pose", "obb", "classify", "semantic", "depth",
        ];
        let theirs = text("author")
            .is_some_and(|author| author.eq_ignore_ascii_case("ultralytics"))
            || text("description").is_some_and(|text| text.starts_with("Ultralytics"));
        // Nobody else has these.
        let own = ["detect", "segment", "pose", "obb"].contains(&task);
        if !(theirs || own) || !known.contains(&task) {
            return None;
        }
        let is_true = |key: &str| text(key).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let suppresses = text("args").is_some_and(|args| {
            let plain = args.replace('"', "'").replace(' ', "").to_lowercase();
            plain.contains("'nms':true")
        });
        let rt_detr = text("head").is_some_and(|head| head.contains("RTDETR"));
        Some(Self {
            task: task.to_owned(),
            stride: stride(metadata),
            keypoints: text("kpt_shape").and_then(keypoints),
            suppresses: suppresses || is_true("end2end"),
            is_rt_detr: rt_detr
                || ["rtdetr", "rt-detr"]
                    .iter()
                    .any(|word| words.contains(word)),
        })
    }
}

/// `stride`, as Ultralytics' and YOLOv5's exports have it.
pub(crate) fn stride(metadata: &BTreeMap<String, String>) -> Option<u32> {
    let [stride] = integers(metadata.get("stride")?)?[..] else {
        return None;
    };
    (1..=LARGEST_STRIDE).contains(&stride).then_some(stride)
}

/// `imgsz`, `[height, width]` or one number, as width and height.
pub(crate) fn size(metadata: &BTreeMap<String, String>) -> Option<(u32, u32)> {
    let (height, width) = match integers(metadata.get("imgsz")?)?[..] {
        [side] => (side, side),
        [height, width] => (height, width),
        _ => return None,
    };
    let is_side = |side| (1..=LONGEST_SIDE).contains(&side);
    (is_side(width) && is_side(height)).then_some((width, height))
}

fn keypoints(text: &str) -> Option<[usize; 2]> {
    match integers(text)?[..] {
        [count @ 1..=MOST_KEYPOINTS, numbers @ 2..=3] => {
            Some([usize::try_from(count).ok()?, usize::try_from(numbers).ok()?])
        }
        _ => None,
    }
}

/// A few whole numbers, as Python writes them: `32`, `32.0`, `[640, 640]` or `(17, 3)`.
fn integers(text: &str) -> Option<Vec<u32>> {
    if text.len() > LONGEST_LIST {
        return None;
    }
    let text = text.trim();
    let inner = [('[', ']'), ('(', ')')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text);
    let number = |text: &str| {
        let text = text.trim();
        text.strip_suffix(".0").unwrap_or(text).parse().ok()
    };
    inner.trim_end_matches(',').split(',').map(number).collect()
}

/// What ONNX's image metadata says, as Custom Vision's exports have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ImageMetadata {
    /// Whether blue comes first, where it says so.
    pub(crate) blue_first: Option<bool>,
    /// Mean and standard deviation for pixels in 0–255.
    pub(crate) range: Option<(f64, f64)>,
}

/// `Image.BitmapPixelFormat` and `Image.NominalPixelRange`.
pub(crate) fn image_metadata(metadata: &BTreeMap<String, String>) -> Option<ImageMetadata> {
    let text = |key: &str| metadata.get(key).map(|text| text.trim().to_lowercase());
    let blue_first = match text("Image.BitmapPixelFormat").as_deref() {
        Some("bgr8" | "bgra8") => Some(true),
        Some("rgb8" | "rgba8") => Some(false),
        _ => None,
    };
    let range = match text("Image.NominalPixelRange").as_deref() {
        Some("nominalrange_0_255") => Some((0.0, 1.0)),
        Some("normalized_0_1") => Some((0.0, 255.0)),
        Some("normalized_1_1") => Some((127.5, 127.5)),
        Some("nominalrange_16_235") => Some((16.0, 219.0 / 255.0)),
        _ => None,
    };
    (blue_first.is_some() || range.is_some()).then_some(ImageMetadata { blue_first, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(key, text): &(&str, &str)| ((*key).to_owned(), (*text).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn numbers_are_read_as_python_writes_them_and_nothing_else_is() {
        for (text, numbers) in [
            ("32", Some(vec![32])),
            ("32.0", Some(vec![32])),
            ("[640, 480]", Some(vec![640, 480])),
            ("(17, 3)", Some(vec![17, 3])),
            ("(17,)", Some(vec![17])),
            ("[-1, 2]", None),
            ("[1e9]", None),
            ("__import__('os')", None),
            ("", None),
            (&"1,".repeat(500), None),
        ] {
            assert_eq!(integers(text), numbers, "{text}");
        }
    }

    #[test]
    fn hostile_values_count_as_missing() {
        let found = Ultralytics::of(
            &metadata(&[
                ("author", "Ultralytics"),
                ("task", "pose"),
                ("stride", "0"),
                ("kpt_shape", "[4000000000, 3]"),
                ("end2end", "maybe"),
            ]),
            "",
        )
        .unwrap();
        assert_eq!((found.stride, found.keypoints), (None, None));
        assert!(!found.suppresses);
        assert_eq!(size(&metadata(&[("imgsz", "[0, 99999999]")])), None);
        let other = metadata(&[("author", "Ultralytics"), ("task", "rm -rf")]);
        assert_eq!(Ultralytics::of(&other, ""), None);
    }

    #[test]
    fn suppression_inside_of_the_model_is_found_in_its_arguments() {
        for (key, text, suppresses) in [
            ("args", "{'batch': 1, 'half': False, 'nms': True}", true),
            ("args", "{\"nms\": true}", true),
            ("args", "{'agnostic_nms': True, 'nms': False}", false),
            ("args", "{'nms': None}", false),
            ("end2end", "True", true),
        ] {
            let pairs = [("author", "Ultralytics"), ("task", "detect"), (key, text)];
            let found = Ultralytics::of(&metadata(&pairs), "").unwrap();
            assert_eq!(found.suppresses, suppresses, "{text}");
        }
    }
}
