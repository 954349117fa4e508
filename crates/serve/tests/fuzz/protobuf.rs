//! Changes to a message of protocol buffers that leave it one, mostly.

use fastrand::Rng;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_varint, skip_field,
};

use crate::dictionary::LENGTHS;
use crate::mutate::{LONGEST, one_of};

/// A field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    number: u32,
    wire: WireType,
    /// What follows the key; of a length-delimited field without its length.
    content: Vec<u8>,
}

/// `message` with one change, at any depth; parts of `other` may come in. `None` where it is no
/// message.
pub fn mutated(message: &[u8], other: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let mut fields = fields(message)?;
    change(&mut fields, other, rng);
    let mut out = Vec::new();
    for field in &fields {
        field.write(rng, &mut out);
    }
    Some(out)
}

fn change(message: &mut Vec<Field>, other: &[u8], rng: &mut Rng) {
    if message.is_empty() {
        message.extend(fields(other).unwrap_or_default());
        return;
    }
    let place = rng.usize(..message.len());
    let field = &mut message[place];
    let is_inner = field.wire == WireType::LengthDelimited && rng.u8(..4) > 0;
    if is_inner && let Some(inner) = mutated(&field.content, other, rng) {
        field.content = inner;
        return;
    }
    match rng.u8(..10) {
        0 => drop(message.remove(place)),
        1 | 2 => {
            let field = field.clone();
            let room = LONGEST / (field.content.len() + 2);
            let times = *one_of(&[1, 1, 2, 2, 30, 30, 300, 70_000], rng);
            message.extend(std::iter::repeat_n(field, times.min(room)));
        }
        3 => {
            field.number = *one_of(
                &[1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 19_000, (1 << 29) - 1],
                rng,
            )
        }
        4 => {
            field.wire = *one_of(
                &[
                    WireType::Varint,
                    WireType::LengthDelimited,
                    WireType::SixtyFourBit,
                    WireType::StartGroup,
                ],
                rng,
            )
        }
        5 => {
            let inside = field.content.clone();
            for _ in 0..*one_of(&[1, 3, 90, 110, 3000], rng) {
                let inner = Field {
                    content: std::mem::take(&mut field.content),
                    ..field.clone()
                };
                inner.write(&mut Rng::with_seed(0), &mut field.content);
            }
            field.content.extend(inside);
            field.wire = WireType::LengthDelimited;
        }
        6 => {
            let others = fields(other).unwrap_or_default();
            if !others.is_empty() {
                message.push(one_of(&others, rng).clone());
            }
        }
        _ => field.content = content(field.wire, &field.content, rng),
    }
}

fn content(wire: WireType, before: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut content = Vec::new();
    match wire {
        WireType::Varint => encode_varint(*one_of(&LENGTHS, rng), &mut content),
        WireType::LengthDelimited => match rng.u8(..4) {
            0 => {}
            1 => content = before.repeat(*one_of(&[2, 100], rng)),
            2 => (0..rng.usize(..9))
                .for_each(|_| encode_varint(*one_of(&LENGTHS, rng), &mut content)),
            _ => content.extend((0..rng.usize(..40)).map(|_| rng.u8(..))),
        },
        _ => content.extend((0..before.len()).map(|_| rng.u8(..))),
    }
    content.truncate(LONGEST);
    content
}

fn fields(mut message: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (number, wire) = decode_key(&mut message).ok()?;
        if wire == WireType::LengthDelimited {
            let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
            let (content, rest) = message.split_at_checked(length)?;
            fields.push(Field {
                number,
                wire,
                content: content.into(),
            });
            message = rest;
            continue;
        }
        let start = message;
        skip_field(wire, number, &mut message, DecodeContext::default()).ok()?;
        let content = start[..start.len() - message.len()].into();
        fields.push(Field {
            number,
            wire,
            content,
        });
    }
    Some(fields)
}

impl Field {
    /// One length of a hundred is a lie.
    fn write(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        encode_varint(u64::from(self.number) << 3 | self.wire as u64, out);
        if self.wire == WireType::LengthDelimited {
            let lie = rng.u8(..100) == 99;
            let length = if lie {
                *one_of(&LENGTHS, rng)
            } else {
                self.content.len() as u64
            };
            encode_varint(length, out);
        }
        out.extend(&self.content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart_and_put_together_again() {
        let field = |number, wire, content: &[u8]| Field {
            number,
            wire,
            content: content.into(),
        };
        let message = [
            field(1, WireType::LengthDelimited, b"name"),
            field(2, WireType::Varint, &[0x96, 1]),
            field(3, WireType::ThirtyTwoBit, &[1, 2, 3, 4]),
        ];
        let mut bytes = Vec::new();
        message
            .iter()
            .for_each(|field| field.write(&mut Rng::with_seed(0), &mut bytes));
        assert_eq!(bytes, b"\x0a\x04name\x10\x96\x01\x1d\x01\x02\x03\x04");
        assert_eq!(fields(&bytes).unwrap(), message);
        assert_eq!(fields(&bytes[..5]), None);
        let changed =
            |seed: &u64| mutated(&bytes, b"", &mut Rng::with_seed(*seed)).unwrap() != bytes;
        assert!((0..200).filter(changed).count() > 150);
    }
}
