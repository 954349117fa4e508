//! Inputs beside the picture: constants, the photo's size, and masks.

use boxwright_model::package::SizeOrder;
use boxwright_model::pipeline::{Content, OtherInput};
use boxwright_tensor::{Element, with_element_type};
use ort::value::DynValue;

use crate::error::{Error, Result};
use crate::stage::frame::Frame;
use crate::tensor;

/// The input for pictures that lie so.
pub(crate) fn value(input: &OtherInput, frames: &[Frame]) -> Result<DynValue> {
    let count = if input.batched { frames.len() } else { 1 };
    let mut shape = Vec::with_capacity(3);
    if input.batched {
        shape.push(count);
    }
    let mut numbers: Vec<f64> = Vec::new();
    match &input.content {
        Content::Constant(value) => {
            shape.extend(&input.shape);
            let length: usize = input.shape.iter().product();
            for _ in 0..count {
                match value[..] {
                    [one] => numbers.resize(numbers.len() + length, one),
                    _ => numbers.extend(value),
                }
            }
        }
        Content::OriginalSize(order) => {
            shape.push(2);
            for frame in &frames[..count] {
                let (width, height) = (frame.photo.0 as f64, frame.photo.1 as f64);
                numbers.extend(match order {
                    SizeOrder::Wh => [width, height],
                    SizeOrder::Hw => [height, width],
                });
            }
        }
        Content::Mask => {
            let (width, height) = frames.first().map_or((0, 0), |frame| frame.canvas);
            shape.extend([height, width]);
            for frame in &frames[..count] {
                mask(frame, &mut numbers);
            }
        }
    }
    let unfit = || {
        Error::Shape(format!(
            "an input of {} can't hold the number that the package gives it",
            input.datatype.name()
        ))
    };
    let mut bytes = Vec::new();
    with_element_type!(input.datatype, T => {
        for number in numbers {
            T::from_float(number).ok_or_else(unfit)?.write(&mut bytes);
        }
    }, bytes => return Err(unfit()));
    tensor::from_bytes(&shape, input.datatype, [&bytes[..]])
}

/// Ones where the picture is.
fn mask(frame: &Frame, numbers: &mut Vec<f64>) {
    let (width, height) = frame.canvas;
    let columns = frame.at.0..frame.at.0 + frame.inner.0;
    let rows = frame.at.1..frame.at.1 + frame.inner.1;
    for y in 0..height {
        let inside = rows.contains(&y);
        numbers.extend((0..width).map(|x| f64::from(u8::from(inside && columns.contains(&x)))));
    }
}
