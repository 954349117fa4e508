use std::io::Write;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::DataType;

fn npy(datatype: DataType, shape: &[usize], data: &[u8]) -> Vec<u8> {
    npy::write(&tensor("", datatype, shape, data)).unwrap()
}

fn npz(arrays: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut file = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, array) in arrays {
        file.start_file(format!("{name}.npy"), options).unwrap();
        file.write_all(array).unwrap();
    }
    file.finish().unwrap().into_inner()
}

fn spec(name: &str, datatype: DataType, axes: &[Option<u64>]) -> TensorSpec {
    let axis = |axis: &Option<u64>| match axis {
        Some(length) => Dimension::Fixed(*length),
        None => Dimension::Dynamic("N".into()),
    };
    TensorSpec {
        name: name.into(),
        datatype,
        shape: Some(axes.iter().map(axis).collect()),
    }
}

/// Two numbers, and a truth value beside them.
fn inputs() -> [TensorSpec; 2] {
    [
        spec("x", DataType::Fp32, &[None, Some(2)]),
        spec("mask", DataType::Bool, &[None, Some(1)]),
    ]
}

fn tensor(name: &str, datatype: DataType, shape: &[usize], data: &[u8]) -> Tensor {
    Tensor {
        name: name.into(),
        datatype,
        shape: shape.into(),
        data: Bytes::copy_from_slice(data),
    }
}

fn both() -> Vec<Tensor> {
    vec![
        tensor("x", DataType::Fp32, &[1, 2], &[0, 0, 128, 63, 0, 0, 0, 64]),
        tensor("mask", DataType::Bool, &[1, 1], &[1]),
    ]
}

#[test]
fn an_array_alone_is_the_only_input_with_or_without_its_batch_axis() {
    let data = [7; 8];
    for shape in [&[2][..], &[1, 2]] {
        let found = read(&npy(DataType::Fp32, shape, &data), &inputs()[..1]).unwrap();
        assert_eq!(found, [tensor("x", DataType::Fp32, &[1, 2], &data)]);
    }
    let error = read(&npy(DataType::Fp32, &[2], &data), &inputs()).unwrap_err();
    assert!(error.to_string().contains("`x`, `mask`"), "{error}");
    let error = read(&npy(DataType::Fp64, &[1], &data), &inputs()[..1]).unwrap_err();
    assert!(error.to_string().contains("astype"), "{error}");
}

#[test]
fn a_model_without_a_batch_takes_the_whole_array() {
    let whole = [spec("x", DataType::Uint8, &[Some(3)])];
    let found = read(&npy(DataType::Uint8, &[3], &[1, 2, 3]), &whole).unwrap();
    assert_eq!(found[0].shape, [3]);
}

#[test]
fn arrays_of_one_file_go_by_the_inputs_names_in_any_order() {
    let x = npy(DataType::Fp32, &[2], &[0, 0, 128, 63, 0, 0, 0, 64]);
    let mask = npy(DataType::Bool, &[1, 1], &[1]);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let file = npz(&[("mask", &mask), ("label", &mask), ("x", &x)], method);
        assert_eq!(read(&file, &inputs()).unwrap(), both());
    }
    let file = npz(&[("x", &x), ("y", &mask)], CompressionMethod::Stored);
    let error = read(&file, &inputs()).unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)));
    assert!(error.to_string().contains("no array `mask`"), "{error}");
    assert!(error.to_string().contains("`x`, `y`"), "{error}");
}

#[test]
fn one_array_for_one_input_may_have_any_name() {
    let x = npy(DataType::Fp32, &[2], &[0; 8]);
    let file = npz(&[("arr_0", &x)], CompressionMethod::Deflated);
    assert_eq!(read(&file, &inputs()[..1]).unwrap()[0].name, "x");
}

#[test]
fn a_request_in_json_is_a_sample() {
    let file = br#" {"id": "7", "inputs": [
        {"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2.0]},
        {"name": "mask", "datatype": "BOOL", "shape": [1, 1], "data": [[true]]}
    ]}"#;
    assert_eq!(read(file, &inputs()).unwrap(), both());
    for (file, told) in [
        (&b"{}"[..], "`inputs`"),
        (
            br#"{"inputs": [{"name": "x", "datatype": "FP33", "shape": [], "data": []}]}"#,
            "FP33",
        ),
        (
            br#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [3], "data": [1, 2]}]}"#,
            "[2], and `shape` says [3]",
        ),
        (
            br#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": ["1"]}]}"#,
            "a string",
        ),
    ] {
        let error = read(file, &inputs()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn an_archive_that_unfolds_to_gigabytes_is_not_unfolded() {
    let bomb = vec![0; MAX_BYTES + 1];
    let file = npz(&[("x", &bomb)], CompressionMethod::Deflated);
    assert!(file.len() < 1 << 20);
    let error = read(&file, &inputs()[..1]).unwrap_err();
    assert!(error.to_string().contains("unpacked"), "{error}");
}

proptest! {
    #[test]
    fn what_is_cut_or_changed_is_an_error_or_a_sample(
        place in 0..400_usize,
        byte in any::<u8>(),
        length in 0..400_usize,
    ) {
        let x = npy(DataType::Fp32, &[2], &[0; 8]);
        let mask = npy(DataType::Bool, &[1, 1], &[1]);
        let mut file = npz(&[("x", &x), ("mask", &mask)], CompressionMethod::Deflated);
        file.truncate(length.max(4));
        if let Some(changed) = file.get_mut(place) {
            *changed = byte;
        }
        let _ = read(&file, &inputs());
    }
}
