//! A sample to begin with, for a model that takes tensors: of the right names, types and shapes.

use bytes::Bytes;

use crate::{DataType, Dimension, Element, Tensor, TensorSpec, npy, npz, with_element_type};

/// The longest example, in elements of one tensor: a shape can say anything.
const MOST_ELEMENTS: usize = 1 << 24;
/// Samples a second of sound, and how many of them models of sound are mostly fed at a time.
const SAMPLE_RATE: f64 = 16_000.0;
const SOUND: usize = 512;
/// What open axes have, by what stands in their name.
const LENGTHS: [(&[&str], usize); 3] = [
    (&["batch", "stream"], 1),
    (&["seq", "token", "time", "frame", "step", "len"], 16),
    (&["height", "width"], 64),
];

/// A file with an example, and how its name ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFile {
    /// `npy`, `npz` or `json`.
    pub extension: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A tensor for each input: numbers from -0.5 to 0.5 that are the same every time, zeros for states
/// and whole numbers, ones for masks. An axis that the model leaves open gets a length by its name;
/// `None` where a shape is not known, or too large.
pub fn tensors(inputs: &[TensorSpec]) -> Option<Vec<Tensor>> {
    let sound = inputs.iter().any(is_sample_rate);
    inputs.iter().map(|spec| tensor(spec, sound)).collect()
}

/// The file of an example: `.npy` for one input, `.npz` for several, and the Open Inference
/// Protocol's JSON where NumPy has not the type.
pub fn file(inputs: &[TensorSpec]) -> Option<ExampleFile> {
    let tensors = tensors(inputs)?;
    let of = |extension, bytes| Some(ExampleFile { extension, bytes });
    let numpy = |tensor: &Tensor| {
        let known = !matches!(tensor.datatype, DataType::Bf16 | DataType::Bytes);
        known && !tensor.name.contains('\0')
    };
    if !tensors.iter().all(numpy) {
        return of("json", request(&tensors)?);
    }
    match &tensors[..] {
        [only] => of("npy", npy::write(only)?),
        several => of("npz", npz::write(several)?),
    }
}

fn tensor(spec: &TensorSpec, sound: bool) -> Option<Tensor> {
    let axes = spec.shape.as_deref()?.iter().enumerate();
    let shape: Vec<usize> = axes
        .map(|(place, axis)| length(spec, place, axis, sound))
        .collect::<Option<_>>()?;
    let count = shape
        .iter()
        .try_fold(1usize, |all, axis| all.checked_mul(*axis));
    let count = count.filter(|count| *count <= MOST_ELEMENTS)?;
    if spec.datatype == DataType::Bytes {
        return Tensor::of_strings(&spec.name, shape, &vec!["example"; count]);
    }
    let mut data = Vec::new();
    with_element_type!(spec.datatype, T => {
        for place in 0..count {
            T::from_float(value(spec, place)).unwrap_or_default().write(&mut data);
        }
    }, bytes => {});
    Some(Tensor {
        name: spec.name.clone(),
        datatype: spec.datatype,
        shape,
        data: Bytes::from(data),
    })
}

fn length(spec: &TensorSpec, place: usize, axis: &Dimension, sound: bool) -> Option<usize> {
    let name = match axis {
        Dimension::Fixed(length) => return usize::try_from(*length).ok(),
        Dimension::Dynamic(name) => name.to_lowercase(),
    };
    let known = LENGTHS
        .iter()
        .find(|(words, _)| words.iter().any(|word| name.contains(word)));
    let rank = spec.shape.as_deref().map_or(0, <[_]>::len);
    Some(match known {
        Some((_, length)) => *length,
        None if sound && !is_state(spec) && place > 0 && place + 1 == rank => SOUND,
        None => 1,
    })
}

fn has(spec: &TensorSpec, words: &[&str]) -> bool {
    let name = spec.name.to_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// What a model remembers from one sample to the next.
fn is_state(spec: &TensorSpec) -> bool {
    has(
        spec,
        &["state", "hidden", "cache", "past", "memory", "context"],
    ) || matches!(&*spec.name, "h" | "c" | "h0" | "c0" | "h_0" | "c_0")
}

fn is_sample_rate(spec: &TensorSpec) -> bool {
    spec.name == "sr" || has(spec, &["sample_rate", "sampling_rate", "samplerate"])
}

fn value(spec: &TensorSpec, place: usize) -> f64 {
    if is_sample_rate(spec) {
        return SAMPLE_RATE;
    }
    if has(spec, &["mask"]) {
        return 1.0;
    }
    if !spec.datatype.is_float() || is_state(spec) {
        return 0.0;
    }
    // A multiplier without a common factor walks through all of them.
    (place * 37 % 101) as f64 / 100.0 - 0.5
}

/// A request of the Open Inference Protocol, whose types are all of the model's.
fn request(tensors: &[Tensor]) -> Option<Vec<u8>> {
    let input = |tensor: &Tensor| {
        let data = match tensor.strings() {
            Some(texts) => {
                let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
                serde_json::Value::from(texts.iter().map(text).collect::<Vec<_>>())
            }
            None => serde_json::to_value(tensor.to_numbers()?).ok()?,
        };
        Some(serde_json::json!({
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape,
            "data": data,
        }))
    };
    let inputs: Vec<_> = tensors.iter().map(input).collect::<Option<_>>()?;
    serde_json::to_vec_pretty(&serde_json::json!({ "inputs": inputs })).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn spec(name: &str, datatype: DataType, axes: &[&str]) -> TensorSpec {
        let axis = |text: &&str| match text.parse() {
            Ok(length) => Dimension::Fixed(length),
            Err(_) => Dimension::Dynamic((*text).to_owned()),
        };
        TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: Some(axes.iter().map(axis).collect()),
        }
    }

    #[test]
    fn an_example_is_read_back_as_a_sample() {
        for (inputs, extension) in [
            (vec![spec("row", DataType::Fp32, &["N", "4"])], "npy"),
            (
                vec![
                    spec("row", DataType::Fp64, &["1", "4"]),
                    spec("ids", DataType::Int64, &["batch", "seq"]),
                    spec("mask", DataType::Bool, &["batch", "seq"]),
                ],
                "npz",
            ),
            (vec![spec("text", DataType::Bytes, &["1", "2"])], "json"),
            (vec![spec("half", DataType::Bf16, &["1", "2"])], "json"),
        ] {
            let written = file(&inputs).unwrap();
            assert_eq!(written.extension, extension);
            let read = sample::read(&written.bytes, &inputs).unwrap();
            assert_eq!(read, tensors(&inputs).unwrap());
        }
    }

    #[test]
    fn a_model_of_sound_with_a_state_gets_what_it_begins_with() {
        let inputs = [
            spec("input", DataType::Fp32, &["", ""]),
            spec("state", DataType::Fp32, &["2", "", "128"]),
            spec("sr", DataType::Int64, &[]),
        ];
        let tensors = tensors(&inputs).unwrap();
        let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        assert_eq!(shapes, [vec![1, 512], vec![2, 1, 128], vec![]]);
        assert_eq!(tensors[2].to_f64(), Some(vec![16_000.0]));
        assert!(tensors[1].to_f64().unwrap().iter().all(|one| *one == 0.0));
        assert!(tensors[0].to_f64().unwrap().iter().any(|one| *one != 0.0));
    }

    #[test]
    fn a_shape_that_is_unknown_or_huge_has_no_example() {
        let huge = spec("x", DataType::Fp32, &["1", "4000000000", "4000000000"]);
        assert_eq!(file(&[huge]), None);
        let unknown = TensorSpec {
            shape: None,
            ..spec("x", DataType::Fp32, &[])
        };
        assert_eq!(file(&[unknown]), None);
    }
}
