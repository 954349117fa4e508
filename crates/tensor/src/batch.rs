//! Tensors that fit a model's signature, split along the batch and joined again.

use std::collections::BTreeMap;

use crate::tensor::element_count;
use crate::{BatchAxis, Dimension, Error, Result, Signature, Tensor, TensorSpec};

/// Tensors that fit the model's inputs, for one run, alone or together with others.
#[derive(Debug, Clone)]
pub struct TensorBatch {
    inputs: Vec<Tensor>,
    outputs: Vec<usize>,
    rows: usize,
}

impl TensorBatch {
    /// Checks `inputs` against the signature; all of their rows are one batch. `outputs` are the
    /// wanted outputs' names; none for all.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the input or output that doesn't fit.
    pub fn new(
        signature: &Signature,
        axis: BatchAxis,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<Self> {
        let outputs = output_places(signature, outputs)?;
        let inputs = in_order(signature, inputs)?;
        let mut lengths = BTreeMap::new();
        for (spec, input) in signature.inputs.iter().zip(&inputs) {
            check(spec, input, axis, &mut lengths)?;
        }
        let rows = match axis {
            BatchAxis::None => 1,
            _ => common_rows(&inputs)?,
        };
        Ok(Self {
            inputs,
            outputs,
            rows,
        })
    }

    /// Batches of at most `max_rows` rows each.
    pub fn split(self, max_rows: usize) -> Vec<Self> {
        if self.rows <= max_rows {
            return vec![self];
        }
        let counts: Vec<usize> = (0..self.rows)
            .step_by(max_rows.max(1))
            .map(|first| max_rows.min(self.rows - first))
            .collect();
        let batch = |(inputs, rows): (Vec<Tensor>, &usize)| Self {
            inputs,
            outputs: self.outputs.clone(),
            rows: *rows,
        };
        split_rows(&self.inputs, &counts)
            .zip(&counts)
            .map(batch)
            .collect()
    }

    /// The tensors, in the model's order.
    pub fn inputs(&self) -> &[Tensor] {
        &self.inputs
    }

    /// Places of the wanted outputs in the signature, in the order of the answer.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// How many samples these are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether both can share a run: all axes but the first are the same, and the outputs too.
    pub fn joins(&self, other: &Self) -> bool {
        let same = |a: &Tensor, b: &Tensor| a.shape.get(1..) == b.shape.get(1..);
        self.outputs == other.outputs
            && self
                .inputs
                .iter()
                .zip(&other.inputs)
                .all(|(a, b)| same(a, b))
    }
}

/// The outputs of a run over several batches, for each of them. `counts` are their rows, `length`
/// is the length of the run's batch axis, and may be more than they have together.
///
/// # Errors
/// [`Error::Mismatch`] where an output's first axis is not the batch.
pub fn split_outputs(
    outputs: &[Tensor],
    counts: &[usize],
    length: usize,
    axis: BatchAxis,
) -> Result<Vec<Vec<Tensor>>> {
    if axis == BatchAxis::None || (counts.len() == 1 && counts[0] == length) {
        return Ok(vec![outputs.to_vec()]);
    }
    if let Some(output) = outputs
        .iter()
        .find(|output| output.shape.first() != Some(&length))
    {
        return Err(Error::Mismatch(format!(
            "the first axis of output `{}` is not the batch",
            output.name
        )));
    }
    Ok(split_rows(outputs, counts).collect())
}

/// The rows of several tensors, as many at a time as `counts` says.
fn split_rows<'a>(
    tensors: &'a [Tensor],
    counts: &'a [usize],
) -> impl Iterator<Item = Vec<Tensor>> + 'a {
    let mut parts: Vec<_> = tensors
        .iter()
        .map(|tensor| tensor.split_rows(counts))
        .collect();
    counts
        .iter()
        .map(move |_| parts.iter_mut().filter_map(Iterator::next).collect())
}

fn output_places(signature: &Signature, names: &[String]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..signature.outputs.len()).collect());
    }
    let place = |name: &String| {
        let place = signature
            .outputs
            .iter()
            .position(|output| output.name == *name);
        place.ok_or_else(|| {
            Error::Mismatch(format!(
                "the model has no output `{name}`; it has {}",
                names_of(&signature.outputs)
            ))
        })
    };
    names.iter().map(place).collect()
}

/// The inputs in the model's order.
fn in_order(signature: &Signature, mut inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let mut ordered = Vec::with_capacity(signature.inputs.len());
    for spec in &signature.inputs {
        let place = inputs.iter().position(|input| input.name == spec.name);
        let place = place.ok_or_else(|| {
            Error::Mismatch(format!(
                "input `{}` is missing: the model takes {spec}",
                spec.name
            ))
        })?;
        ordered.push(inputs.swap_remove(place));
    }
    match inputs.first() {
        Some(other) if ordered.iter().any(|input| input.name == other.name) => Err(
            Error::Mismatch(format!("input `{}` is there twice", other.name)),
        ),
        Some(other) => Err(Error::Mismatch(format!(
            "the model has no input `{}`; it has {}",
            other.name,
            names_of(&signature.inputs)
        ))),
        None => Ok(ordered),
    }
}

fn names_of(specs: &[TensorSpec]) -> String {
    let named: Vec<String> = specs
        .iter()
        .map(|spec| format!("`{}` {spec}", spec.name))
        .collect();
    named.join(", ")
}

/// Holds one input to what the model says of it; axes of one name have one length.
fn check<'a>(
    spec: &'a TensorSpec,
    input: &Tensor,
    axis: BatchAxis,
    lengths: &mut BTreeMap<&'a str, usize>,
) -> Result<()> {
    let name = &spec.name;
    if input.datatype != spec.datatype {
        return Err(Error::Mismatch(format!(
            "input `{name}` is {}, and the model takes {}",
            input.datatype.name(),
            spec.datatype.name()
        )));
    }
    let mismatch = || {
        Error::Mismatch(format!(
            "input `{name}` has the shape {:?}, and the model takes {spec}",
            input.shape
        ))
    };
    if let Some(dimensions) = &spec.shape {
        if dimensions.len() != input.shape.len() {
            return Err(mismatch());
        }
        for (place, (dimension, length)) in dimensions.iter().zip(&input.shape).enumerate() {
            let fits = match dimension {
                _ if place == 0 && axis != BatchAxis::None => true,
                Dimension::Fixed(fixed) => usize::try_from(*fixed) == Ok(*length),
                Dimension::Dynamic(symbol) if symbol.is_empty() => true,
                Dimension::Dynamic(symbol) => *lengths.entry(symbol).or_insert(*length) == *length,
            };
            if !fits {
                return Err(mismatch());
            }
        }
    }
    check_size(input)
}

fn check_size(input: &Tensor) -> Result<()> {
    let Tensor { name, shape, .. } = input;
    let elements = element_count(shape).filter(|elements| *elements > 0);
    let elements = elements.ok_or_else(|| {
        Error::Mismatch(format!(
            "input `{name}` has the shape {shape:?}, which holds no elements"
        ))
    })?;
    if input.is_complete() {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "input `{name}` has {} bytes of data, which are not {elements} elements of {}",
        input.data.len(),
        input.datatype.name()
    )))
}

fn common_rows(inputs: &[Tensor]) -> Result<usize> {
    let rows = |input: &Tensor| input.shape.first().copied().unwrap_or(1);
    let first = inputs.first().map_or(1, rows);
    match inputs.iter().find(|input| rows(input) != first) {
        Some(other) => Err(Error::Mismatch(format!(
            "input `{}` is a batch of {}, and `{}` of {first}",
            other.name,
            rows(other),
            inputs[0].name
        ))),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    #[test]
    fn rows_of_strings_are_split_and_concatenated() {
        let texts = ["", "one", "two words", "", "five", "six"];
        let rows = Tensor::of_strings("words", vec![3, 2], &texts).unwrap();
        let numbers = Tensor {
            name: "numbers".into(),
            datatype: DataType::Uint8,
            shape: vec![3],
            data: vec![1, 2, 3].into(),
        };
        let parts: Vec<_> = split_rows(&[rows.clone(), numbers], &[1, 2]).collect();
        let strings = |part: &[Tensor]| part[0].strings().unwrap();
        assert_eq!(strings(&parts[0]), texts[..2]);
        assert_eq!(strings(&parts[1]), texts[2..]);
        assert_eq!(parts[0][1].data[..], [1]);
        assert_eq!(parts[1][1].data[..], [2, 3]);
        let columns = parts.into_iter().map(|mut part| part.remove(0));
        assert_eq!(Tensor::concatenate(columns.collect()), Some(rows));
    }
}
