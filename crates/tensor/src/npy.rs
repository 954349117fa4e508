//! `.npy` files, version 1 to 3 of [NumPy's format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

use bytes::Bytes;

use crate::tensor::element_count;
use crate::{DataType, Error, Result, Tensor};

/// NumPy writes headers of a few hundred bytes.
const MAX_HEADER: usize = 64 << 10;
const MAGIC: &[u8] = b"\x93NUMPY";
const ALIGNMENT: usize = 64;

/// NumPy's names of data types.
const DESCRIPTIONS: [(&str, DataType); 12] = [
    ("|b1", DataType::Bool),
    ("|i1", DataType::Int8),
    ("<i2", DataType::Int16),
    ("<i4", DataType::Int32),
    ("<i8", DataType::Int64),
    ("|u1", DataType::Uint8),
    ("<u2", DataType::Uint16),
    ("<u4", DataType::Uint32),
    ("<u8", DataType::Uint64),
    ("<f2", DataType::Fp16),
    ("<f4", DataType::Fp32),
    ("<f8", DataType::Fp64),
];

/// An array as it lies in its file, row by row, little-endian.
#[derive(Debug, PartialEq)]
pub struct Array<'a> {
    /// Axes, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub datatype: DataType,
    /// The elements.
    pub bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Unreadable`] where it is no `.npy` file of numbers or truth values by rows.
    pub fn parse(file: &'a [u8]) -> Result<Self> {
        let damaged =
            |what: &str| Error::Unreadable(format!("The .npy file can't be read: {what}."));
        let Some([major, _minor, rest @ ..]) = file.strip_prefix(MAGIC) else {
            return Err(Error::Unreadable(
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
        let expected = element_count(&shape).and_then(|count| count.checked_mul(size));
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

    /// A tensor of this name; copies the elements.
    pub fn to_tensor(&self, name: &str) -> Tensor {
        Tensor {
            name: name.into(),
            datatype: self.datatype,
            shape: self.shape.clone(),
            data: Bytes::copy_from_slice(self.bytes),
        }
    }
}

/// Writes a file, of version 1; `None` for the types that NumPy has not, BF16 and BYTES, and for
/// more axes than NumPy takes.
pub fn write(tensor: &Tensor) -> Option<Vec<u8>> {
    let (descr, _) = DESCRIPTIONS
        .into_iter()
        .find(|(_, datatype)| *datatype == tensor.datatype)?;
    let lengths: String = tensor
        .shape
        .iter()
        .map(|length| format!("{length}, "))
        .collect();
    let shape = match &tensor.shape[..] {
        [_] => lengths.trim_end(),
        _ => lengths.trim_end_matches(", "),
    };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The elements begin at a multiple of the alignment, after a line's end.
    let prefix = MAGIC.len() + 4;
    let length = (prefix + header.len() + 1).next_multiple_of(ALIGNMENT) - prefix;
    header.extend(std::iter::repeat_n(' ', length - header.len() - 1));
    header.push('\n');
    let mut file = MAGIC.to_vec();
    file.extend([1, 0]);
    file.extend(u16::try_from(length).ok()?.to_le_bytes());
    file.extend(header.as_bytes());
    file.extend_from_slice(&tensor.data);
    Some(file)
}

/// What stands behind `'name':` in the header, a literal of a Python dictionary.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{name}':"))?;
    Some(rest.trim_start())
}

fn datatype(descr: &str) -> Option<DataType> {
    let name = descr.strip_prefix('\'')?.split('\'').next()?;
    let found = DESCRIPTIONS.into_iter().find(|(descr, _)| *descr == name);
    found.map(|(_, datatype)| datatype)
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
    fn what_is_written_is_read_back() {
        for (_, datatype) in DESCRIPTIONS {
            let size = datatype.size().unwrap();
            for shape in [vec![], vec![3], vec![2, 3], vec![1; 32], vec![0, 4]] {
                let count = element_count(&shape).unwrap();
                let data: Vec<u8> = (0..count * size).map(|byte| byte as u8).collect();
                let tensor = Tensor {
                    name: "x".into(),
                    datatype,
                    shape,
                    data: data.into(),
                };
                let file = write(&tensor).unwrap();
                assert_eq!((file.len() - tensor.data.len()) % ALIGNMENT, 0);
                assert_eq!(Array::parse(&file).unwrap().to_tensor("x"), tensor);
            }
        }
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
