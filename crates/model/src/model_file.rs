//! A model file, and what is shown of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use boxwright_tensor::Signature;
use serde::{Deserialize, Serialize};

/// A model file, read and never run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What is shown of it.
    pub summary: ModelSummary,
    /// The files with external data in the order of `summary.external_data`: canonical paths of
    /// regular files inside the model's folder.
    pub external_files: Vec<PathBuf>,
    /// The model's own key-value pairs, such as those that training frameworks leave.
    pub metadata: BTreeMap<String, String>,
    /// What the model says in words about itself; often empty.
    pub description: String,
    /// Class names found in `metadata`, by class index.
    pub labels: Option<Vec<String>>,
    /// For each output the operators that made it, last first, until one computes: `["Identity",
    /// "Softmax"]`. Missing where the graph did not say.
    pub output_operators: BTreeMap<String, Vec<String>>,
}

/// What is shown of a model, and printed by `boxwright inspect --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ModelSummary {
    /// The file's name.
    pub file: String,
    /// The format's name: `ONNX`.
    pub format: String,
    /// Bytes on disk, external data included.
    pub size_bytes: u64,
    /// Version of each operator set by its domain; `""` is ONNX's own.
    pub opset: BTreeMap<String, i64>,
    /// Version of the file format.
    pub ir_version: i64,
    /// Name and version of the program that wrote the file.
    pub producer: String,
    /// Number of elements of all initializers, those of subgraphs and external ones included.
    pub parameters: u64,
    /// What goes in and what comes out.
    pub signature: Signature,
    /// Files with external data as the model names them, relative to its folder.
    pub external_data: Vec<String>,
}
