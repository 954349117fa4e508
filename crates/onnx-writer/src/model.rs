//! Whole models.

use std::io;
use std::path::Path;

use crate::message::{entry, message_type};
use crate::{Graph, Message, Node};

message_type! {
    /// `ModelProto`: what an ONNX file holds.
    Model
}

impl Model {
    /// A model of this version of `onnx.proto`, so far without a graph.
    pub fn new(ir_version: i64) -> Self {
        Self(Message::new().number(1, ir_version))
    }

    /// Appends the program that the model says it was written by.
    pub fn producer(self, name: &str, version: &str) -> Self {
        Self(self.0.bytes(2, name).bytes(3, version))
    }

    /// Appends a description.
    pub fn description(self, text: &str) -> Self {
        Self(self.0.bytes(6, text))
    }

    /// Appends the graph.
    pub fn graph(self, graph: Graph) -> Self {
        Self(self.0.message(7, graph))
    }

    /// Appends the version of a domain's operators; ONNX's own domain is "".
    pub fn opset(self, domain: &str, version: i64) -> Self {
        let opset = Message::new().bytes(1, domain).number(2, version);
        Self(self.0.message(8, opset))
    }

    /// Appends an entry of the metadata.
    pub fn metadata(self, key: &str, value: &str) -> Self {
        Self(self.0.message(14, entry(key, value)))
    }

    /// Appends a function of these operators.
    pub fn function(self, nodes: impl IntoIterator<Item = Node>) -> Self {
        Self(self.0.message(25, Message::new().messages(7, nodes)))
    }

    /// Appends an operator of the model's own, without operators in it.
    pub fn operator(self, domain: &str, name: &str) -> Self {
        let message = Message::new().bytes(1, name).bytes(10, domain);
        Self(self.0.message(25, message))
    }

    /// The file's content.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.0
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &self.0.0)
    }
}
