//! The model's own tensors in KServe's V1 protocol: by rows (`instances`) or by inputs (`inputs`).

use std::collections::BTreeMap;

use axum::response::Response;
use boxwright_tensor::json::{self, BatchRows, Elements, StringEncoding};
use boxwright_tensor::{BatchAxis, Signature, Tensor, TensorSpec};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::server::blocking::run_blocking;
use crate::server::http::infer::Reserve;
use crate::server::http::json::{SampleList, from_json, json_response};
use crate::server::http::request::ModelRequest;
use crate::server::models::InferRequest;
use crate::server::problem::Problem;

/// Rows of a request that are on their way to a model that takes them one by one.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    instances: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
}

/// What the model is to run on, and how the answer is written.
#[derive(Debug, PartialEq, Eq)]
enum Runs {
    /// Rows, in one batch.
    Batch(Vec<Tensor>),
    /// Rows, each in a run of its own.
    Rows(Vec<Vec<Tensor>>),
    /// Tensors by input.
    Columns(Vec<Tensor>),
}

/// Answers a request to `model`, which is the one of tensors.
pub async fn predict(request: ModelRequest, model: String) -> Result<Response, Problem> {
    let (engine, _in_flight) = (request.engine, request.in_flight);
    let (body, reservation) = (request.body, request.reservation);
    let length = body.len();
    let results = reservation.clone();
    let (signature, axis) = (engine.signature().clone(), engine.batch_axis());
    let read = move || {
        let reader = Reader {
            signature: &signature,
            axis,
            reserve: &|bytes| reservation.reserve(bytes),
        };
        reader.read(&body)
    };
    let runs = run_blocking(length, read).await?;
    let run = |inputs| {
        let (model, engine, results) = (model.clone(), &engine, &results);
        let request = InferRequest {
            model,
            inputs,
            ..InferRequest::default()
        };
        async move {
            engine
                .answer(request, results)
                .await
                .map(|inferred| inferred.outputs)
        }
    };
    let answer = match runs {
        Runs::Batch(inputs) => Answer::batch(run(inputs).await?),
        Runs::Columns(inputs) => Answer::Columns(run(inputs).await?),
        Runs::Rows(rows) => {
            let runs = futures_util::stream::iter(rows.into_iter().map(run));
            Answer::Rows(runs.buffered(AT_ONCE).try_collect().await?)
        }
    };
    run_blocking(answer.bytes(), move || answer.write())
        .await
        .map(json_response)
}

/// What requests are read by.
struct Reader<'a> {
    signature: &'a Signature,
    axis: BatchAxis,
    reserve: &'a Reserve<'a>,
}

impl Reader<'_> {
    fn read(&self, body: &[u8]) -> Result<Runs, Problem> {
        let request: Request<'_> = from_json(body)?;
        match (request.instances, request.inputs) {
            (Some(instances), None) => self.by_rows(instances),
            (None, Some(inputs)) => self.by_inputs(inputs).map(Runs::Columns),
            _ => Err(Problem::bad_request(
                "the body has to have either `instances`, a row a sample, or `inputs`, a tensor an input",
            )),
        }
    }

    fn by_rows(&self, instances: &RawValue) -> Result<Runs, Problem> {
        let list = instances.get().trim_ascii_start().strip_prefix('[');
        let first = list.and_then(|list| list.trim_ascii_start().chars().next());
        match first {
            None => Err(Problem::bad_request("`instances` is not a list")),
            Some(']') => Ok(Runs::Rows(Vec::new())),
            Some('{') => {
                let list: SampleList<'_> = from_json(instances.get().as_bytes())?;
                let row = |(place, row): (usize, &&RawValue)| {
                    let place = format!("instance {place}: ");
                    let row = serde_json::from_str(row.get()).map_err(|error| {
                        Problem::bad_request(format!("{place}it is no object: {error}"))
                    })?;
                    self.named(&row, &place)
                };
                let read = list.0.iter().enumerate().map(row);
                match self.axis {
                    BatchAxis::None => read.collect::<Result<_, _>>().map(Runs::Rows),
                    _ => stacked(read).map(Runs::Batch),
                }
            }
            Some(_) => {
                let only = self.only_input("`instances`")?;
                if self.axis != BatchAxis::None {
                    return Ok(Runs::Batch(vec![self.tensor(instances, only, "")?]));
                }
                let list: SampleList<'_> = from_json(instances.get().as_bytes())?;
                let row = |(place, row): (usize, &&RawValue)| {
                    let tensor = self.tensor(row, only, &format!("instance {place}: "));
                    tensor.map(|tensor| vec![tensor])
                };
                let rows = list.0.iter().enumerate().map(row);
                rows.collect::<Result<_, _>>().map(Runs::Rows)
            }
        }
    }

    fn by_inputs(&self, inputs: &RawValue) -> Result<Vec<Tensor>, Problem> {
        if inputs.get().trim_ascii_start().starts_with('{') {
            return self.named(&from_json(inputs.get().as_bytes())?, "");
        }
        let only = self.only_input("`inputs`")?;
        Ok(vec![self.tensor(inputs, only, "")?])
    }

    /// The only input, which needs no name.
    fn only_input(&self, field: &str) -> Result<&TensorSpec, Problem> {
        match &self.signature.inputs[..] {
            [only] => Ok(only),
            several => {
                let names: Vec<&str> = several.iter().map(|input| input.name.as_str()).collect();
                Err(Problem::bad_request(format!(
                    "{field}: the model has {} inputs, so their names are needed, as in \
                     {{\"name\": …}}: {}",
                    names.len(),
                    names.join(", ")
                )))
            }
        }
    }

    /// A tensor an input, by name. `place` begins an error.
    fn named(
        &self,
        by_name: &BTreeMap<String, &RawValue>,
        place: &str,
    ) -> Result<Vec<Tensor>, Problem> {
        let one = |(name, json): (&String, &&RawValue)| {
            let mut inputs = self.signature.inputs.iter();
            let spec = inputs.find(|input| input.name == *name).ok_or_else(|| {
                Problem::bad_request(format!("{place}the model has no input `{name}`"))
            })?;
            self.tensor(json, spec, place)
        };
        by_name.iter().map(one).collect()
    }

    fn tensor(&self, json: &RawValue, spec: &TensorSpec, place: &str) -> Result<Tensor, Problem> {
        let TensorSpec { name, datatype, .. } = spec;
        (self.reserve)(json::max_bytes(json, *datatype))?;
        let list = json::read(json, *datatype, StringEncoding::Text, usize::MAX)
            .map_err(|what| Problem::bad_request(format!("{place}input `{name}`: {what}")))?;
        Ok(Tensor {
            name: name.clone(),
            datatype: *datatype,
            shape: list.lengths,
            data: list.data.into(),
        })
    }
}

/// One batch of rows, whose tensors have the same names and shapes in each.
fn stacked(
    rows: impl Iterator<Item = Result<Vec<Tensor>, Problem>>,
) -> Result<Vec<Tensor>, Problem> {
    let mut batch: Vec<(Tensor, Vec<u8>)> = Vec::new();
    let mut count = 0;
    for row in rows {
        let row = row?;
        if count == 0 {
            batch = row
                .iter()
                .map(|tensor| (tensor.clone(), Vec::new()))
                .collect();
        }
        let names = row.iter().map(|tensor| &tensor.name);
        if !names.eq(batch.iter().map(|(first, _)| &first.name)) {
            let message = format!("instance {count} has other inputs than instance 0");
            return Err(Problem::bad_request(message));
        }
        for (tensor, (first, data)) in row.iter().zip(&mut batch) {
            if tensor.shape != first.shape {
                return Err(Problem::bad_request(format!(
                    "instance {count}: input `{}` has the shape {:?}, and {:?} in instance 0",
                    tensor.name, tensor.shape, first.shape
                )));
            }
            data.extend_from_slice(&tensor.data);
        }
        count += 1;
    }
    let stack = |(mut tensor, data): (Tensor, Vec<u8>)| {
        tensor.shape.insert(0, count);
        tensor.data = data.into();
        tensor
    };
    Ok(batch.into_iter().map(stack).collect())
}

/// What the model gave.
#[derive(Debug)]
enum Answer {
    /// The only output, of a batch.
    Single(Tensor),
    /// The outputs of a batch.
    Batch(Vec<Tensor>),
    /// The outputs of each row.
    Rows(Vec<Vec<Tensor>>),
    /// The outputs of a request by inputs.
    Columns(Vec<Tensor>),
}

/// Outputs: by name, if there are several.
#[derive(Serialize)]
#[serde(untagged)]
enum Outputs<'a> {
    One(Elements<'a>),
    Named(BTreeMap<&'a str, Elements<'a>>),
}

impl<'a> Outputs<'a> {
    fn of(tensors: &'a [Tensor]) -> Self {
        match tensors {
            [only] => Self::One(Elements::nested(only)),
            several => {
                let named = |tensor: &'a Tensor| (&*tensor.name, Elements::nested(tensor));
                Self::Named(several.iter().map(named).collect())
            }
        }
    }
}

impl Answer {
    fn batch(mut outputs: Vec<Tensor>) -> Self {
        match outputs.pop() {
            Some(only) if outputs.is_empty() => Self::Single(only),
            last => {
                outputs.extend(last);
                Self::Batch(outputs)
            }
        }
    }

    fn bytes(&self) -> usize {
        let bytes = |tensors: &[Tensor]| tensors.iter().map(|tensor| tensor.data.len()).sum();
        match self {
            Self::Single(tensor) => tensor.data.len(),
            Self::Batch(tensors) | Self::Columns(tensors) => bytes(tensors),
            Self::Rows(rows) => rows.iter().map(|row| bytes(row)).sum(),
        }
    }

    fn write(&self) -> Result<Vec<u8>, Problem> {
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Key<T> {
            Predictions(T),
            Outputs(T),
        }
        let text = match self {
            Self::Single(tensor) => serde_json::to_vec(&Key::Predictions(Elements::nested(tensor))),
            Self::Batch(tensors) => serde_json::to_vec(&Key::Predictions(BatchRows(tensors))),
            Self::Rows(rows) => {
                let rows: Vec<_> = rows.iter().map(|row| Outputs::of(row)).collect();
                serde_json::to_vec(&Key::Predictions(rows))
            }
            Self::Columns(tensors) => serde_json::to_vec(&Key::Outputs(Outputs::of(tensors))),
        };
        text.map_err(|error| Problem::bad_request(error.to_string()))
    }
}

#[cfg(test)]
#[path = "tensors_tests.rs"]
mod tests;
