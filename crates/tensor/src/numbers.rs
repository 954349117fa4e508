//! Numbers of one type, as compact as in a tensor.

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::{DataType, Element, Number, with_element_type};

/// Numbers of one type. In JSON they are a list of [`Number`]s; in memory they take what the tensor
/// takes that they are from, of which they are a part.
#[derive(Debug, Clone)]
pub struct Numbers {
    datatype: DataType,
    data: Bytes,
}

impl Numbers {
    /// Little-endian elements; `None` where they are BYTES, or the last is not complete.
    pub fn new(datatype: DataType, data: Bytes) -> Option<Self> {
        let size = datatype.size()?;
        data.len()
            .is_multiple_of(size)
            .then_some(Self { datatype, data })
    }

    /// Numbers that were read from JSON; `None` where the type has no such number.
    pub fn of(datatype: DataType, numbers: &[Number]) -> Option<Self> {
        let mut data = Vec::with_capacity(numbers.len() * datatype.size()?);
        with_element_type!(datatype, T => {
            for number in numbers {
                element::<T>(*number)?.write(&mut data);
            }
        }, bytes => return None);
        Self::new(datatype, data.into())
    }

    /// The element type.
    pub fn datatype(&self) -> DataType {
        self.datatype
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.data.len() / self.datatype.size().unwrap_or(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// How many bytes they take.
    pub fn byte_length(&self) -> usize {
        self.data.len()
    }

    /// The numbers in order.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Number> + '_> {
        with_element_type!(
            self.datatype,
            T => Box::new(T::read(&self.data).map(Number::from)),
            bytes => Box::new(std::iter::empty()),
        )
    }

    /// At most `count` of them from `start` on, which share the memory of all.
    pub fn part(&self, start: usize, count: usize) -> Self {
        let size = self.datatype.size().unwrap_or(1);
        let start = start.saturating_mul(size).min(self.data.len());
        let end = start
            .saturating_add(count.saturating_mul(size))
            .min(self.data.len());
        Self {
            datatype: self.datatype,
            data: self.data.slice(start..end),
        }
    }

    /// The first `count`, in memory of their own.
    pub fn first(&self, count: usize) -> Self {
        let data = Bytes::copy_from_slice(&self.part(0, count).data);
        let datatype = self.datatype;
        Self { datatype, data }
    }
}

fn element<T: Element>(number: Number) -> Option<T> {
    match number {
        Number::Negative(value) => T::from_integer(value.into()),
        Number::Unsigned(value) => T::from_integer(value.into()),
        Number::Single(_) | Number::Double(_) => {
            let value = number.to_f64();
            match value.is_finite() {
                true => T::from_float(value),
                false => T::from_non_finite(value),
            }
        }
    }
}

/// NaN equals NaN, so that numbers that were read twice equal themselves.
impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        self.datatype == other.datatype && self.iter().eq(other.iter())
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        with_element_type!(
            self.datatype,
            T => serializer.collect_seq(T::read(&self.data).map(Number::from)),
            bytes => serializer.collect_seq(std::iter::empty::<Number>()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_the_digits_of_their_type_and_read_back() {
        for (datatype, text) in [
            (DataType::Fp32, r#"[0.1,-3.5,"NaN","Infinity","-Infinity"]"#),
            (DataType::Fp64, "[0.1,1e+300]"),
            (DataType::Fp16, "[1.5,-2.0]"),
            (DataType::Int64, "[-9223372036854775808,7]"),
            (DataType::Uint64, "[18446744073709551615]"),
            (DataType::Uint8, "[0,255]"),
            (DataType::Bool, "[0,1]"),
        ] {
            let read: Vec<Number> = serde_json::from_str(text).unwrap();
            let numbers = Numbers::of(datatype, &read).unwrap();
            assert_eq!(serde_json::to_string(&numbers).unwrap(), text);
            assert_eq!(numbers.len(), read.len());
            let again: Vec<Number> = numbers.iter().collect();
            assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
    }

    #[test]
    fn what_a_type_can_not_hold_is_refused() {
        let numbers = |text: &str| -> Vec<Number> { serde_json::from_str(text).unwrap() };
        assert!(Numbers::of(DataType::Uint8, &numbers("[256]")).is_none());
        assert!(Numbers::of(DataType::Int32, &numbers("[\"NaN\"]")).is_none());
        assert!(Numbers::of(DataType::Bytes, &numbers("[1]")).is_none());
        assert!(Numbers::new(DataType::Fp32, Bytes::from_static(b"abc")).is_none());
    }

    #[test]
    fn a_part_is_what_is_there_of_it() {
        let all: Vec<Number> = (0..10u8).map(Number::from).collect();
        let numbers = Numbers::of(DataType::Uint8, &all).unwrap();
        let text = |numbers: &Numbers| serde_json::to_string(numbers).unwrap();
        assert_eq!(text(&numbers.part(8, 5)), "[8,9]");
        assert_eq!(text(&numbers.part(20, 5)), "[]");
        assert_eq!(text(&numbers.first(3)), "[0,1,2]");
    }
}
