//! The wire format of protocol buffers, as a walk over fields that skips what nobody asks for.
//! Generated code would read a model whole; here only the fields in question are touched.

use std::io::{Read, Seek};

use super::source::{Fault, Source};

/// Most fields that are looked at in one file: about two seconds' worth.
const MOST_FIELDS: u64 = 60_000_000;

/// The bytes of one message, and how far the walk has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    next: u64,
    end: u64,
}

impl Message {
    pub(crate) fn len(self) -> u64 {
        self.end - self.next
    }

    pub(crate) fn start(self) -> u64 {
        self.next
    }
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) value: Value,
    /// Offset of the field's tag.
    pub(crate) at: u64,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Varint(u64),
    /// Four or eight bytes, which nothing here needs.
    Fixed,
    /// Bytes, a string, a message, or packed numbers.
    Bytes(Message),
}

/// Walks over messages.
pub(crate) struct Wire<'a, R> {
    source: &'a mut Source<R>,
    fields: u64,
}

impl<'a, R: Read + Seek> Wire<'a, R> {
    pub(crate) fn new(source: &'a mut Source<R>) -> Self {
        Self { source, fields: 0 }
    }

    /// The whole file as one message.
    pub(crate) fn whole(&self) -> Message {
        Message {
            next: 0,
            end: self.source.len(),
        }
    }

    /// The message's next field; `None` at its end. What the last field held need not have been
    /// read.
    pub(crate) fn field(&mut self, message: &mut Message) -> Result<Option<Field>, Fault> {
        if message.next >= message.end {
            return Ok(None);
        }
        let at = message.next;
        self.fields += 1;
        if self.fields > MOST_FIELDS {
            return Err(Fault::at(
                at,
                format!("it has more than {MOST_FIELDS} fields"),
            ));
        }
        self.source.seek(at)?;
        let tag = self.varint(message.end)?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| (1..1 << 29).contains(number));
        let Some(number) = number else {
            return Err(Fault::at(at, format!("{} is no field number", tag >> 3)));
        };
        let value = match tag & 7 {
            0 => Value::Varint(self.varint(message.end)?),
            1 => self.fixed(8, message.end)?,
            2 => Value::Bytes(self.bytes(at, message.end)?),
            5 => self.fixed(4, message.end)?,
            kind => return Err(Fault::at(at, format!("{kind} is no kind of field"))),
        };
        message.next = match value {
            Value::Bytes(inner) => inner.end,
            _ => self.source.position(),
        };
        Ok(Some(Field { number, value, at }))
    }

    /// The text of a field, at most `most` bytes.
    pub(crate) fn text(&mut self, field: &Field, most: u64) -> Result<String, Fault> {
        let message = inner(field)?;
        if message.len() > most {
            let what = format!(
                "a text of {} bytes, where at most {most} are read",
                message.len()
            );
            return Err(Fault::at(field.at, what));
        }
        self.source.seek(message.next)?;
        let bytes = self.source.take(message.len())?;
        String::from_utf8(bytes).map_err(|error| {
            let at = message.next + error.utf8_error().valid_up_to() as u64;
            Fault::at(at, "a text that is not UTF-8")
        })
    }

    /// Calls `each` with every number of a repeated field, packed or not.
    pub(crate) fn numbers(
        &mut self,
        field: &Field,
        mut each: impl FnMut(u64) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match field.value {
            Value::Varint(number) => each(number),
            Value::Fixed => Err(wrong_kind(field)),
            Value::Bytes(packed) => {
                self.source.seek(packed.next)?;
                while self.source.position() < packed.end {
                    let number = self.varint(packed.end)?;
                    each(number)?;
                }
                Ok(())
            }
        }
    }

    fn fixed(&mut self, size: u64, end: u64) -> Result<Value, Fault> {
        let at = self.source.position();
        if end - at < size {
            return Err(Fault::at(
                at,
                format!("{size} bytes should follow, and {} do", end - at),
            ));
        }
        self.source.seek(at + size)?;
        Ok(Value::Fixed)
    }

    fn bytes(&mut self, at: u64, end: u64) -> Result<Message, Fault> {
        let len = self.varint(end)?;
        let next = self.source.position();
        if len > end - next {
            let left = end - next;
            return Err(Fault::at(
                at,
                format!("a field of {len} bytes, where {left} are left"),
            ));
        }
        Ok(Message {
            next,
            end: next + len,
        })
    }

    /// A varint that ends before `end`.
    fn varint(&mut self, end: u64) -> Result<u64, Fault> {
        let at = self.source.position();
        let most = (end - at).min(10) as usize;
        let mut number = 0_u64;
        let ready = self.source.buffered();
        if ready.len() >= most {
            for (index, &byte) in ready[..most].iter().enumerate() {
                number |= shifted(byte, index, at)?;
                if byte & 0x80 == 0 {
                    self.source.consume(index + 1);
                    return Ok(number);
                }
            }
        } else {
            for index in 0..most {
                let Some(byte) = self.source.byte()? else {
                    break;
                };
                number |= shifted(byte, index, at)?;
                if byte & 0x80 == 0 {
                    return Ok(number);
                }
            }
        }
        let what = if most == 10 {
            "a number of more than 64 bits"
        } else {
            "a number is cut off"
        };
        Err(Fault::at(at, what))
    }
}

/// Seven bits of a varint in their place.
fn shifted(byte: u8, index: usize, at: u64) -> Result<u64, Fault> {
    if index == 9 && byte > 1 {
        return Err(Fault::at(at, "a number of more than 64 bits"));
    }
    Ok(u64::from(byte & 0x7f) << (7 * index))
}

/// The field's bytes as a message.
pub(crate) fn inner(field: &Field) -> Result<Message, Fault> {
    match field.value {
        Value::Bytes(message) => Ok(message),
        _ => Err(wrong_kind(field)),
    }
}

/// The field's number.
pub(crate) fn number(field: &Field) -> Result<u64, Fault> {
    match field.value {
        Value::Varint(number) => Ok(number),
        _ => Err(wrong_kind(field)),
    }
}

fn wrong_kind(field: &Field) -> Fault {
    Fault::at(
        field.at,
        format!("field {} is of the wrong kind", field.number),
    )
}
