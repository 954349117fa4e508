//! The elements of a tensor in JSON: lists of numbers, truth values or strings, flat or nested.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwright_tensor::DataType;
use half::{bf16, f16};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What the strings of BYTES are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// The elements themselves.
    Text,
    /// The elements in base64.
    Base64,
}

/// Elements that were lists in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The lengths of the lists, outermost first; nothing for an element that stands alone.
    pub lengths: Vec<usize>,
    /// The elements, as in [`crate::Tensor`].
    pub data: Vec<u8>,
    /// Strings that are no base64, by their place, and why. They are empty in `data`.
    pub unreadable: Vec<(usize, String)>,
}

impl Listed {
    /// Whether these are the elements of a tensor of this shape: nested as deep as it has axes, or
    /// less deep, with the rest in a row.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let Some((last, outer)) = self.lengths.split_last() else {
            return false;
        };
        let Some((same, rest)) = shape.split_at_checked(outer.len()) else {
            return false;
        };
        if rest.is_empty() && !shape.is_empty() {
            return false;
        }
        let elements = rest
            .iter()
            .try_fold(1_usize, |all, axis| all.checked_mul(*axis));
        same == outer && elements == Some(*last)
    }
}

/// How much memory the elements take at most.
pub fn room(json: &RawValue, datatype: DataType) -> usize {
    let text = json.get();
    let elements = text.bytes().filter(|byte| *byte == b',').count() + 1;
    match datatype.size() {
        Some(size) => elements.saturating_mul(size),
        // Strings are no longer than they are written, after their lengths.
        None => elements.saturating_mul(4).saturating_add(text.len()),
    }
}

/// Reads lists, however deep, or a single element.
///
/// # Errors
/// In words, where the lists are uneven, there are more than `most` elements, or one is no such
/// type's.
pub fn read(
    json: &RawValue,
    datatype: DataType,
    strings: Strings,
    most: usize,
) -> Result<Listed, String> {
    let mut reader = Reader {
        datatype,
        strings,
        most,
        data: Vec::with_capacity(room(json, datatype)),
        count: 0,
        lengths: Vec::new(),
        leaves: None,
        unreadable: Vec::new(),
        fault: None,
    };
    let level = Level {
        reader: &mut reader,
        depth: 0,
    };
    let read = level.deserialize(&mut serde_json::Deserializer::from_str(json.get()));
    match (reader.fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(error.to_string()),
        (None, Ok(())) => Ok(Listed {
            lengths: reader.lengths.into_iter().flatten().collect(),
            data: reader.data,
            unreadable: reader.unreadable,
        }),
    }
}

struct Reader {
    datatype: DataType,
    strings: Strings,
    most: usize,
    data: Vec<u8>,
    count: usize,
    /// By depth; `None` while a list of that depth has not ended yet.
    lengths: Vec<Option<usize>>,
    /// The depth of all elements.
    leaves: Option<usize>,
    unreadable: Vec<(usize, String)>,
    fault: Option<String>,
}

/// What stands at a depth: a list of the next depth, or an element.
struct Level<'a> {
    reader: &'a mut Reader,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { reader, depth } = self;
        if reader.leaves.is_some_and(|leaves| depth >= leaves) {
            return Err(reader.fault(reader.uneven()));
        }
        if reader.lengths.len() == depth {
            reader.lengths.push(None);
        }
        let mut length = 0;
        loop {
            let level = Level {
                reader: &mut *reader,
                depth: depth + 1,
            };
            match list.next_element_seed(level)? {
                Some(()) => length += 1,
                None => break,
            }
        }
        match reader.lengths[depth].replace(length) {
            Some(other) if other != length => Err(reader.fault(format!(
                "lists of the same depth have {other} and {length} elements"
            ))),
            _ => Ok(()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.reader.unfit("an object"))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(self.reader.unfit("null"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.element(|reader| match reader.datatype {
            DataType::Bool => reader.push([u8::from(value)]),
            _ => Err(value.to_string()),
        })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.element(|reader| reader.whole(value.into(), value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.element(|reader| reader.whole(value.into(), value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.element(|reader| reader.fraction(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.element(|reader| reader.string(text))
    }
}

impl Level<'_> {
    /// Takes an element; `add` gives back what it is where the type can't hold it.
    fn element<E: Error>(
        self,
        add: impl FnOnce(&mut Reader) -> Result<(), String>,
    ) -> Result<(), E> {
        let Self { reader, depth } = self;
        let even = reader.leaves.unwrap_or(reader.lengths.len()) == depth;
        if !even {
            return Err(reader.fault(reader.uneven()));
        }
        if reader.count == reader.most {
            let fault = format!("there are more than {} elements", reader.most);
            return Err(reader.fault(fault));
        }
        reader.leaves = Some(depth);
        add(reader).map_err(|what| reader.unfit(&what))?;
        reader.count += 1;
        Ok(())
    }
}

impl Reader {
    fn push<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), String> {
        self.data.extend_from_slice(&bytes);
        Ok(())
    }

    /// A number without a fraction, exactly and as a float.
    fn whole(&mut self, exact: i128, float: f64) -> Result<(), String> {
        macro_rules! push {
            ($type:ty) => {
                match <$type>::try_from(exact) {
                    Ok(value) => self.push(value.to_le_bytes()),
                    Err(_) => Err(exact.to_string()),
                }
            };
        }
        match self.datatype {
            DataType::Bool => match exact {
                0 | 1 => self.push([u8::from(exact == 1)]),
                _ => Err(exact.to_string()),
            },
            DataType::Int8 => push!(i8),
            DataType::Int16 => push!(i16),
            DataType::Int32 => push!(i32),
            DataType::Int64 => push!(i64),
            DataType::Uint8 => push!(u8),
            DataType::Uint16 => push!(u16),
            DataType::Uint32 => push!(u32),
            DataType::Uint64 => push!(u64),
            DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64 => {
                self.fraction(float)
            }
            DataType::Bytes => Err(exact.to_string()),
        }
    }

    fn fraction(&mut self, value: f64) -> Result<(), String> {
        macro_rules! push {
            ($narrow:expr) => {{
                let narrow = $narrow;
                match narrow.is_finite() {
                    true => self.push(narrow.to_le_bytes()),
                    false => Err(value.to_string()),
                }
            }};
        }
        match self.datatype {
            DataType::Fp16 => push!(f16::from_f64(value)),
            DataType::Bf16 => push!(bf16::from_f64(value)),
            DataType::Fp32 => push!(value as f32),
            DataType::Fp64 => push!(value),
            // JSON does not tell 3.0 from 3; past 2^53 a float does not say which number is meant.
            DataType::Bytes => Err(value.to_string()),
            _ if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => {
                self.whole(value as i128, value)
            }
            _ => Err(value.to_string()),
        }
    }

    fn string(&mut self, text: &str) -> Result<(), String> {
        if self.datatype != DataType::Bytes {
            return Err("a string".into());
        }
        let start = self.data.len();
        self.data.extend_from_slice(&[0; 4]);
        match self.strings {
            Strings::Text => self.data.extend_from_slice(text.as_bytes()),
            Strings::Base64 => {
                if let Err(error) = STANDARD.decode_vec(text, &mut self.data) {
                    self.data.truncate(start + 4);
                    self.unreadable.push((self.count, error.to_string()));
                }
            }
        }
        let length = u32::try_from(self.data.len() - start - 4)
            .map_err(|_| "a string of 4 GiB or more".to_owned())?;
        self.data[start..start + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn uneven(&self) -> String {
        format!("beside element {} stands a list", self.count)
    }

    /// What stands where the next element should.
    fn unfit<E: Error>(&mut self, what: &str) -> E {
        self.fault(format!(
            "element {} is {what}, and {} takes {}",
            self.count,
            self.datatype.name(),
            takes(self.datatype)
        ))
    }

    fn fault<E: Error>(&mut self, fault: String) -> E {
        self.fault = Some(fault);
        E::custom("")
    }
}

fn takes(datatype: DataType) -> String {
    macro_rules! whole {
        ($type:ty) => {
            format!("whole numbers from {} to {}", <$type>::MIN, <$type>::MAX)
        };
    }
    match datatype {
        DataType::Bool => "true and false".into(),
        DataType::Int8 => whole!(i8),
        DataType::Int16 => whole!(i16),
        DataType::Int32 => whole!(i32),
        DataType::Int64 => whole!(i64),
        DataType::Uint8 => whole!(u8),
        DataType::Uint16 => whole!(u16),
        DataType::Uint32 => whole!(u32),
        DataType::Uint64 => whole!(u64),
        DataType::Fp16 => format!("numbers up to {}", f16::MAX),
        DataType::Bf16 => format!("numbers up to {:e}", bf16::MAX.to_f32()),
        DataType::Fp32 => format!("numbers up to {:e}", f32::MAX),
        DataType::Fp64 => format!("numbers up to {:e}", f64::MAX),
        DataType::Bytes => "strings".into(),
    }
}
