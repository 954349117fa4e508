//! The elements of tensors that came as bytes.

use boxwright_model::prediction::OutputTensor;
use boxwright_tensor::{Scalar, Tensor};
use serde_json::Number;

/// The tensor as it is printed. Elements that JSON has no number for (NaN, infinities) are the
/// nearest that it has: 0, and the largest of either sign.
///
/// `None` where the bytes are not whole elements, or the elements are strings.
pub fn printed(tensor: &Tensor) -> Option<OutputTensor> {
    if !tensor.is_complete() {
        return None;
    }
    Some(OutputTensor {
        shape: tensor.shape.clone(),
        datatype: tensor.datatype,
        data: tensor.scalars().map(number).collect::<Option<_>>()?,
    })
}

fn number(scalar: Scalar) -> Option<Number> {
    let nearest = |value: f64| match value.is_nan() {
        true => Number::from_f64(0.0),
        false => Number::from_f64(value.clamp(f64::MIN, f64::MAX)),
    };
    scalar.to_number().or_else(|| nearest(scalar.to_f64()?))
}

#[cfg(test)]
mod tests {
    use boxwright_tensor::{DataType, bf16, f16};

    use super::*;

    fn tensor(datatype: DataType, bytes: &[u8]) -> Tensor {
        Tensor {
            name: String::new(),
            datatype,
            shape: vec![bytes.len() / datatype.size().unwrap_or(1)],
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
