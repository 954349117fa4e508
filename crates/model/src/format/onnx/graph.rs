//! Graphs, their nodes, and the graphs and tensors in a node's attributes.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek};

use boxwright_tensor::Signature;

use super::super::source::Fault;
use super::super::wire::{self, Field, Message, Wire};
use super::foreign::Foreign;
use super::tally::{LONGEST_NAME, Tally};
use super::value::{ValueInfo, is_float};

/// Most graphs in graphs.
const DEEPEST: u32 = 48;
/// Most initializers of one graph.
const MOST_INITIALIZERS: usize = 2_000_000;
/// Nodes at the end of the graph in which an output's origin is looked for. Exporters write nodes
/// in the order in which they run.
const LAST_NODES: usize = 4096;
/// Most operators that are followed back from an output.
const MOST_STEPS: usize = 8;

/// What is kept of the main graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    /// Of names only their hashes are kept: there may be millions.
    hasher: RandomState,
    initializers: HashSet<u64>,
    nodes: VecDeque<Node>,
    /// Operators that ONNX Runtime doesn't have.
    pub(super) foreign: Foreign,
}

/// One of the last nodes, with the hashes of its first input and of its outputs.
#[derive(Debug, Default)]
struct Node {
    operator: String,
    domain: String,
    input: Option<u64>,
    outputs: Vec<u64>,
}

impl Graph {
    pub(super) fn is_initializer(&self, name: &str) -> bool {
        self.initializers.contains(&self.hasher.hash_one(name))
    }

    /// For each output the operators that made it, last first; past those that leave the values
    /// as they are the walk goes on.
    pub(super) fn output_operators(&self, signature: &Signature) -> BTreeMap<String, Vec<String>> {
        let mut made = BTreeMap::new();
        for output in &signature.outputs {
            let mut wanted = self.hasher.hash_one(output.name.as_str());
            let mut operators = Vec::new();
            while operators.len() < MOST_STEPS {
                let maker = self
                    .nodes
                    .iter()
                    .rev()
                    .find(|node| node.outputs.contains(&wanted));
                let Some(maker) = maker else { break };
                operators.push(maker.operator.clone());
                match maker.input {
                    Some(input) if passes_through(&maker.operator) => wanted = input,
                    _ => break,
                }
            }
            if !operators.is_empty() {
                made.insert(output.name.clone(), operators);
            }
        }
        made
    }

    fn push(&mut self, node: Node) {
        if self.nodes.len() == LAST_NODES {
            self.nodes.pop_front();
        }
        self.nodes.push_back(node);
    }
}

/// Whether an operator hands on its first input's values, in another shape or type at most.
fn passes_through(operator: &str) -> bool {
    matches!(
        operator,
        "Identity" | "Cast" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Transpose"
    )
}

impl Tally {
    /// The graph that runs.
    pub(super) fn main_graph<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Graph, Fault> {
        let mut graph = Graph::default();
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => {
                    let mut node = self.main_node(wire, wire::inner(&field)?, &graph)?;
                    let domain = std::mem::take(&mut node.domain);
                    graph.foreign.see(&domain, &node.operator);
                    graph.push(node);
                }
                5 | 15 => self.main_initializer(wire, &field, &mut graph)?,
                11 => graph
                    .inputs
                    .push(self.value_info(wire, wire::inner(&field)?)?),
                12 => graph
                    .outputs
                    .push(self.value_info(wire, wire::inner(&field)?)?),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn main_initializer<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
        graph: &mut Graph,
    ) -> Result<(), Fault> {
        if let Some(name) = self.initializer(wire, field)? {
            let name = wire.text(&name, LONGEST_NAME)?;
            graph
                .initializers
                .insert(graph.hasher.hash_one(name.as_str()));
            if graph.initializers.len() > MOST_INITIALIZERS {
                let what = format!("more than {MOST_INITIALIZERS} initializers");
                return Err(Fault::at(field.at, what));
            }
        }
        Ok(())
    }

    /// Counts an initializer's elements; its name, if it has one.
    fn initializer<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
    ) -> Result<Option<Field>, Fault> {
        let message = wire::inner(field)?;
        let tensor = match field.number {
            15 => self.sparse_tensor(wire, message)?,
            _ => self.tensor(wire, message)?,
        };
        self.count(tensor.elements, field.at)?;
        Ok(tensor.name)
    }

    fn count(&mut self, elements: u64, at: u64) -> Result<(), Fault> {
        let sum = self.parameters.checked_add(elements);
        self.parameters =
            sum.ok_or_else(|| Fault::at(at, "more parameters than can be counted"))?;
        Ok(())
    }

    fn main_node<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
        graph: &Graph,
    ) -> Result<Node, Fault> {
        let mut node = Node::default();
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 if node.input.is_none() => {
                    let name = wire.text(&field, LONGEST_NAME)?;
                    node.input = Some(graph.hasher.hash_one(name.as_str()));
                }
                // No operator whose output matters here has more than a few.
                2 if node.outputs.len() < 16 => {
                    let name = wire.text(&field, LONGEST_NAME)?;
                    node.outputs.push(graph.hasher.hash_one(name.as_str()));
                }
                4 => node.operator = wire.text(&field, 4096)?,
                5 => self.attribute(wire, wire::inner(&field)?, 1)?,
                7 => node.domain = wire.text(&field, 4096)?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// A function of the model's own, which may hold graphs and external data too.
    pub(super) fn function<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<(), Fault> {
        let (mut name, mut domain) = (String::new(), String::new());
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => name = wire.text(&field, 4096)?,
                7 => self.node(wire, wire::inner(&field)?, 1)?,
                10 => domain = wire.text(&field, 4096)?,
                11 => self.attribute(wire, wire::inner(&field)?, 1)?,
                _ => {}
            }
        }
        self.functions.define(domain, name);
        Ok(())
    }

    fn node<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
        depth: u32,
    ) -> Result<(), Fault> {
        while let Some(field) = wire.field(&mut message)? {
            if field.number == 5 {
                self.attribute(wire, wire::inner(&field)?, depth)?;
            }
        }
        Ok(())
    }

    fn attribute<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
        depth: u32,
    ) -> Result<(), Fault> {
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                5 | 10 => {
                    let tensor = self.tensor(wire, wire::inner(&field)?)?;
                    // Some exporters keep weights in constants. Whole numbers are shapes and places,
                    // and single ones no weights.
                    if is_float(tensor.element) && tensor.elements > 1 {
                        self.count(tensor.elements, field.at)?;
                    }
                }
                22 | 23 => _ = self.sparse_tensor(wire, wire::inner(&field)?)?,
                6 | 11 => self.subgraph(wire, &field, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn subgraph<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
        depth: u32,
    ) -> Result<(), Fault> {
        if depth == DEEPEST {
            let what = format!("graphs in graphs, more than {DEEPEST} deep");
            return Err(Fault::at(field.at, what));
        }
        let mut message = wire::inner(field)?;
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => self.node(wire, wire::inner(&field)?, depth + 1)?,
                5 | 15 => _ = self.initializer(wire, &field)?,
                _ => {}
            }
        }
        Ok(())
    }
}
