//! Graphs, the operators in them, and the operators' attributes.

use crate::message::message_type;
use crate::{Message, SparseTensor, Tensor, Value};

message_type! {
    /// `GraphProto`.
    Graph
}

impl Graph {
    /// A graph without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends its name.
    pub fn name(self, name: &str) -> Self {
        Self(self.0.bytes(2, name))
    }

    /// Appends an operator.
    pub fn node(self, node: Node) -> Self {
        Self(self.0.message(1, node))
    }

    /// Appends operators.
    pub fn nodes(self, nodes: impl IntoIterator<Item = Node>) -> Self {
        Self(self.0.messages(1, nodes))
    }

    /// Appends a weight.
    pub fn initializer(self, tensor: Tensor) -> Self {
        Self(self.0.message(5, tensor))
    }

    /// Appends a sparse weight.
    pub fn sparse_initializer(self, tensor: SparseTensor) -> Self {
        Self(self.0.message(15, tensor))
    }

    /// Appends an input.
    pub fn input(self, value: Value) -> Self {
        Self(self.0.message(11, value))
    }

    /// Appends an output.
    pub fn output(self, value: Value) -> Self {
        Self(self.0.message(12, value))
    }
}

message_type! {
    /// `NodeProto`: an operator.
    Node
}

impl Node {
    /// The operator `operator` from `inputs` to `outputs`.
    pub fn new(operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        let add = |field| move |message: Message, name: &&str| message.bytes(field, name);
        let message = inputs.iter().fold(Message::new(), add(1));
        let message = outputs.iter().fold(message, add(2));
        Self(message.bytes(4, operator))
    }

    /// Appends the domain that the operator is of.
    pub fn domain(self, domain: &str) -> Self {
        Self(self.0.bytes(7, domain))
    }

    /// Appends an attribute.
    pub fn attribute(self, attribute: Attribute) -> Self {
        Self(self.0.message(5, attribute))
    }
}

message_type! {
    /// `AttributeProto`: an attribute of an operator.
    Attribute
}

impl Attribute {
    /// A number.
    pub fn int(name: &str, value: i64) -> Self {
        Self(Message::new().bytes(1, name).number(3, value).number(20, 2))
    }

    /// Several numbers.
    pub fn ints(name: &str, values: &[i64]) -> Self {
        let add = |message: Message, value: &i64| message.number(8, *value);
        let message = values.iter().fold(Message::new().bytes(1, name), add);
        Self(message.number(20, 7))
    }

    /// A tensor.
    pub fn tensor(name: &str, tensor: Tensor) -> Self {
        let message = Message::new().bytes(1, name).message(5, tensor);
        Self(message.number(20, 4))
    }

    /// A graph: a branch, or the body of a loop.
    pub fn graph(name: &str, graph: Graph) -> Self {
        let message = Message::new().bytes(1, name).message(6, graph);
        Self(message.number(20, 5))
    }

    /// Several graphs.
    pub fn graphs(name: &str, graphs: impl IntoIterator<Item = Graph>) -> Self {
        let message = Message::new().bytes(1, name).messages(11, graphs);
        Self(message.number(20, 10))
    }
}
