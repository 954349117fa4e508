//! The model's own tensors, in and out, without the pipeline around them.

use std::collections::BTreeMap;

use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};
use bytes::Bytes;
use ort::value::DynValue;

use crate::device::Session;
use crate::error::{Error, Result};
use crate::tensor::{self, Slice};

/// A named tensor. Its elements lie row by row, little-endian; BOOL takes one byte; an element of
/// BYTES comes after its length in bytes, a little-endian u32 (the Open Inference Protocol's
/// binary tensor data).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name by which the model knows it.
    pub name: String,
    /// Element type.
    pub datatype: DataType,
    /// Axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Bytes,
}

/// A model's first axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// The batch, of any length.
    Any,
    /// The batch, always of this length: fewer are filled up with zeros, and cut off again.
    Fixed(usize),
    /// No batch: every run is one sample.
    None,
}

impl Rows {
    /// What the signature says. `pictures` tells that the model is known to take a batch; without
    /// that a fixed first axis may be anything but a batch of one.
    pub(crate) fn of(signature: &Signature, pictures: bool) -> Self {
        let all = || signature.inputs.iter().chain(&signature.outputs);
        let first = |spec: &TensorSpec| spec.shape.as_ref().and_then(|axes| axes.first().cloned());
        let fixed = match signature.inputs.first().and_then(first) {
            Some(Dimension::Fixed(length)) => length,
            _ => {
                let dynamic = |spec| matches!(first(spec), Some(Dimension::Dynamic(_)));
                return if all().all(dynamic) {
                    Self::Any
                } else {
                    Self::None
                };
            }
        };
        let same = |spec| first(spec) == Some(Dimension::Fixed(fixed));
        match usize::try_from(fixed) {
            Ok(length) if length > 0 && (length == 1 || pictures) && all().all(same) => {
                Self::Fixed(length)
            }
            _ => Self::None,
        }
    }

    /// The most rows of one run, where `wanted` would be.
    pub fn most(self, wanted: usize) -> usize {
        match self {
            Self::Any => wanted.max(1),
            Self::Fixed(length) => length,
            Self::None => 1,
        }
    }
}

/// Tensors that fit the model's inputs, for one run, alone or together with others.
#[derive(Debug, Clone)]
pub struct TensorBatch {
    /// In the model's order.
    inputs: Vec<Tensor>,
    /// Places of the wanted outputs.
    outputs: Vec<usize>,
    rows: usize,
}

impl TensorBatch {
    /// Checks `inputs` against the signature, and cuts them along the batch into pieces of at most
    /// `most` rows. `outputs` are the wanted outputs' names; none for all.
    pub(crate) fn new(
        signature: &Signature,
        rows: Rows,
        inputs: Vec<Tensor>,
        outputs: &[String],
        most: usize,
    ) -> Result<Vec<Self>> {
        Ok(Self::whole(signature, rows, inputs, outputs)?.cut(rows.most(most)))
    }

    /// Checks `inputs` against the signature; all of their rows are one piece.
    pub(crate) fn whole(
        signature: &Signature,
        rows: Rows,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<Self> {
        let outputs = wanted(signature, outputs)?;
        let inputs = arranged(signature, inputs)?;
        let mut lengths = BTreeMap::new();
        for (spec, input) in signature.inputs.iter().zip(&inputs) {
            check(spec, input, rows, &mut lengths)?;
        }
        let count = match rows {
            Rows::None => 1,
            _ => common_rows(&inputs)?,
        };
        Ok(Self {
            inputs,
            outputs,
            rows: count,
        })
    }

    fn cut(self, most: usize) -> Vec<Self> {
        if self.rows <= most {
            return vec![self];
        }
        let counts: Vec<usize> = (0..self.rows)
            .step_by(most)
            .map(|first| most.min(self.rows - first))
            .collect();
        let piece = |(inputs, rows): (Vec<Tensor>, &usize)| Self {
            inputs,
            outputs: self.outputs.clone(),
            rows: *rows,
        };
        apart(&self.inputs, &counts)
            .zip(&counts)
            .map(piece)
            .collect()
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

    /// The inputs of a run of batches that join each other.
    pub(crate) fn values(batches: &[&Self], rows: Rows) -> Result<Vec<DynValue>> {
        let Some(first) = batches.first() else {
            return Ok(Vec::new());
        };
        let axis = axis(batches, rows);
        let value = |(place, input): (usize, &Tensor)| {
            let mut shape = input.shape.clone();
            if let (Some(length), true) = (shape.first_mut(), rows != Rows::None) {
                *length = axis;
            }
            let parts = batches.iter().map(|batch| &batch.inputs[place].data[..]);
            tensor::from_bytes(&shape, input.datatype, parts)
        };
        first.inputs.iter().enumerate().map(value).collect()
    }

    /// Runs batches that join each other, and takes the outputs apart again.
    pub(crate) fn run(
        batches: &[&Self],
        rows: Rows,
        session: &Session,
    ) -> Result<Vec<Vec<Tensor>>> {
        let Some(first) = batches.first() else {
            return Ok(Vec::new());
        };
        let values = Self::values(batches, rows)?;
        let outputs = session.run(&values.iter().collect::<Vec<_>>(), &first.outputs)?;
        let named = |(place, value): (&usize, &DynValue)| {
            whole(&session.signature.outputs[*place].name, value)
        };
        let outputs: Vec<Tensor> = first
            .outputs
            .iter()
            .zip(&outputs)
            .map(named)
            .collect::<Result<_>>()?;
        let counts: Vec<usize> = batches.iter().map(|batch| batch.rows).collect();
        each_batch(&outputs, &counts, axis(batches, rows), rows)
    }
}

/// The first axis of a run of batches.
fn axis(batches: &[&TensorBatch], rows: Rows) -> usize {
    match rows {
        Rows::Fixed(length) => length,
        Rows::Any | Rows::None => batches.iter().map(|batch| batch.rows).sum(),
    }
}

impl Tensor {
    /// A tensor of BYTES; `None` where an element is 4 GiB long or longer.
    pub fn of_strings(
        name: &str,
        shape: Vec<usize>,
        elements: &[impl AsRef<[u8]>],
    ) -> Option<Self> {
        let mut data = Vec::new();
        for element in elements {
            let element = element.as_ref();
            data.extend_from_slice(&u32::try_from(element.len()).ok()?.to_le_bytes());
            data.extend_from_slice(element);
        }
        let (name, datatype) = (name.to_owned(), DataType::Bytes);
        Some(Self {
            name,
            datatype,
            shape,
            data: data.into(),
        })
    }

    /// The elements of BYTES; `None` where the data is no such elements, or not as many as the
    /// shape says.
    pub fn strings(&self) -> Option<Vec<Bytes>> {
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |all, axis| all.checked_mul(*axis))?;
        let slice = |element: Option<&[u8]>| element.map(|element| self.data.slice_ref(element));
        // Each takes eight times as much memory as the shortest does in the data.
        let elements = tensor::strings(&self.data).take(count.saturating_add(1));
        let strings: Vec<Bytes> = elements.map(slice).collect::<Option<_>>()?;
        (strings.len() == count).then_some(strings)
    }

    /// As many rows as each of `counts` says, one piece after the other, of a tensor whose data is as
    /// long as its shape says.
    fn pieces<'a>(&'a self, counts: &'a [usize]) -> impl Iterator<Item = Self> + 'a {
        let row: usize = self.shape.iter().skip(1).product();
        let mut rest = self.data.clone();
        counts.iter().map(move |count| {
            let bytes = match self.datatype.size() {
                Some(size) => count * row * size,
                None => strings_bytes(&rest, count * row),
            };
            let mut shape = self.shape.clone();
            if let Some(first) = shape.first_mut() {
                *first = *count;
            }
            Self {
                name: self.name.clone(),
                shape,
                datatype: self.datatype,
                data: rest.split_to(bytes.min(rest.len())),
            }
        })
    }

    /// One tensor of pieces that were cut along the first axis.
    pub(crate) fn joined(pieces: Vec<Self>) -> Option<Self> {
        let mut data = Vec::with_capacity(pieces.iter().map(|piece| piece.data.len()).sum());
        let mut rows: usize = 0;
        for piece in &pieces {
            data.extend_from_slice(&piece.data);
            rows = rows.checked_add(*piece.shape.first()?)?;
        }
        let mut whole = pieces.into_iter().next()?;
        *whole.shape.first_mut()? = rows;
        whole.data = data.into();
        Some(whole)
    }
}

/// The bytes that the first `count` elements of BYTES take.
fn strings_bytes(data: &[u8], count: usize) -> usize {
    tensor::strings(data)
        .take(count)
        .map(|element| 4 + element.map_or(0, <[u8]>::len))
        .sum()
}

fn wanted(signature: &Signature, names: &[String]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..signature.outputs.len()).collect());
    }
    let place = |name: &String| {
        let place = signature
            .outputs
            .iter()
            .position(|output| output.name == *name);
        place.ok_or_else(|| {
            Error::Shape(format!(
                "the model has no output `{name}`; it has {}",
                listed(&signature.outputs)
            ))
        })
    };
    names.iter().map(place).collect()
}

/// The inputs in the model's order.
fn arranged(signature: &Signature, mut inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let mut arranged = Vec::with_capacity(signature.inputs.len());
    for spec in &signature.inputs {
        let place = inputs.iter().position(|input| input.name == spec.name);
        let place = place.ok_or_else(|| {
            Error::Shape(format!(
                "input `{}` is missing: the model takes {spec}",
                spec.name
            ))
        })?;
        arranged.push(inputs.swap_remove(place));
    }
    match inputs.first() {
        Some(other) if arranged.iter().any(|input| input.name == other.name) => Err(Error::Shape(
            format!("input `{}` is there twice", other.name),
        )),
        Some(other) => Err(Error::Shape(format!(
            "the model has no input `{}`; it has {}",
            other.name,
            listed(&signature.inputs)
        ))),
        None => Ok(arranged),
    }
}

fn listed(specs: &[TensorSpec]) -> String {
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
    rows: Rows,
    lengths: &mut BTreeMap<&'a str, usize>,
) -> Result<()> {
    let name = &spec.name;
    if input.datatype != spec.datatype {
        return Err(Error::Shape(format!(
            "input `{name}` is {}, and the model takes {}",
            input.datatype.name(),
            spec.datatype.name()
        )));
    }
    let unfit = || {
        Error::Shape(format!(
            "input `{name}` has the shape {:?}, and the model takes {spec}",
            input.shape
        ))
    };
    if let Some(axes) = &spec.shape {
        if axes.len() != input.shape.len() {
            return Err(unfit());
        }
        for (place, (axis, length)) in axes.iter().zip(&input.shape).enumerate() {
            let fits = match axis {
                _ if place == 0 && rows != Rows::None => true,
                Dimension::Fixed(fixed) => usize::try_from(*fixed) == Ok(*length),
                Dimension::Dynamic(symbol) if symbol.is_empty() => true,
                Dimension::Dynamic(symbol) => *lengths.entry(symbol).or_insert(*length) == *length,
            };
            if !fits {
                return Err(unfit());
            }
        }
    }
    check_size(input)
}

fn check_size(input: &Tensor) -> Result<()> {
    let Tensor {
        name,
        datatype,
        shape,
        data,
    } = input;
    let elements = shape
        .iter()
        .try_fold(1_usize, |all, length| all.checked_mul(*length));
    let elements = elements.filter(|elements| *elements > 0).ok_or_else(|| {
        Error::Shape(format!(
            "input `{name}` has the shape {shape:?}, which holds no elements"
        ))
    })?;
    let fits = match datatype.size() {
        Some(size) => elements.checked_mul(size) == Some(data.len()),
        None => {
            let mut found = 0;
            tensor::strings(data).all(|element| {
                found += 1;
                element.is_some()
            }) && found == elements
        }
    };
    if fits {
        return Ok(());
    }
    Err(Error::Shape(format!(
        "input `{name}` has {} bytes of data, which are not {elements} elements of {}",
        data.len(),
        datatype.name()
    )))
}

fn common_rows(inputs: &[Tensor]) -> Result<usize> {
    let rows = |input: &Tensor| input.shape.first().copied().unwrap_or(1);
    let first = inputs.first().map_or(1, rows);
    match inputs.iter().find(|input| rows(input) != first) {
        Some(other) => Err(Error::Shape(format!(
            "input `{}` is a batch of {}, and `{}` of {first}",
            other.name,
            rows(other),
            inputs[0].name
        ))),
        None => Ok(first),
    }
}

fn whole(name: &str, value: &DynValue) -> Result<Tensor> {
    let slice = Slice::whole(name, value)
        .ok_or_else(|| Error::Run(format!("output `{name}` is no tensor of a known type")))?;
    Ok(Tensor {
        name: name.into(),
        datatype: slice.datatype,
        data: slice.bytes()?.into(),
        shape: slice.shape,
    })
}

/// The outputs of a run of `axis` rows, for each of the batches that it was made of.
fn each_batch(
    outputs: &[Tensor],
    counts: &[usize],
    axis: usize,
    rows: Rows,
) -> Result<Vec<Vec<Tensor>>> {
    if rows == Rows::None || (counts.len() == 1 && counts[0] == axis) {
        return Ok(vec![outputs.to_vec()]);
    }
    if let Some(output) = outputs
        .iter()
        .find(|output| output.shape.first() != Some(&axis))
    {
        return Err(Error::Shape(format!(
            "the first axis of output `{}` is not the batch",
            output.name
        )));
    }
    Ok(apart(outputs, counts).collect())
}

/// The rows of several tensors, as many at a time as `counts` says.
fn apart<'a>(tensors: &'a [Tensor], counts: &'a [usize]) -> impl Iterator<Item = Vec<Tensor>> + 'a {
    let mut pieces: Vec<_> = tensors.iter().map(|tensor| tensor.pieces(counts)).collect();
    counts
        .iter()
        .map(move |_| pieces.iter_mut().filter_map(Iterator::next).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_strings_are_told_apart() {
        let texts = ["", "one", "two words", "", "five", "six"];
        let rows = Tensor::of_strings("words", vec![3, 2], &texts).unwrap();
        let numbers = Tensor {
            name: "numbers".into(),
            datatype: DataType::Uint8,
            shape: vec![3],
            data: vec![1, 2, 3].into(),
        };
        let pieces: Vec<_> = apart(&[rows.clone(), numbers], &[1, 2]).collect();
        let strings = |piece: &[Tensor]| piece[0].strings().unwrap();
        assert_eq!(strings(&pieces[0]), texts[..2]);
        assert_eq!(strings(&pieces[1]), texts[2..]);
        assert_eq!(pieces[0][1].data[..], [1]);
        assert_eq!(pieces[1][1].data[..], [2, 3]);
        let columns = pieces.into_iter().map(|mut piece| piece.remove(0));
        assert_eq!(Tensor::joined(columns.collect()), Some(rows));
    }
}
