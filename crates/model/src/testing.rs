//! ONNX files for tests, written field by field.

use std::path::{Path, PathBuf};

/// A message of a protocol buffer as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proto(pub(crate) Vec<u8>);

impl Proto {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn varint(mut self, field: u64, value: i64) -> Self {
        self.raw_varint(field << 3);
        self.raw_varint(value.cast_unsigned());
        self
    }

    pub(crate) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub(crate) fn message(self, field: u64, message: Proto) -> Self {
        self.bytes(field, &message.0)
    }

    pub(crate) fn each(self, field: u64, messages: impl IntoIterator<Item = Proto>) -> Self {
        messages
            .into_iter()
            .fold(self, |this, message| this.message(field, message))
    }
}

/// One axis of a shape: fixed, or dynamic with a name.
#[derive(Clone, Copy)]
pub(crate) enum Axis {
    F(i64),
    D(&'static str),
}

/// A graph's input or output: a tensor of the numbered element type.
pub(crate) fn value(name: &str, element: i64, axes: &[Axis]) -> Proto {
    let axis = |axis: &Axis| match axis {
        Axis::F(length) => Proto::new().varint(1, *length),
        Axis::D(name) => Proto::new().text(2, name),
    };
    let shape = Proto::new().each(1, axes.iter().map(axis));
    let tensor = Proto::new().varint(1, element).message(2, shape);
    Proto::new()
        .text(1, name)
        .message(2, Proto::new().message(1, tensor))
}

/// A float tensor without data.
pub(crate) fn tensor(name: &str, dims: &[i64]) -> Proto {
    let dims = dims
        .iter()
        .fold(Proto::new(), |proto, length| proto.varint(1, *length));
    dims.varint(2, 1).text(8, name)
}

/// A float tensor whose data is in another file.
pub(crate) fn external(name: &str, dims: &[i64], place: &[(&str, &str)]) -> Proto {
    tensor(name, dims)
        .each(13, place.iter().map(|(key, value)| pair(key, value)))
        .varint(14, 1)
}

pub(crate) fn pair(key: &str, value: &str) -> Proto {
    Proto::new().text(1, key).text(2, value)
}

pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Proto {
    let proto = inputs
        .iter()
        .fold(Proto::new(), |proto, input| proto.text(1, input));
    outputs
        .iter()
        .fold(proto, |proto, output| proto.text(2, output))
        .text(4, operator)
}

/// A model of IR version 10 and operator set 18 around a graph.
pub(crate) fn model(graph: Proto) -> Proto {
    Proto::new()
        .varint(1, 10)
        .text(2, "pytorch")
        .text(3, "2.15.0")
        .message(7, graph)
        .message(8, Proto::new().text(1, "").varint(2, 18))
}

/// A classifier of pictures, NCHW, whose output is made by `last`.
pub(crate) fn classifier(classes: i64, last: &str) -> Proto {
    use Axis::{D, F};
    Proto::new()
        .message(1, node("Conv", &["images", "w"], &["features"]))
        .message(1, node(last, &["features"], &["scores"]))
        .message(5, tensor("w", &[classes, 3, 1, 1]))
        .message(11, value("images", 1, &[D("batch"), F(3), F(224), F(224)]))
        .message(12, value("scores", 1, &[D("batch"), F(classes)]))
}

/// Writes `proto` as `name` into the folder.
pub(crate) fn write(folder: &Path, name: &str, proto: &Proto) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, &proto.0).unwrap();
    path
}
