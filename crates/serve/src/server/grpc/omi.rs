//! The Open Model Interface: `ModzyModel`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use boxwright_model::Outcome;
use boxwright_model::package::Package;
use bytes::Bytes;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::extensions::extension;
use super::proto::omi::modzy_model_server::ModzyModel;
use super::proto::omi::*;
use crate::server::context::Context;
use crate::server::engine::Engine;
use crate::server::memory::Reservation;
use crate::server::problem::{Kind, Problem};

/// The key of the sample in an item of `Run`, by convention.
const INPUT: &str = "input";
const RESULTS: &str = "results.json";
const ERROR: &str = "error";
/// The timeout that is reported where the server has none.
const NO_TIMEOUT: Duration = Duration::from_secs(3600);
/// The media types of pictures.
const IMAGE_TYPES: [&str; 6] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/bmp",
    "image/gif",
    "image/tiff",
];
/// The media types of tensors in files.
const TENSOR_TYPES: [&str; 2] = ["application/octet-stream", "application/json"];

/// The Open Model Interface.
pub struct Omi {
    context: Context,
    shutdown: Option<CancellationToken>,
}

impl Omi {
    /// The service; its `Shutdown` cancels `shutdown`, and is refused where there is none.
    pub fn new(context: Context, shutdown: Option<CancellationToken>) -> Self {
        Self { context, shutdown }
    }
}

#[tonic::async_trait]
impl ModzyModel for Omi {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let response = match self.context.state.engine() {
            Ok((engine, _)) => StatusResponse {
                status_code: 200,
                status: "OK".into(),
                message: "the model is ready".into(),
                ..describe(engine.package(), &self.context)
            },
            Err(problem) => StatusResponse {
                status_code: problem.kind.status().as_u16().into(),
                status: problem
                    .kind
                    .status()
                    .canonical_reason()
                    .unwrap_or_default()
                    .into(),
                message: problem.message,
                ..StatusResponse::default()
            },
        };
        Ok(Response::new(response))
    }

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<RunResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let engine = extension::<Arc<Engine>>(&extensions)?;
        let reservation = extension::<Reservation>(&extensions)?;
        let attach = |sample| reservation.attach(sample);
        let items = request.inputs.into_iter();
        let items: Vec<Result<Bytes, String>> =
            items.map(|item| sample(item).map(attach)).collect();
        let samples = items.iter().flatten().cloned().collect();
        let mut outcomes = engine.predict(samples, reservation).await?.into_iter();
        let outputs = items.into_iter().map(|item| match item {
            Ok(_) => outcomes
                .next()
                .map_or_else(|| Err(Problem::internal()), |outcome| output(&outcome)),
            Err(message) => Ok(failed(message)),
        });
        let outputs: Vec<OutputItem> = outputs.collect::<Result<_, _>>()?;
        // The outputs exist a second time in the message.
        let length = outputs.iter().map(Message::encoded_len).sum::<usize>();
        reservation.reserve(length.saturating_mul(2))?;
        let succeeded = outputs.iter().filter(|output| output.success).count();
        Ok(Response::new(RunResponse {
            status_code: 200,
            status: "OK".into(),
            message: format!("{succeeded} of {} items have results", outputs.len()),
            outputs,
        }))
    }

    async fn shutdown(
        &self,
        _: Request<ShutdownRequest>,
    ) -> Result<Response<ShutdownResponse>, Status> {
        let Some(shutdown) = &self.shutdown else {
            let message =
                "Shutdown works on the Open Model Interface's own port only, which OMI_PORT names";
            return Err(Problem::new(Kind::Forbidden, message).into());
        };
        shutdown.cancel();
        Ok(Response::new(ShutdownResponse {
            status_code: 200,
            status: "OK".into(),
            message: "the server is ending".into(),
        }))
    }
}

/// The only sample of an item, under whatever key.
fn sample(item: InputItem) -> Result<Bytes, String> {
    let mut names: Vec<String> = item.input.keys().map(|name| format!("`{name}`")).collect();
    match names.len() {
        1 => Ok(item.input.into_values().next().unwrap_or_default()),
        0 => Err(format!(
            "the item is empty; it holds one sample, by convention as `{INPUT}`"
        )),
        count => {
            names.sort();
            names.truncate(8);
            Err(format!(
                "the item holds {count} samples, not one: {}",
                names.join(", ")
            ))
        }
    }
}

fn output(outcome: &Outcome) -> Result<OutputItem, Problem> {
    if let Outcome::Error(error) = outcome {
        return Ok(failed(error.message.clone()));
    }
    let json = serde_json::to_vec(outcome).map_err(|_| Problem::internal())?;
    Ok(OutputItem {
        output: HashMap::from([(RESULTS.into(), json.into())]),
        success: true,
    })
}

fn failed(message: String) -> OutputItem {
    OutputItem {
        output: HashMap::from([(ERROR.into(), message.into())]),
        success: false,
    }
}

fn describe(package: &Package, context: &Context) -> StatusResponse {
    let resources = &package.resources;
    StatusResponse {
        model_info: Some(ModelInfo {
            model_name: package.package.name.clone(),
            model_version: package.package.version.clone(),
            model_type: "grpc".into(),
            source: "boxwright".into(),
            ..ModelInfo::default()
        }),
        description: Some(ModelDescription {
            summary: package.package.description.clone(),
            ..ModelDescription::default()
        }),
        inputs: vec![describe_input(package, context.max_body)],
        outputs: vec![ModelOutput {
            filename: RESULTS.into(),
            media_type: "application/json".into(),
            max_size: mebibytes(context.max_body),
            description: format!("the result of a {} task", package.postprocess.task),
        }],
        resources: Some(ModelResources {
            required_ram: format!("{}M", resources.memory_mb),
            num_cpus: resources.cpus,
            num_gpus: i32::try_from(resources.gpus).unwrap_or(i32::MAX),
        }),
        timeout: Some(ModelTimeout {
            status: seconds(context.request_timeout),
            run: seconds(context.request_timeout),
        }),
        features: Some(ModelFeatures {
            batch_size: i32::try_from(package.batch.max_size).unwrap_or(i32::MAX),
            ..ModelFeatures::default()
        }),
        ..StatusResponse::default()
    }
}

fn describe_input(package: &Package, max_body: usize) -> ModelInput {
    let (media_types, description) = match package.image_input() {
        Some(_) => (&IMAGE_TYPES[..], "a picture; any other key will do"),
        None => (
            &TENSOR_TYPES[..],
            ".npy, .npz, or the JSON of an Open Inference Protocol request; any other key will do",
        ),
    };
    ModelInput {
        filename: INPUT.into(),
        accepted_media_types: media_types.iter().map(|kind| (*kind).into()).collect(),
        max_size: mebibytes(max_body),
        description: description.into(),
    }
}

fn mebibytes(bytes: usize) -> String {
    format!("{}M", bytes >> 20)
}

fn seconds(timeout: Option<Duration>) -> String {
    let timeout = timeout.unwrap_or(NO_TIMEOUT);
    format!("{}s", timeout.as_millis().div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(names: &[&'static str]) -> InputItem {
        let input = names
            .iter()
            .map(|name| ((*name).to_owned(), Bytes::from_static(name.as_bytes())));
        InputItem {
            input: input.collect(),
        }
    }

    #[test]
    fn an_item_holds_one_sample_under_any_key() {
        assert_eq!(sample(item(&["a picture"])).unwrap(), "a picture");
        assert!(sample(item(&[])).unwrap_err().contains("`input`"));
        let many = sample(item(&["b", "a"])).unwrap_err();
        assert!(
            many.contains("2 samples") && many.contains("`a`, `b`"),
            "{many}"
        );
    }
}
