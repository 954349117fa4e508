//! ONNX: a protocol buffer with the graph, and with the weights in it or in files beside it.
//! Field numbers are those of `onnx.proto`.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use boxwright_tensor::{Signature, TensorSpec};

use super::source::{Fault, Source};
use super::wire::{self, Field, Message, Wire};
use crate::error::{Error, Result};
use crate::model_file::{Model, ModelSummary};
use crate::package::labels;
use crate::paths;

mod foreign;
mod graph;
mod initializer;
mod tally;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use graph::Graph;
use tally::{External, LONGEST_NAME, Tally};
use value::ValueInfo;

/// Most bytes of one value of the metadata: a list of labels is the longest in use.
const LONGEST_METADATA: u64 = 16 << 20;

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    ir_version: i64,
    producer_name: String,
    producer_version: String,
    opset: BTreeMap<String, i64>,
    description: String,
    metadata: BTreeMap<String, String>,
    graph: Option<Graph>,
    tally: Tally,
}

/// What a walk over a whole file gave.
pub(crate) enum Scanned {
    /// A model with a graph.
    Model(Box<Found>),
    /// Fields, but none of them a graph.
    NoGraph,
}

/// Walks over a file's fields.
pub(crate) fn scan<R: Read + Seek>(source: &mut Source<R>) -> Result<Scanned, Fault> {
    let mut wire = Wire::new(source);
    let mut message = wire.whole();
    let mut found = Found::default();
    while let Some(field) = wire.field(&mut message)? {
        found.model_field(&mut wire, &field)?;
    }
    Ok(match found.graph {
        Some(_) => Scanned::Model(Box::new(found)),
        None => Scanned::NoGraph,
    })
}

impl Found {
    fn model_field<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
    ) -> Result<(), Fault> {
        match field.number {
            1 => self.ir_version = wire::number(field)?.cast_signed(),
            2 => self.producer_name = self.tally.text(wire, field, LONGEST_NAME)?,
            3 => self.producer_version = self.tally.text(wire, field, LONGEST_NAME)?,
            6 if wire::inner(field)?.len() <= LONGEST_NAME => {
                self.description = self.tally.text(wire, field, LONGEST_NAME)?;
            }
            7 if self.graph.is_some() => {
                return Err(Fault::at(field.at, "a second graph, where a model has one"));
            }
            7 => {
                let graph = self.tally.main_graph(wire, wire::inner(field)?)?;
                self.graph = Some(graph);
            }
            8 => {
                let (domain, version) = self.operator_set(wire, wire::inner(field)?)?;
                // "ai.onnx" is the long name of the default domain.
                let domain = if domain == "ai.onnx" {
                    String::new()
                } else {
                    domain
                };
                self.opset.insert(domain, version);
            }
            14 => {
                let (key, value) = self
                    .tally
                    .pair(wire, wire::inner(field)?, LONGEST_METADATA)?;
                self.metadata.insert(key, value);
            }
            25 => self.tally.function(wire, wire::inner(field)?)?,
            _ => {}
        }
        Ok(())
    }

    fn operator_set<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<(String, i64), Fault> {
        let (mut domain, mut version) = (String::new(), 0);
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => domain = self.tally.text(wire, &field, LONGEST_NAME)?,
                2 => version = wire::number(&field)?.cast_signed(),
                _ => {}
            }
        }
        Ok((domain, version))
    }
}

/// The model in a file that [`scan`] found to be one. `folder` is the canonical folder of `path`.
pub(crate) fn model(path: &Path, folder: &Path, size: u64, found: Found) -> Result<Model> {
    let graph = found.graph.unwrap_or_default();
    let signature = signature(path, &graph)?;
    if signature.outputs.is_empty() {
        let reason = "its graph has no outputs: the file is damaged".to_owned();
        return Err(Error::Unreadable {
            path: path.to_owned(),
            reason,
        });
    }
    if let Some((what, hint)) = graph.foreign.first(&found.tally.functions) {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            what,
            hint: hint.to_owned(),
        });
    }
    let external = external(path, folder, &found.tally.external)?;
    let sizes: BTreeMap<&PathBuf, u64> = external
        .iter()
        .map(|(_, (file, len))| (file, *len))
        .collect();
    let size_bytes = sizes
        .values()
        .fold(size, |sum, len| sum.saturating_add(*len));
    let output_operators = graph.output_operators(&signature);
    Ok(Model {
        path: path.to_owned(),
        summary: ModelSummary {
            file: paths::file_name(path),
            format: "ONNX".to_owned(),
            size_bytes,
            opset: found.opset,
            ir_version: found.ir_version,
            producer: [found.producer_name.trim(), found.producer_version.trim()]
                .join(" ")
                .trim()
                .to_owned(),
            parameters: found.tally.parameters,
            signature,
            external_data: external.keys().cloned().collect(),
        },
        external_files: external.into_values().map(|(file, _)| file).collect(),
        description: found.description,
        labels: labels::from_metadata(&found.metadata),
        metadata: found.metadata,
        output_operators,
    })
}

fn signature(path: &Path, graph: &Graph) -> Result<Signature> {
    let inputs = graph
        .inputs
        .iter()
        .filter(|value| !graph.is_initializer(&value.name));
    Ok(Signature {
        inputs: inputs
            .map(|value| tensor(path, "input", value))
            .collect::<Result<_>>()?,
        outputs: graph
            .outputs
            .iter()
            .map(|value| tensor(path, "output", value))
            .collect::<Result<_>>()?,
    })
}

fn tensor(path: &Path, role: &str, value: &ValueInfo) -> Result<TensorSpec> {
    value.tensor.clone().map_err(|what| Error::Unsupported {
        path: path.to_owned(),
        what: format!(
            "an ONNX model whose {role} `{}` is {what}, where Boxwright takes tensors of numbers, \
             booleans or strings",
            value.name
        ),
        hint: if what.starts_with("a sequence") || what.starts_with("a map") {
            "Export the model without the ZipMap operator, with skl2onnx: \
             convert_sklearn(model, options={id(model): {\"zipmap\": False}})"
                .to_owned()
        } else {
            format!(
                "Export the model with an ordinary tensor as `{}`.",
                value.name
            )
        },
    })
}

/// The files with external data by the normal form of their names: where they are, their sizes.
fn external(
    path: &Path,
    folder: &Path,
    external: &External,
) -> Result<BTreeMap<String, (PathBuf, u64)>> {
    let unreadable = |reason: String| Error::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let mut files = BTreeMap::new();
    for (location, extent) in external.locations() {
        let named = |reason| unreadable(format!("its external data {reason}"));
        let name = paths::normal(location).map_err(named)?;
        let (file, len) = paths::resolve(folder, &name).map_err(named)?;
        if extent.end > len {
            return Err(unreadable(format!(
                "its tensor `{}` lies at bytes {} to {} of the external data `{name}`, which has \
                 {len} bytes: the file is cut off or belongs to another model",
                extent.tensor, extent.start, extent.end
            )));
        }
        files.insert(name, (file, len));
    }
    Ok(files)
}
