//! The two models that a package is served as, by the words of the Open Inference Protocol but
//! for no transport in particular.
//!
//! `NAME` takes encoded samples through the whole pipeline, and answers with the JSON of each
//! prediction; `NAME-tensor` takes and gives the model's own tensors.

use std::collections::BTreeSet;

use boxwright_model::Outcome;
use boxwright_model::package::InputKind;
use boxwright_predict::{Rows, Tensor};
use boxwright_tensor::{DataType, Dimension, TensorSpec};
use bytes::Bytes;

use super::engine::Engine;
use super::http::apart;
use super::problem::{Kind, Problem};

/// What the server calls itself.
pub const SERVER: &str = "boxwright";
/// The protocol's extensions that are spoken.
pub const EXTENSIONS: [&str; 3] = [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
];
/// The most samples of one request to `NAME`: each takes memory of its own while it waits.
pub const MOST_SAMPLES: usize = 16_384;
/// The output of `NAME`.
pub const PREDICTION: &str = "prediction";
/// What `NAME` calls its input where samples are pictures.
pub const IMAGE: &str = "image";
/// What `NAME` calls its input where samples are tensors in files.
pub const SAMPLE: &str = "sample";

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// `NAME`: the pipeline.
    Pipeline,
    /// `NAME-tensor`: the model alone.
    Tensors,
}

/// A request to either, as the transports read it.
#[derive(Debug, Clone, Default)]
pub struct Infer {
    /// `NAME` or `NAME-tensor`.
    pub model: String,
    /// The version, where the caller names one.
    pub version: Option<String>,
    /// The inputs.
    pub inputs: Vec<Tensor>,
    /// Names of the wanted outputs, in this order; none for all.
    pub outputs: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// The model that answered.
    pub model: String,
    /// Its version.
    pub version: String,
    /// The outputs.
    pub outputs: Vec<Tensor>,
}

/// What one input or output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorMetadata {
    /// The tensor's name.
    pub name: String,
    /// Element type.
    pub datatype: DataType,
    /// Axes, outermost first; -1 for one that each request chooses.
    pub shape: Vec<i64>,
}

/// What a model is.
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

/// Why a model can't be loaded or unloaded.
pub fn fixed(model: &str) -> Problem {
    let message = format!(
        "the repository is fixed: `{model}` is loaded when the server starts, and unloaded when it ends"
    );
    Problem::new(Kind::Forbidden, message)
}

/// Which of the two `asked` is, of a package called `name`.
///
/// # Errors
/// Where it is neither.
pub fn find(name: &str, asked: &str) -> Result<Model, Problem> {
    let [pipeline, tensors] = names(name);
    if asked == pipeline {
        Ok(Model::Pipeline)
    } else if asked == tensors {
        Ok(Model::Tensors)
    } else {
        Err(Problem::not_found(format!(
            "no model is called `{asked}`; there are `{pipeline}` and `{tensors}`"
        )))
    }
}

impl Engine {
    /// Which model is asked, in a version that is there.
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

    /// What a model takes and gives.
    ///
    /// # Errors
    /// Where there is no such model or version.
    pub fn metadata(&self, model: &str, version: Option<&str>) -> Result<ModelMetadata, Problem> {
        let identity = &self.package().package;
        let found = self.find(model, version)?;
        let bytes = |name: &str| TensorMetadata {
            name: name.into(),
            datatype: DataType::Bytes,
            shape: vec![-1],
        };
        let (platform, max_batch_size, inputs, outputs) = match found {
            Model::Pipeline => (
                // Not "ensemble": clients then look for the models that it is made of.
                "boxwright",
                0,
                vec![bytes(self.sample_name())],
                vec![bytes(PREDICTION)],
            ),
            Model::Tensors => {
                let rows = self.rows();
                let described =
                    |specs: &[TensorSpec]| specs.iter().map(|spec| described(spec, rows)).collect();
                let most = match rows {
                    Rows::None => 0,
                    Rows::Any | Rows::Fixed(_) => self.package().batch.max_size,
                };
                let signature = self.signature();
                (
                    "onnxruntime_onnx",
                    most,
                    described(&signature.inputs),
                    described(&signature.outputs),
                )
            }
        };
        let version = identity.version.clone();
        let name = model.to_owned();
        Ok(ModelMetadata {
            name,
            version,
            platform,
            max_batch_size,
            inputs,
            outputs,
        })
    }

    /// Answers a request to either model.
    ///
    /// # Errors
    /// Where there is no such model, version, input or output, where a tensor doesn't fit, and as
    /// [`Engine::predict`] and [`Engine::infer`]. A sample that can't be read is no error: its
    /// prediction says so.
    pub async fn answer(&self, request: Infer) -> Result<Inferred, Problem> {
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
            Model::Tensors => self.infer(request.inputs, &request.outputs).await?,
            Model::Pipeline => {
                let (samples, shape) = self.samples(request.inputs, &request.outputs)?;
                let outcomes = self.predict(samples).await?;
                let bytes = length(&outcomes);
                vec![apart(bytes, move || predictions(&outcomes, shape)).await?]
            }
        };
        let version = self.package().package.version.clone();
        Ok(Inferred {
            model: request.model,
            version,
            outputs,
        })
    }

    /// What `NAME` calls its input.
    pub fn sample_name(&self) -> &'static str {
        match self.kind() {
            InputKind::Image => IMAGE,
            InputKind::Tensor => SAMPLE,
        }
    }

    /// The encoded samples of a request to `NAME`, and their shape: [N], or [N, 1] as clients send
    /// it that think in batches.
    fn samples(
        &self,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<(Vec<Bytes>, Vec<usize>), Problem> {
        let name = self.sample_name();
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
        if input.shape[0] > MOST_SAMPLES {
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
pub fn length(outcomes: &[Outcome]) -> usize {
    let one = |outcome: &Outcome| match outcome {
        Outcome::Outputs(outputs) => outputs.values().map(|output| output.data.len() * 12).sum(),
        Outcome::Classes(classes) => classes.len() * 48,
        Outcome::Error(error) => error.message.len(),
    };
    outcomes.iter().map(one).sum()
}

/// The JSON of each outcome, as BYTES.
fn predictions(outcomes: &[Outcome], shape: Vec<usize>) -> Result<Tensor, Problem> {
    let texts = outcomes.iter().map(serde_json::to_vec);
    let texts = texts
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Problem::internal())?;
    Tensor::of_strings(PREDICTION, shape, &texts).ok_or_else(Problem::internal)
}

fn described(spec: &TensorSpec, rows: Rows) -> TensorMetadata {
    let length = |(place, axis): (usize, &Dimension)| match axis {
        _ if place == 0 && rows != Rows::None => -1,
        Dimension::Fixed(length) => i64::try_from(*length).unwrap_or(-1),
        Dimension::Dynamic(_) => -1,
    };
    let axes = spec.shape.as_deref().unwrap_or(&[]);
    TensorMetadata {
        name: spec.name.clone(),
        datatype: spec.datatype,
        shape: axes.iter().enumerate().map(length).collect(),
    }
}
