use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::server::grpc::proto::inference::InferTensorContents as Contents;
use crate::server::problem::Kind;

const LIMIT: usize = 1 << 20;

fn read_all(datatype: DataType, contents: &Contents) -> Result<Bytes, Problem> {
    read("x", datatype, &[contents.encode_to_vec().into()], LIMIT)
}

fn tensor(datatype: DataType, data: Bytes) -> Tensor {
    Tensor {
        name: "x".into(),
        datatype,
        shape: vec![],
        data,
    }
}

/// One tensor of each type that has a field, and its elements in that field.
fn examples() -> Vec<(Tensor, Contents)> {
    let mut examples = Vec::new();
    let mut add = |datatype, bytes: Vec<u8>, contents| {
        examples.push((tensor(datatype, bytes.into()), contents));
    };
    let empty = Contents::default;
    add(
        DataType::Bool,
        vec![1, 0, 1],
        Contents {
            bool_contents: vec![true, false, true],
            ..empty()
        },
    );
    add(
        DataType::Int8,
        vec![0xff, 0x80, 0x7f],
        Contents {
            int_contents: vec![-1, -128, 127],
            ..empty()
        },
    );
    add(
        DataType::Int16,
        vec![0xff, 0xff, 0, 0x80],
        Contents {
            int_contents: vec![-1, -32768],
            ..empty()
        },
    );
    let ints = [i32::MIN, -1, 0, i32::MAX];
    add(
        DataType::Int32,
        ints.iter().flat_map(|i| i.to_le_bytes()).collect(),
        Contents {
            int_contents: ints.into(),
            ..empty()
        },
    );
    let longs = [i64::MIN, -1, i64::MAX];
    add(
        DataType::Int64,
        longs.iter().flat_map(|i| i.to_le_bytes()).collect(),
        Contents {
            int64_contents: longs.into(),
            ..empty()
        },
    );
    add(
        DataType::Uint8,
        vec![0, 255],
        Contents {
            uint_contents: vec![0, 255],
            ..empty()
        },
    );
    add(
        DataType::Uint16,
        vec![0xff, 0xff],
        Contents {
            uint_contents: vec![65535],
            ..empty()
        },
    );
    add(
        DataType::Uint32,
        vec![0xff; 4],
        Contents {
            uint_contents: vec![u32::MAX],
            ..empty()
        },
    );
    add(
        DataType::Uint64,
        vec![0xff; 8],
        Contents {
            uint64_contents: vec![u64::MAX],
            ..empty()
        },
    );
    let floats = [1.5, f32::NEG_INFINITY, -0.0];
    add(
        DataType::Fp32,
        floats.iter().flat_map(|f: &f32| f.to_le_bytes()).collect(),
        Contents {
            fp32_contents: floats.into(),
            ..empty()
        },
    );
    let doubles = [1.5, f64::MIN_POSITIVE];
    add(
        DataType::Fp64,
        doubles.iter().flat_map(|f: &f64| f.to_le_bytes()).collect(),
        Contents {
            fp64_contents: doubles.into(),
            ..empty()
        },
    );
    let strings = Tensor::of_strings("x", vec![2], &["", "ab"]).unwrap();
    examples.push((
        strings,
        Contents {
            bytes_contents: vec!["".into(), "ab".into()],
            ..empty()
        },
    ));
    examples
}

#[test]
fn every_type_is_read_and_written_as_protobuf_has_it() {
    for (tensor, contents) in examples() {
        let kind = tensor.datatype.name();
        assert_eq!(
            read_all(tensor.datatype, &contents).unwrap(),
            tensor.data,
            "{kind}"
        );
        let written = write(&tensor).unwrap();
        assert_eq!(Contents::decode(written).unwrap(), contents, "{kind}");
    }
    for only_raw in [DataType::Fp16, DataType::Bf16] {
        assert!(write(&tensor(only_raw, Bytes::new())).is_none());
        let problem = read_all(only_raw, &Contents::default()).unwrap_err();
        assert!(problem.message.contains("`x`") && problem.message.contains("raw_input_contents"));
    }
}

#[test]
fn numbers_may_come_one_by_one_and_in_pieces() {
    let mut unpacked = Vec::new();
    for number in [1_u64, 300] {
        encode_key(3, WireType::Varint, &mut unpacked);
        encode_varint(number, &mut unpacked);
    }
    let packed = Contents {
        int64_contents: vec![7],
        ..Contents::default()
    };
    let pieces = [unpacked.into(), packed.encode_to_vec().into()];
    let data = read("x", DataType::Int64, &pieces, LIMIT).unwrap();
    let expected: Vec<u8> = [1_i64, 300, 7]
        .iter()
        .flat_map(|i| i.to_le_bytes())
        .collect();
    assert_eq!(data, expected);
    let mut float = Vec::new();
    encode_key(6, WireType::ThirtyTwoBit, &mut float);
    float.extend(1.5_f32.to_le_bytes());
    assert_eq!(
        read("x", DataType::Fp32, &[float.into()], LIMIT).unwrap(),
        1.5_f32.to_le_bytes()[..]
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let message = |datatype, contents| read_all(datatype, &contents).unwrap_err().message;
    let floats = || Contents {
        fp32_contents: vec![1.0],
        ..Contents::default()
    };
    let wrong_field = message(DataType::Int64, floats());
    assert!(
        ["`x`", "INT64", "fp32_contents", "int64_contents"]
            .iter()
            .all(|part| wrong_field.contains(part)),
        "{wrong_field}"
    );
    let too_large = Contents {
        int_contents: vec![5, 128],
        ..Contents::default()
    };
    assert!(message(DataType::Int8, too_large).contains("128, which is no INT8"));
    let negative = Contents {
        uint_contents: vec![65536],
        ..Contents::default()
    };
    assert!(message(DataType::Uint16, negative).contains("65536, which is no UINT16"));
    let cut = Bytes::from_static(&[6 << 3 | 2, 3, 0, 0, 0]);
    assert!(read("x", DataType::Fp32, &[cut], LIMIT).is_err());
    let beyond = Bytes::from_static(&[6 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(read("x", DataType::Fp32, &[beyond], LIMIT).is_err());
}

#[test]
fn elements_never_take_more_than_the_limit() {
    let small = Contents {
        int64_contents: vec![1; 1000],
        ..Contents::default()
    };
    let piece: Bytes = small.encode_to_vec().into();
    assert!(piece.len() < 1100);
    assert!(read("x", DataType::Int64, std::slice::from_ref(&piece), 8000).is_ok());
    let problem = read("x", DataType::Int64, &[piece], 7999).unwrap_err();
    assert_eq!(problem.kind, Kind::TooLarge);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (tensor, _) in examples() {
            let _ = read("x", tensor.datatype, &[bytes.clone().into()], 1000);
        }
    }
}
