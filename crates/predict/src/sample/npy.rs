//! `.npy` files, version 1 to 3 of [NumPy's format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

use boxwright_tensor::DataType;

use crate::error::{Error, Result};

/// NumPy writes headers of a few hundred bytes.
const MAX_HEADER: usize = 64 << 10;

/// An array as it lies in its file, row by row, little-endian.
#[derive(Debug, PartialEq)]
pub(super) struct Array<'a> {
    pub shape: Vec<usize>,
    pub datatype: DataType,
    pub bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// Reads a file.
    pub fn parse(file: &'a [u8]) -> Result<Self> {
        let damaged = |what: &str| Error::Sample(format!("The .npy file can't be read: {what}."));
        let Some([major, _minor, rest @ ..]) = file.strip_prefix(b"\x93NUMPY") else {
            return Err(Error::Sample(
                "The model takes tensors, and the file is no .npy, .npz or JSON. Write it with \
                 numpy.save."
                    .into(),
            ));
        };
        let short = || damaged("it ends within its header");
        let (length, rest) = match major {
            1 => {
                let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            2 | 3 => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            _ => return Err(damaged("its version is not 1, 2 or 3")),
        };
        if length > MAX_HEADER {
            return Err(damaged("its header is too long"));
        }
        let (header, bytes) = rest.split_at_checked(length).ok_or_else(short)?;
        let header = std::str::from_utf8(header).map_err(|_| damaged("its header is no text"))?;
        let datatype = field(header, "descr").and_then(datatype).ok_or_else(|| {
            damaged("its elements are neither little-endian numbers nor booleans")
        })?;
        if field(header, "fortran_order").is_none_or(|order| !order.starts_with("False")) {
            return Err(damaged(
                "it is stored by columns; save numpy.ascontiguousarray(…)",
            ));
        }
        let shape = field(header, "shape")
            .and_then(shape)
            .ok_or_else(|| damaged("it has no shape"))?;
        let size = datatype.size().unwrap_or(1);
        let expected = shape
            .iter()
            .try_fold(size, |all, length| all.checked_mul(*length));
        if expected != Some(bytes.len()) {
            return Err(damaged(&format!(
                "its shape is {shape:?}, which {} bytes of data don't fill; it may be cut off",
                bytes.len()
            )));
        }
        Ok(Self {
            shape,
            datatype,
            bytes,
        })
    }
}

/// What stands behind `'name':` in the header, a literal of a Python dictionary.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{name}':"))?;
    Some(rest.trim_start())
}

fn datatype(descr: &str) -> Option<DataType> {
    let name = descr.strip_prefix('\'')?.split('\'').next()?;
    Some(match name {
        "|b1" => DataType::Bool,
        "|i1" => DataType::Int8,
        "<i2" => DataType::Int16,
        "<i4" => DataType::Int32,
        "<i8" => DataType::Int64,
        "|u1" => DataType::Uint8,
        "<u2" => DataType::Uint16,
        "<u4" => DataType::Uint32,
        "<u8" => DataType::Uint64,
        "<f2" => DataType::Fp16,
        "<f4" => DataType::Fp32,
        "<f8" => DataType::Fp64,
        _ => return None,
    })
}

fn shape(text: &str) -> Option<Vec<usize>> {
    let lengths = text.strip_prefix('(')?.split(')').next()?;
    lengths
        .split(',')
        .map(str::trim)
        .filter(|length| !length.is_empty())
        .map(|length| length.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x01\0".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(data);
        file
    }

    const HEADER: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";

    #[test]
    fn an_array_is_read() {
        let file = npy(HEADER, &[0; 8]);
        let array = Array::parse(&file).unwrap();
        assert_eq!(
            (array.shape.as_slice(), array.datatype),
            (&[1, 2][..], DataType::Fp32)
        );
    }

    #[test]
    fn a_file_that_lies_about_its_length_is_refused() {
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 9), }";
        for file in [
            npy(huge, &[0; 8]),
            npy(HEADER, &[0; 7]),
            b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(),
        ] {
            assert!(Array::parse(&file).is_err());
        }
        let whole = npy(HEADER, &[0; 8]);
        for length in 0..whole.len() {
            assert!(Array::parse(&whole[..length]).is_err(), "{length}");
        }
    }
}
