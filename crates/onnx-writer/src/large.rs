//! Models with a weight that does not fit into memory.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use crate::{Graph, Message, Tensor, Value};

/// A model whose one weight has its data in the file, but not in memory: what lies before the
/// data, how long it is, and what lies behind.
#[derive(Debug, Clone)]
pub struct LargeModel {
    before: Vec<u8>,
    data: u64,
    behind: Vec<u8>,
}

impl LargeModel {
    /// The weight `weight` of `data` bytes, behind what `graph` has, and before the graph's inputs
    /// and outputs.
    pub fn new(graph: Graph, data: u64, inputs: &[Value], outputs: &[Value]) -> Self {
        let elements = (data / 4).cast_signed();
        let weight = Tensor::float("weight", &[elements]).0.opened(9, data);
        let graph = graph.0.opened(5, weight.0.len() as u64 + data);
        let ends = Message::new()
            .messages(11, inputs.iter().cloned())
            .messages(12, outputs.iter().cloned());
        let length = [&graph, &weight, &ends].map(|part| part.0.len() as u64);
        let model = Message::new().number(1, 8);
        let model = model.opened(7, length.iter().sum::<u64>() + data);
        let opset = Message::new().bytes(1, "").number(2, 18);
        let behind = Message(ends.0).message(8, opset);
        Self {
            before: [model.0, graph.0, weight.0].concat(),
            data,
            behind: behind.0,
        }
    }

    /// Writes the file with a hole for the data: zeros that take no place on the disk.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write_with_hole(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(&self.before)?;
        file.seek(SeekFrom::Current(self.data.cast_signed()))?;
        file.write_all(&self.behind)
    }

    /// Writes the file with data that no compressor finds anything in.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write_with_noise(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(&self.before)?;
        // A xorshift generator.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..self.data / 8 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            file.write_all(&state.to_le_bytes())?;
        }
        file.write_all(&self.behind)?;
        file.flush()
    }
}
