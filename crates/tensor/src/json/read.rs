//! Lists of elements, as bytes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::element::Element;
use crate::number::non_finite;
use crate::tensor::element_count;
use crate::{DataType, with_element_type};

/// How the elements of BYTES are written as strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringEncoding {
    /// The elements themselves.
    Text,
    /// The elements in base64.
    Base64,
}

/// Elements that were lists in JSON, one in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedList {
    /// The lengths of the lists, outermost first; nothing for an element that stands alone.
    pub lengths: Vec<usize>,
    /// The elements, as in [`crate::Tensor`].
    pub data: Vec<u8>,
    /// Strings that are no base64, by their place, and why. They are empty in `data`.
    pub invalid: Vec<(usize, String)>,
}

impl NestedList {
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
        same == outer && element_count(rest) == Some(*last)
    }
}

/// How many bytes the elements take at most.
pub fn max_bytes(json: &RawValue, datatype: DataType) -> usize {
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
/// In words, where the lists are uneven, there are more than `max_elements` elements, or one is
/// none of the type.
pub fn read(
    json: &RawValue,
    datatype: DataType,
    encoding: StringEncoding,
    max_elements: usize,
) -> Result<NestedList, String> {
    let mut reader = Reader {
        datatype,
        encoding,
        max_elements,
        data: Vec::with_capacity(max_bytes(json, datatype)),
        count: 0,
        lengths: Vec::new(),
        leaves: None,
        invalid: Vec::new(),
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
        (None, Ok(())) => Ok(NestedList {
            lengths: reader.lengths.into_iter().flatten().collect(),
            data: reader.data,
            invalid: reader.invalid,
        }),
    }
}

struct Reader {
    datatype: DataType,
    encoding: StringEncoding,
    max_elements: usize,
    data: Vec<u8>,
    count: usize,
    /// By depth; `None` while a list of that depth has not ended yet.
    lengths: Vec<Option<usize>>,
    /// The depth of all elements.
    leaves: Option<usize>,
    invalid: Vec<(usize, String)>,
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
        Err(self.reader.mismatch("an object"))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(self.reader.mismatch("null"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.element(|reader| {
            match reader.datatype {
                DataType::Bool => reader.push(Some(value)),
                _ => None,
            }
            .ok_or_else(|| value.to_string())
        })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.element(|reader| reader.integer(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.element(|reader| reader.integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.element(|reader| reader.float(value))
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
        if reader.count == reader.max_elements {
            let fault = format!("there are more than {} elements", reader.max_elements);
            return Err(reader.fault(fault));
        }
        reader.leaves = Some(depth);
        add(reader).map_err(|what| reader.mismatch(&what))?;
        reader.count += 1;
        Ok(())
    }
}

impl Reader {
    /// Appends an element; `None` where there is none.
    fn push(&mut self, element: Option<impl Element>) -> Option<()> {
        element?.write(&mut self.data);
        Some(())
    }

    fn integer(&mut self, value: i128) -> Result<(), String> {
        with_element_type!(self.datatype, T => self.push(T::from_integer(value)), bytes => None)
            .ok_or_else(|| value.to_string())
    }

    fn float(&mut self, value: f64) -> Result<(), String> {
        with_element_type!(self.datatype, T => self.push(T::from_float(value)), bytes => None)
            .ok_or_else(|| value.to_string())
    }

    fn string(&mut self, text: &str) -> Result<(), String> {
        if self.datatype != DataType::Bytes {
            let value = non_finite(text).ok_or("a string")?;
            let pushed = with_element_type!(
                self.datatype,
                T => self.push(T::from_non_finite(value)),
                bytes => None,
            );
            return pushed.ok_or_else(|| text.to_owned());
        }
        let start = self.data.len();
        self.data.extend_from_slice(&[0; 4]);
        match self.encoding {
            StringEncoding::Text => self.data.extend_from_slice(text.as_bytes()),
            StringEncoding::Base64 => {
                if let Err(error) = STANDARD.decode_vec(text, &mut self.data) {
                    self.data.truncate(start + 4);
                    self.invalid.push((self.count, error.to_string()));
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
    fn mismatch<E: Error>(&mut self, what: &str) -> E {
        self.fault(format!(
            "element {} is {what}, and {} takes {}",
            self.count,
            self.datatype.name(),
            with_element_type!(self.datatype, T => T::range(), bytes => "strings".into())
        ))
    }

    fn fault<E: Error>(&mut self, fault: String) -> E {
        self.fault = Some(fault);
        E::custom("")
    }
}
