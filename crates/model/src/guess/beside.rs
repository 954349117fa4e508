//! Inputs beside a picture, which are filled in for every picture.

use boxwright_tensor::{DataType, Dimension, TensorSpec};

use super::clues::Clues;
use super::input::Picture;
use super::shape::{fixed, last, length, named, rank, shown};
use crate::package::{Input, InputKind, SizeOrder};

/// The token with which CLIP ends a text: the shortest one that there is.
const END_OF_TEXT: f64 = 49_407.0;

/// What an input holds beside the picture, and why; the reason why nobody knows, otherwise.
pub(crate) fn fill(
    clues: &Clues,
    spec: &TensorSpec,
    picture: &Picture<'_>,
) -> Result<(Input, String), String> {
    let name = shown(spec);
    if spec.datatype == DataType::Bytes {
        return Err(format!("{name} takes text beside a picture"));
    }
    mask(spec, picture)
        .or_else(|| size(clues, spec, picture))
        .or_else(|| constant(clues, spec, picture))
        .ok_or_else(|| {
            format!(
                "{name} is beside a picture and nothing says what it holds: if it is always the \
                 same, make it a `constant`, and the picture an `image`"
            )
        })
}

fn mask(spec: &TensorSpec, picture: &Picture<'_>) -> Option<(Input, String)> {
    if !named(spec, &["mask"]) || rank(spec) != Some(3) {
        return None;
    }
    let axes = spec.shape.as_deref()?;
    let open = matches!(
        axes.first(),
        Some(Dimension::Dynamic(_) | Dimension::Fixed(1))
    );
    let side = |axis: usize, side: Option<u32>| match axes.get(axis).and_then(length) {
        Some(length) => Some(length) == side.map(u64::from),
        None => true,
    };
    if open && side(1, picture.height) && side(2, picture.width) {
        let why = "a mask of the picture's size: ones where it is, zeros where it is padded";
        return Some((Input::new(&spec.name, InputKind::Mask), why.to_owned()));
    }
    let why = "a mask of another size than the picture's: all of it is looked at";
    Some((ones(spec, 1.0), why.to_owned()))
}

fn ones(spec: &TensorSpec, value: f64) -> Input {
    Input {
        value: vec![value],
        ..Input::new(&spec.name, InputKind::Constant)
    }
}

/// Width and height of the photo, in either order.
fn size(clues: &Clues, spec: &TensorSpec, picture: &Picture<'_>) -> Option<(Input, String)> {
    let pair = last(spec) == Some(2) && matches!(rank(spec), Some(1 | 2));
    let one = rank(spec) == Some(1) || fixed(spec, 0).is_none_or(|batch| batch == 1);
    if !pair || !one {
        return None;
    }
    // PaddleDetection's say how the picture was resized; its boxes are then those of the tensor.
    let paddle = clues
        .inputs()
        .iter()
        .any(|spec| named(spec, &["scale_factor"]));
    if named(spec, &["scale_factor"]) {
        let why = "with 1 the boxes are those of the tensor";
        return Some((ones(spec, 1.0), why.to_owned()));
    }
    if named(spec, &["im_shape"]) && paddle {
        let sides = [picture.height?, picture.width?].map(f64::from);
        let input = Input {
            value: sides.to_vec(),
            ..Input::new(&spec.name, InputKind::Constant)
        };
        return Some((input, "height and width of the tensor".to_owned()));
    }
    let order = if named(spec, &["orig_target_size"]) {
        SizeOrder::Wh
    } else if named(
        spec,
        &["shape", "hw", "orig_size", "original_size", "im_size"],
    ) {
        SizeOrder::Hw
    } else if named(spec, &["size", "wh"]) {
        SizeOrder::Wh
    } else {
        return None;
    };
    let why = match order {
        SizeOrder::Wh => "the photo's width and height, by the input's name",
        SizeOrder::Hw => "the photo's height and width, by the input's name",
    };
    let input = Input {
        order,
        ..Input::new(&spec.name, InputKind::OriginalSize)
    };
    Some((input, why.to_owned()))
}

/// Numbers that are the same for every picture.
fn constant(clues: &Clues, spec: &TensorSpec, picture: &Picture<'_>) -> Option<(Input, String)> {
    let elements = spec
        .shape
        .as_deref()?
        .iter()
        .map(|axis| length(axis).unwrap_or(1))
        .try_fold(1u64, u64::checked_mul)?;
    let single = elements == 1;
    let of_text = clues
        .outputs()
        .iter()
        .any(|spec| named(spec, &["image_embeds"]));
    let state = matches!(&*spec.name, "r1i" | "r2i" | "r3i" | "r4i") && single;
    let (value, why) = if single && named(spec, &["iou", "nms_thres", "nms_thresh"]) {
        let iou = if clues.ultralytics.is_some() {
            0.7
        } else {
            0.5
        };
        (
            iou,
            "a usual overlap from which the worse of two boxes is dropped",
        )
    } else if single && named(spec, &["score", "conf"]) {
        (0.25, "a usual score from which a box is shown")
    } else if single
        && named(
            spec,
            &["max_output", "max_det", "topk", "top_k", "max_boxes"],
        )
    {
        (300.0, "a usual number of boxes at most")
    } else if single && named(spec, &["training", "dropout", "is_train"]) {
        (0.0, "a model that predicts is not in training")
    } else if single && named(spec, &["downsample_ratio"]) {
        (
            0.25,
            "what its authors advise for pictures of high definition",
        )
    } else if state {
        (0.0, "the state before the first picture")
    } else if of_text && named(spec, &["input_ids"]) {
        (
            END_OF_TEXT,
            "an empty text: the picture's vector doesn't depend on it",
        )
    } else if of_text && named(spec, &["attention_mask"]) {
        (1.0, "all of the text")
    } else if named(spec, &["scale_factor"]) && elements <= 2 && picture.batched {
        (1.0, "with 1 the boxes are those of the tensor")
    } else {
        return None;
    };
    Some((ones(spec, value), format!("always {value}: {why}")))
}
