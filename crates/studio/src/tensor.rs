//! The elements of tensors that came as bytes.

use boxwright_model::prediction::OutputTensor;
use boxwright_tensor::DataType;
use boxwright_worker::Tensor;
use half::{bf16, f16};
use serde_json::Number;

/// The tensor as it is printed. Elements that JSON has no number for (NaN, infinities) are the
/// nearest that it has: 0, and the largest of either sign.
///
/// `None` where the bytes are not whole elements, or the elements are strings.
pub fn printed(tensor: &Tensor) -> Option<OutputTensor> {
    let data = numbers(tensor.datatype, &tensor.data)?;
    Some(OutputTensor {
        shape: tensor.shape.clone(),
        datatype: tensor.datatype,
        data,
    })
}

/// Whether the elements are floating-point numbers.
pub fn is_float(datatype: DataType) -> bool {
    matches!(
        datatype,
        DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64
    )
}

/// The elements as double precision, exact but for integers beyond 2^53.
///
/// `None` as for [`printed`].
pub fn floats(tensor: &Tensor) -> Option<Vec<f64>> {
    let bytes = &tensor.data;
    match tensor.datatype {
        DataType::Fp16 => each(bytes, |b| f64::from(f16::from_le_bytes(b))),
        DataType::Bf16 => each(bytes, |b| f64::from(bf16::from_le_bytes(b))),
        DataType::Fp32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
        DataType::Fp64 => each(bytes, f64::from_le_bytes),
        other => {
            let numbers = numbers(other, bytes)?;
            numbers.iter().map(Number::as_f64).collect()
        }
    }
}

fn numbers(datatype: DataType, bytes: &[u8]) -> Option<Vec<Number>> {
    match datatype {
        DataType::Bool | DataType::Uint8 => each(bytes, |[b]: [u8; 1]| b.into()),
        DataType::Int8 => each(bytes, |b| i8::from_le_bytes(b).into()),
        DataType::Int16 => each(bytes, |b| i16::from_le_bytes(b).into()),
        DataType::Int32 => each(bytes, |b| i32::from_le_bytes(b).into()),
        DataType::Int64 => each(bytes, |b| i64::from_le_bytes(b).into()),
        DataType::Uint16 => each(bytes, |b| u16::from_le_bytes(b).into()),
        DataType::Uint32 => each(bytes, |b| u32::from_le_bytes(b).into()),
        DataType::Uint64 => each(bytes, |b| u64::from_le_bytes(b).into()),
        DataType::Fp16 => each(bytes, |b| float(f64::from(f16::from_le_bytes(b)))),
        DataType::Bf16 => each(bytes, |b| float(f64::from(bf16::from_le_bytes(b)))),
        DataType::Fp32 => each(bytes, |b| float(f64::from(f32::from_le_bytes(b)))),
        DataType::Fp64 => each(bytes, |b| float(f64::from_le_bytes(b))),
        DataType::Bytes => None,
    }
}

fn float(value: f64) -> Number {
    let finite = if value.is_nan() {
        0.0
    } else {
        value.clamp(f64::MIN, f64::MAX)
    };
    Number::from_f64(finite).unwrap_or_else(|| 0.into())
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (elements, rest) = bytes.as_chunks::<N>();
    rest.is_empty()
        .then(|| elements.iter().map(|element| read(*element)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(datatype: DataType, bytes: &[u8]) -> Tensor {
        Tensor {
            shape: vec![1],
            datatype,
            data: bytes.to_vec().into(),
        }
    }

    #[test]
    fn elements_are_little_endian_and_whole() {
        let table: [(DataType, &[u8], &str); 8] = [
            (
                DataType::Fp32,
                &0.1f32.to_le_bytes(),
                "[0.10000000149011612]",
            ),
            (DataType::Fp16, &f16::from_f32(1.5).to_le_bytes(), "[1.5]"),
            (
                DataType::Bf16,
                &bf16::from_f32(-2.0).to_le_bytes(),
                "[-2.0]",
            ),
            (DataType::Int64, &(-3i64).to_le_bytes(), "[-3]"),
            (
                DataType::Uint64,
                &u64::MAX.to_le_bytes(),
                "[18446744073709551615]",
            ),
            (DataType::Uint8, &[0, 255], "[0,255]"),
            (DataType::Bool, &[1], "[1]"),
            (DataType::Fp32, &f32::NAN.to_le_bytes(), "[0.0]"),
        ];
        for (datatype, bytes, expected) in table {
            let printed = printed(&tensor(datatype, bytes)).expect("whole elements");
            let json = serde_json::to_string(&printed.data).expect("serialised");
            assert_eq!(json, expected, "{datatype:?}");
        }
        assert_eq!(printed(&tensor(DataType::Fp32, &[0; 6])), None);
        assert_eq!(printed(&tensor(DataType::Bytes, b"abc")), None);
    }
}
