//! Protocol buffers as they are written: keys, numbers, and bytes with their length.

/// A message that is being put together, field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(
    /// The bytes so far.
    pub Vec<u8>,
);

/// The wire type of a number.
const VARINT: u64 = 0;
/// The wire type of bytes, texts and messages.
const LENGTH_DELIMITED: u64 = 2;

impl Message {
    /// A message without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a number; a negative one takes ten bytes.
    pub fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3 | VARINT);
        self.varint(value.cast_unsigned());
        self
    }

    /// Appends bytes or a text.
    pub fn bytes(self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut message = self.opened(field, bytes.len() as u64);
        message.0.extend_from_slice(bytes);
        message
    }

    /// Appends a message in this message.
    pub fn message(self, field: u64, message: impl Into<Self>) -> Self {
        self.bytes(field, message.into().0)
    }

    /// Appends messages of one field.
    pub fn messages(self, field: u64, messages: impl IntoIterator<Item: Into<Self>>) -> Self {
        let append = |this: Self, message| this.message(field, message);
        messages.into_iter().fold(self, append)
    }

    /// Appends the key and the length of a field whose bytes follow.
    pub fn opened(mut self, field: u64, length: u64) -> Self {
        self.varint(field << 3 | LENGTH_DELIMITED);
        self.varint(length);
        self
    }

    /// Seven bits a byte, the low ones first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A message of `onnx.proto`: a [`Message`] with methods for its fields.
macro_rules! message_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(
            /// The fields so far: for what the methods can't write.
            pub $crate::Message,
        );

        impl From<$name> for $crate::Message {
            fn from(message: $name) -> Self {
                message.0
            }
        }
    };
}

pub(crate) use message_type;

/// `StringStringEntryProto`: metadata, and where external data lies.
pub(crate) fn entry(key: &str, value: &str) -> Message {
    Message::new().bytes(1, key).bytes(2, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_protocol_buffers_number_them() {
        let message = Message::new()
            .number(1, 300)
            .bytes(2, "ab")
            .message(16, Message::new().number(1, 1));
        assert_eq!(message.0, b"\x08\xac\x02\x12\x02ab\x82\x01\x02\x08\x01");
        assert_eq!(Message::new().number(1, -1).0.len(), 11);
        assert_eq!(Message::new().opened(9, 128).0, [0x4a, 0x80, 0x01]);
    }
}
