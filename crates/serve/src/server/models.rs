//! The two models that a package is served as, in the terms of the Open Inference Protocol but without
//! any transport: what all protocols answer.
//!
//! `NAME` takes encoded samples through the whole pipeline, and answers with the JSON of each
//! prediction; `NAME-tensor` takes and gives the model's own tensors.

use std::collections::BTreeSet;

use boxwright_model::Outcome;
use boxwright_tensor::{BatchAxis, DataType, Dimension, Tensor, TensorSpec};
use bytes::Bytes;

use super::blocking::run_blocking;
use super::engine::Engine;
use super::limits::MAX_SAMPLES;
use super::memory::Reservation;
use super::problem::{Kind, Problem};

/// The server's name in its metadata.
pub const SERVER_NAME: &str = "boxwright";
/// The protocol's extensions that are supported.
pub const EXTENSIONS: [&str; 3] = [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
];
/// The output of `NAME`.
pub const PREDICTION: &str = "prediction";
/// The input of `NAME` where samples are pictures.
pub const IMAGE_INPUT: &str = "image";
/// The input of `NAME` where samples are tensors in files.
pub const SAMPLE_INPUT: &str = "sample";

/// One of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// `NAME`: the pipeline.
    Pipeline,
    /// `NAME-tensor`: the model alone.
    Tensors,
}

/// An inference request to either model.
#[derive(Debug, Clone, Default)]
pub struct InferRequest {
    /// `NAME` or `NAME-tensor`.
    pub model: String,
    /// The version, where the caller names one.
    pub version: Option<String>,
    /// The inputs.
    pub inputs: Vec<Tensor>,
    /// Names of the wanted outputs, in this order; none for all.
    pub outputs: Vec<String>,
}

/// The answer to an [`InferRequest`].
#[derive(Debug, Clone)]
pub struct InferResponse {
    /// The model that answered.
    pub model: String,
    /// Its version.
    pub version: String,
    /// The outputs.
    pub outputs: Vec<Tensor>,
}

/// An input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorMetadata {
    /// The tensor's name.
    pub name: String,
    /// Element type.
    pub datatype: DataType,
    /// Axes, outermost first; -1 for one that each request chooses.
    pub shape: Vec<i64>,
}

/// A model's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelMetadata {
    /// The model's name.
    pub name: String,
    /// Its only version.
    pub version: String,
    /// What runs it; where that is ONNX Runtime alone, by Triton's name.
    pub platform: &'static str,
    /// The most samples of a batch, where the first axis of all tensors is the batch; else 0.
    pub max_batch_size: usize,
    /// The inputs.
    pub inputs: Vec<TensorMetadata>,
    /// The outputs.
    pub outputs: Vec<TensorMetadata>,
}

impl TensorMetadata {
    /// An input or output of the model; its first axis is open where it is the batch.
    fn new(spec: &TensorSpec, batch: BatchAxis) -> Self {
        let length = |(index, axis): (usize, &Dimension)| match axis {
            _ if index == 0 && batch != BatchAxis::None => -1,
            Dimension::Fixed(length) => i64::try_from(*length).unwrap_or(-1),
            Dimension::Dynamic(_) => -1,
        };
        let axes = spec.shape.as_deref().unwrap_or(&[]);
        Self {
            name: spec.name.clone(),
            datatype: spec.datatype,
            shape: axes.iter().enumerate().map(length).collect(),
        }
    }
}

impl ModelMetadata {
    /// What runs it, by Triton's name.
    pub fn backend(&self) -> &'static str {
        match self.platform {
            "onnxruntime_onnx" => "onnxruntime",
            other => other,
        }
    }

    /// A tensor's axes as Triton's ModelConfig has them: without the batch.
    pub fn dims<'a>(&self, tensor: &'a TensorMetadata) -> &'a [i64] {
        let batch = usize::from(self.max_batch_size > 0);
        tensor.shape.get(batch..).unwrap_or_default()
    }
}

/// An element type by the name that it has in Triton's ModelConfig.
pub fn config_type(datatype: DataType) -> String {
    match datatype {
        DataType::Bytes => "TYPE_STRING".into(),
        other => format!("TYPE_{}", other.name()),
    }
}

/// The names under which a package called `name` is served.
pub fn names(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}-tensor")]
}

/// Why a model can't be loaded or unloaded by a request.
pub fn fixed_repository(model: &str) -> Problem {
    let message = format!(
        "the repository is fixed: `{model}` is loaded when the server starts, and unloaded when it ends"
    );
    Problem::new(Kind::Forbidden, message)
}

/// The model of this name, of a package called `package`.
///
/// # Errors
/// Where it is neither.
pub fn find(package: &str, model: &str) -> Result<Model, Problem> {
    let [pipeline, tensors] = names(package);
    if model == pipeline {
        Ok(Model::Pipeline)
    } else if model == tensors {
        Ok(Model::Tensors)
    } else {
        Err(Problem::not_found(format!(
            "no model is called `{model}`; there are `{pipeline}` and `{tensors}`"
        )))
    }
}

impl Engine {
    /// The model of this name, if it has this version; no version means any.
    ///
    /// # Errors
    /// Where there is no such model or version.
    pub fn find(&self, model: &str, version: Option<&str>) -> Result<Model, Problem> {
        let identity = &self.package().package;
        let found = find(&identity.name, model)?;
        match version.filter(|version| !version.is_empty()) {
            Some(version) if version != identity.version => Err(Problem::not_found(format!(
                "`{model}` has no version `{version}`; it has `{}`",
                identity.version
            ))),
            _ => Ok(found),
        }
    }

    /// A model's metadata.
    ///
    /// # Errors
    /// Where there is no such model or version.
    pub fn metadata(&self, model: &str, version: Option<&str>) -> Result<ModelMetadata, Problem> {
        let found = self.find(model, version)?;
        let version = self.package().package.version.clone();
        let name = model.to_owned();
        Ok(match found {
            Model::Pipeline => self.pipeline_metadata(name, version),
            Model::Tensors => self.tensor_metadata(name, version),
        })
    }

    fn pipeline_metadata(&self, name: String, version: String) -> ModelMetadata {
        let bytes = |name: &str| TensorMetadata {
            name: name.into(),
            datatype: DataType::Bytes,
            shape: vec![-1],
        };
        ModelMetadata {
            name,
            version,
            // Not "ensemble": clients then look for the models that it is made of.
            platform: "boxwright",
            max_batch_size: 0,
            inputs: vec![bytes(self.sample_input())],
            outputs: vec![bytes(PREDICTION)],
        }
    }

    fn tensor_metadata(&self, name: String, version: String) -> ModelMetadata {
        let axis = self.batch_axis();
        let describe = |specs: &[TensorSpec]| {
            specs
                .iter()
                .map(|spec| TensorMetadata::new(spec, axis))
                .collect()
        };
        let signature = self.signature();
        ModelMetadata {
            name,
            version,
            platform: "onnxruntime_onnx",
            max_batch_size: match axis {
                BatchAxis::None => 0,
                BatchAxis::Dynamic | BatchAxis::Fixed(_) => self.package().batch.max_size,
            },
            inputs: describe(&signature.inputs),
            outputs: describe(&signature.outputs),
        }
    }

    /// Answers a request to either model.
    ///
    /// # Errors
    /// Where there is no such model, version, input or output, where a tensor doesn't fit, and as
    /// [`Engine::predict`] and [`Engine::infer`]. A sample that can't be read is no error: its
    /// prediction says so.
    pub async fn answer(
        &self,
        request: InferRequest,
        reservation: &Reservation,
    ) -> Result<InferResponse, Problem> {
        let found = self.find(&request.model, request.version.as_deref())?;
        let mut wanted = BTreeSet::new();
        if let Some(output) = request
            .outputs
            .iter()
            .find(|output| !wanted.insert(*output))
        {
            let message = format!("output `{output}` is asked for twice");
            return Err(Problem::bad_request(message));
        }
        let outputs = match found {
            Model::Tensors => {
                self.infer(request.inputs, &request.outputs, reservation)
                    .await?
            }
            Model::Pipeline => {
                let (samples, shape) = self.samples(request.inputs, &request.outputs)?;
                let outcomes = self.predict(samples, reservation).await?;
                let bytes = json_length(&outcomes);
                reservation.reserve(bytes)?;
                let encode = move || encode_predictions(outcomes, shape);
                vec![run_blocking(bytes, encode).await?]
            }
        };
        let version = self.package().package.version.clone();
        Ok(InferResponse {
            model: request.model,
            version,
            outputs,
        })
    }

    /// The name of the input of `NAME`.
    pub fn sample_input(&self) -> &'static str {
        match self.takes_pictures() {
            true => IMAGE_INPUT,
            false => SAMPLE_INPUT,
        }
    }

    /// The encoded samples of a request to `NAME`, and their shape: [N], or [N, 1] from clients that
    /// always send a batch axis.
    fn samples(
        &self,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<(Vec<Bytes>, Vec<usize>), Problem> {
        let name = self.sample_input();
        if let Some(other) = outputs.iter().find(|output| *output != PREDICTION) {
            let message = format!("the model has no output `{other}`; it has `{PREDICTION}`");
            return Err(Problem::bad_request(message));
        }
        let mut inputs = inputs.into_iter();
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(Problem::bad_request(format!(
                "the model takes one input, `{name}`"
            )));
        };
        if input.name != name {
            let message = format!("the model has no input `{}`; it has `{name}`", input.name);
            return Err(Problem::bad_request(message));
        }
        let shaped = matches!(input.shape[..], [_] | [_, 1]);
        if input.datatype != DataType::Bytes || !shaped {
            return Err(Problem::bad_request(format!(
                "input `{name}` is {} {:?}, and the model takes BYTES [N]: one encoded sample an element",
                input.datatype.name(),
                input.shape
            )));
        }
        if input.shape[0] > MAX_SAMPLES {
            return Err(Problem::too_many_samples());
        }
        let samples = input.strings().ok_or_else(|| {
            Problem::bad_request(format!(
                "input `{name}` has other data than {} elements, each after its length as 4 bytes",
                input.shape[0]
            ))
        })?;
        Ok((samples, input.shape))
    }
}

/// About how long the JSON of outcomes is, in bytes.
pub fn json_length(outcomes: &[Outcome]) -> usize {
    outcomes.iter().map(Outcome::json_length).sum()
}

/// The JSON of each outcome, as BYTES. Each is dropped when it is written.
fn encode_predictions(outcomes: Vec<Outcome>, shape: Vec<usize>) -> Result<Tensor, Problem> {
    let mut data = Vec::with_capacity(json_length(&outcomes) + 4 * outcomes.len());
    for outcome in outcomes {
        let start = data.len();
        data.extend_from_slice(&[0; 4]);
        serde_json::to_writer(&mut data, &outcome).map_err(|_| Problem::internal())?;
        let length = u32::try_from(data.len() - start - 4).map_err(|_| Problem::internal())?;
        data[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(Tensor {
        name: PREDICTION.to_owned(),
        datatype: DataType::Bytes,
        shape,
        data: data.into(),
    })
}
