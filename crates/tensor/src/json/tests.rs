use half::{bf16, f16};
use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{BatchRows, Elements, NestedList, StringEncoding, read};
use crate::{DataType, Tensor};

fn read_list(json: &Value, datatype: DataType) -> Result<NestedList, String> {
    read(
        &to_raw_value(json).unwrap(),
        datatype,
        StringEncoding::Text,
        usize::MAX,
    )
}

fn tensor(datatype: DataType, shape: Vec<usize>, data: Vec<u8>) -> Tensor {
    Tensor {
        name: "y".into(),
        datatype,
        shape,
        data: data.into(),
    }
}

/// Reads, and writes again.
fn there_and_back(json: &Value, datatype: DataType) -> Value {
    let list = read_list(json, datatype).unwrap_or_else(|error| panic!("{datatype:?}: {error}"));
    let tensor = tensor(datatype, list.lengths, list.data);
    serde_json::to_value(Elements::nested(&tensor)).unwrap()
}

#[test]
fn every_type_keeps_its_extremes() {
    for (datatype, json) in [
        (DataType::Bool, json!([true, false])),
        (DataType::Int8, json!([-128, 127])),
        (DataType::Int16, json!([-32768, 32767])),
        (DataType::Int32, json!([i32::MIN, i32::MAX])),
        (DataType::Int64, json!([i64::MIN, i64::MAX])),
        (DataType::Uint8, json!([0, 255])),
        (DataType::Uint16, json!([0, 65535])),
        (DataType::Uint32, json!([0, u32::MAX])),
        (DataType::Uint64, json!([0, u64::MAX])),
        (DataType::Fp16, json!([-65504.0, 0.5])),
        (DataType::Bf16, json!([-2.0, 0.0078125])),
        (DataType::Fp32, json!([f32::MIN, f32::MIN_POSITIVE])),
        (DataType::Fp64, json!([f64::MAX, 5e-324, 0.1])),
        (DataType::Bytes, json!(["", "für \"alle\"\u{0}"])),
    ] {
        assert_eq!(there_and_back(&json, datatype), json, "{datatype:?}");
        let nested = json!([[json.clone()], [json]]);
        assert_eq!(there_and_back(&nested, datatype), nested, "{datatype:?}");
    }
}

#[test]
fn what_a_type_cannot_hold_is_named_with_its_place() {
    for (datatype, wrong, words) in [
        (
            DataType::Bool,
            json!(2),
            "element 1 is 2, and BOOL takes true and false",
        ),
        (DataType::Bool, json!("true"), "a string"),
        (DataType::Int8, json!(128), "whole numbers from -128 to 127"),
        (DataType::Int8, json!(true), "element 1 is true"),
        (DataType::Int16, json!(-32769), "-32769"),
        (DataType::Int32, json!(1.5), "element 1 is 1.5, and INT32"),
        (
            DataType::Int64,
            json!(9_223_372_036_854_775_808_u64),
            "INT64",
        ),
        (DataType::Uint8, json!(256), "from 0 to 255"),
        (DataType::Uint8, json!(-1), "from 0 to 255"),
        (DataType::Uint16, json!(1e5), "from 0 to 65535"),
        (DataType::Uint32, json!(4_294_967_296_u64), "UINT32"),
        (DataType::Uint64, json!(1e20), "UINT64"),
        (DataType::Fp16, json!(70000), "numbers up to 65504"),
        (DataType::Bf16, json!(1e39), "BF16"),
        (DataType::Fp32, json!(1e39), "FP32"),
        (DataType::Fp32, json!(null), "element 1 is null"),
        (DataType::Fp64, json!({}), "element 1 is an object"),
        (
            DataType::Bytes,
            json!(1),
            "element 1 is 1, and BYTES takes strings",
        ),
    ] {
        let right = match datatype {
            DataType::Bytes => json!("a"),
            _ => json!(1),
        };
        let error = read_list(&json!([right, wrong]), datatype).unwrap_err();
        assert!(error.contains(words), "{datatype:?} {wrong}: {error}");
    }
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    let json = RawValue::from_string("[1.0, -3e2, 9007199254740992.0]".into()).unwrap();
    let list = read(&json, DataType::Int64, StringEncoding::Text, usize::MAX).unwrap();
    let numbers: Vec<u8> = [1_i64, -300, 1 << 53]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    assert_eq!(list.data, numbers);
}

#[test]
fn lists_are_even_or_refused() {
    for uneven in [
        json!([1, [2]]),
        json!([[1], 2]),
        json!([[1, 2], [3]]),
        json!([[], [1]]),
        json!([[], 1]),
        json!([[[1]], [[]]]),
        json!([[[]], [1]]),
    ] {
        assert!(read_list(&uneven, DataType::Int8).is_err(), "{uneven}");
    }
    let lengths = |json: Value| read_list(&json, DataType::Int8).unwrap().lengths;
    assert_eq!(lengths(json!(3)), [0; 0]);
    assert_eq!(lengths(json!([])), [0]);
    assert_eq!(lengths(json!([[], []])), [2, 0]);
    assert_eq!(lengths(json!([[1, 2, 3], [4, 5, 6]])), [2, 3]);
}

#[test]
fn reading_ends_past_the_most_elements() {
    let json = to_raw_value(&json!([[1, 2], [3, 4]])).unwrap();
    let read = |most| read(&json, DataType::Int8, StringEncoding::Text, most);
    assert_eq!(read(4).unwrap().data, [1, 2, 3, 4]);
    assert!(read(3).unwrap_err().contains("more than 3 elements"));
}

#[test]
fn lists_fit_a_shape_nested_in_part_or_flat() {
    let fits = |lengths: &[usize], shape: &[usize]| {
        let lengths = lengths.to_vec();
        let (data, invalid) = (Vec::new(), Vec::new());
        NestedList {
            lengths,
            data,
            invalid,
        }
        .fits(shape)
    };
    for lengths in [&[2, 3, 4][..], &[2, 12], &[24]] {
        assert!(fits(lengths, &[2, 3, 4]), "{lengths:?}");
    }
    for lengths in [&[3, 2, 4][..], &[2, 3], &[2], &[2, 3, 4, 1], &[], &[4, 6]] {
        assert!(!fits(lengths, &[2, 3, 4]), "{lengths:?}");
    }
    assert!(fits(&[1], &[]));
    assert!(!fits(&[1], &[usize::MAX, 2]));
}

#[test]
fn bad_base64_is_empty_and_told() {
    let json = to_raw_value(&json!(["aGk=", "%", "aG8="])).unwrap();
    let list = read(&json, DataType::Bytes, StringEncoding::Base64, usize::MAX).unwrap();
    let tensor = tensor(DataType::Bytes, vec![3], list.data);
    assert_eq!(tensor.strings().unwrap(), [&b"hi"[..], b"", b"ho"]);
    assert_eq!(list.invalid.len(), 1);
    assert_eq!(list.invalid[0].0, 1);
}

#[test]
fn nan_and_infinities_are_strings_that_come_back() {
    let json = json!(["NaN", "Infinity", "-Infinity", 1.5]);
    for datatype in DataType::ALL {
        let read = read_list(&json, datatype);
        match datatype {
            _ if datatype.is_float() => assert_eq!(there_and_back(&json, datatype), json),
            DataType::Bytes => assert!(read.is_err()),
            _ => {
                let error = read.unwrap_err();
                assert!(error.contains("element 0 is NaN, and"), "{error}");
            }
        }
    }
    for (datatype, wrong) in [
        (DataType::Fp32, "nan"),
        (DataType::Fp64, "inf"),
        (DataType::Fp16, "1"),
        (DataType::Bool, "-infinity"),
    ] {
        let error = read_list(&json!([wrong]), datatype).unwrap_err();
        assert!(error.contains("element 0 is a string"), "{error}");
    }
}

#[test]
fn what_json_cannot_say_is_named() {
    let data = vec![1, 0, 0, 0, 0xff];
    let error = serde_json::to_vec(&Elements::flat(&tensor(DataType::Bytes, vec![1], data)));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("output `y`"), "{error}");
    assert!(error.contains("binary_data"), "{error}");
}

#[test]
fn rows_are_nested_by_the_axes_after_the_first() {
    let mut x = tensor(DataType::Uint8, vec![2, 3, 1], vec![1, 2, 3, 4, 5, 6]);
    x.name = "x".into();
    let y = tensor(DataType::Bool, vec![2], vec![1, 0]);
    assert_eq!(
        serde_json::to_value(BatchRows(&[x.clone(), y])).unwrap(),
        json!([
            {"x": [[1], [2], [3]], "y": true},
            {"x": [[4], [5], [6]], "y": false},
        ])
    );
    let y = tensor(DataType::Bool, vec![1], vec![1]);
    let error = serde_json::to_value(BatchRows(&[x, y]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`y`"), "{error}");
}

proptest! {
    #[test]
    fn floats_come_back_bit_for_bit(values in prop::collection::vec(any::<f64>(), 1..50)) {
        for datatype in [DataType::Fp64, DataType::Fp32, DataType::Fp16, DataType::Bf16] {
            let bytes = |value: &f64| match datatype {
                DataType::Fp64 => value.to_le_bytes().to_vec(),
                DataType::Fp32 => (*value as f32).to_le_bytes().to_vec(),
                DataType::Fp16 => f16::from_f64(*value).to_le_bytes().to_vec(),
                _ => bf16::from_f64(*value).to_le_bytes().to_vec(),
            };
            let data: Vec<u8> = values.iter().flat_map(bytes).collect();
            let tensor = tensor(datatype, vec![values.len()], data.clone());
            // Some become infinite.
            let json = to_raw_value(&Elements::flat(&tensor)).unwrap();
            prop_assert_eq!(read(&json, datatype, StringEncoding::Text, usize::MAX).unwrap().data, data);
        }
    }

    #[test]
    fn strings_come_back(texts in prop::collection::vec(any::<String>(), 1..20)) {
        let json = json!(texts);
        prop_assert_eq!(there_and_back(&json, DataType::Bytes), json);
    }

    #[test]
    fn any_json_is_read_or_refused(text in "[\\[\\]{},:\"0-9a-z. eE+-]{0,60}") {
        if let Ok(json) = RawValue::from_string(text) {
            for datatype in DataType::ALL {
                for encoding in [StringEncoding::Text, StringEncoding::Base64] {
                    let _ = read(&json, datatype, encoding, 20);
                }
            }
        }
    }

    #[test]
    fn any_nesting_is_read_or_refused(text in "[\\[\\],1]{0,300}") {
        if let Ok(json) = RawValue::from_string(text)
            && let Ok(list) = read(&json, DataType::Uint8, StringEncoding::Text, usize::MAX)
        {
            prop_assert_eq!(list.lengths.iter().product::<usize>(), list.data.len());
        }
    }
}
