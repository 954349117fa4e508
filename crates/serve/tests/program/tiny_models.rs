//! Small ONNX models, written field by field as `onnx.proto` numbers them.

use boxwright_tensor::DataType;

/// A message of protocol buffers that is being put together.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        varint(&mut self.0, field << 3);
        varint(&mut self.0, value);
        self
    }

    fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        varint(&mut self.0, field << 3 | 2);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn message(self, field: u64, message: Self) -> Self {
        self.bytes(field, message.0)
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A model that gives its input `x` back, as `y` and as `z`. An axis is a number, or a name where
/// it is dynamic.
pub fn echo(datatype: DataType, axes: &[&str]) -> Vec<u8> {
    let value = |name: &str| value(name, element(datatype), axes);
    let graph = Message::default()
        .message(1, identity("x", "y"))
        .message(1, identity("x", "z"))
        .bytes(2, "echo")
        .message(11, value("x"))
        .message(12, value("y"))
        .message(12, value("z"));
    Message::default()
        .number(1, 8)
        .bytes(2, "boxwright-tests")
        .message(7, graph)
        .message(8, Message::default().bytes(1, "").number(2, 16))
        .0
}

fn identity(from: &str, to: &str) -> Message {
    Message::default()
        .bytes(1, from)
        .bytes(2, to)
        .bytes(4, "Identity")
}

fn value(name: &str, element: u64, axes: &[&str]) -> Message {
    let shape = axes.iter().fold(Message::default(), |shape, axis| {
        let dimension = match axis.parse() {
            Ok(length) => Message::default().number(1, length),
            Err(_) => Message::default().bytes(2, axis),
        };
        shape.message(1, dimension)
    });
    let tensor = Message::default().number(1, element).message(2, shape);
    Message::default()
        .bytes(1, name)
        .message(2, Message::default().message(1, tensor))
}

/// The element type's number.
fn element(datatype: DataType) -> u64 {
    match datatype {
        DataType::Fp32 => 1,
        DataType::Uint8 => 2,
        DataType::Int8 => 3,
        DataType::Uint16 => 4,
        DataType::Int16 => 5,
        DataType::Int32 => 6,
        DataType::Int64 => 7,
        DataType::Bytes => 8,
        DataType::Bool => 9,
        DataType::Fp16 => 10,
        DataType::Fp64 => 11,
        DataType::Uint32 => 12,
        DataType::Uint64 => 13,
        DataType::Bf16 => 16,
    }
}
