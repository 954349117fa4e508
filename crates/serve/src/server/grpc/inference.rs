//! `inference.GRPCInferenceService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::proto::inference::grpc_inference_service_server::GrpcInferenceService;
use super::proto::inference::model_metadata_response::TensorMetadata as Described;
use super::proto::inference::repository_index_response::ModelIndex;
use super::proto::inference::*;
use super::{Grpc, beside, config, stream, tensors};
use crate::server::budget::Share;
use crate::server::engine::Engine;
use crate::server::models::{self, TensorMetadata};

/// The Open Inference Protocol.
pub struct Inference(Grpc);

impl Inference {
    /// The service.
    pub fn new(grpc: Grpc) -> Self {
        Self(grpc)
    }
}

#[tonic::async_trait]
impl GrpcInferenceService for Inference {
    type ModelStreamInferStream = stream::Answers;

    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        let ready = self.0.life.hindrance().is_none();
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let asked = request.into_inner();
        self.0.life.knows(&asked.name)?;
        let ready = match self.0.life.engine() {
            Ok((engine, _)) => engine
                .find(&asked.name, Some(&asked.version))
                .map(|_| true)?,
            Err(_) => false,
        };
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(ServerMetadataResponse {
            name: models::SERVER.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            extensions: models::EXTENSIONS.map(str::to_owned).into(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let asked = request.into_inner();
        self.0.life.knows(&asked.name)?;
        let (engine, _in_flight) = self.0.life.engine()?;
        let metadata = engine.metadata(&asked.name, Some(&asked.version))?;
        let described = |tensors: Vec<TensorMetadata>| {
            let described = |tensor: TensorMetadata| Described {
                name: tensor.name,
                datatype: tensor.datatype.name().into(),
                shape: tensor.shape,
            };
            tensors.into_iter().map(described).collect()
        };
        Ok(Response::new(ModelMetadataResponse {
            name: metadata.name,
            versions: vec![metadata.version],
            platform: metadata.platform.into(),
            inputs: described(metadata.inputs),
            outputs: described(metadata.outputs),
        }))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Result<Response<ModelConfigResponse>, Status> {
        let asked = request.into_inner();
        self.0.life.knows(&asked.name)?;
        let (engine, _in_flight) = self.0.life.engine()?;
        let metadata = engine.metadata(&asked.name, Some(&asked.version))?;
        let config = Some(config::of(&metadata, &engine.package().batch));
        Ok(Response::new(ModelConfigResponse { config }))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        self.0.life.knows(&request.model_name)?;
        let engine = beside::<Arc<Engine>>(&extensions)?;
        let share = beside::<Share>(&extensions)?;
        let answer = tensors::answer(engine, request, self.0.max_body, share).await?;
        Ok(Response::new(answer))
    }

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<stream::Answers>, Status> {
        let (_, extensions, requests) = request.into_parts();
        let share = beside::<Share>(&extensions)?.clone();
        let answers = stream::answers(self.0.clone(), requests, share);
        Ok(Response::new(answers))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<Response<RepositoryIndexResponse>, Status> {
        let life = &self.0.life;
        let hindrance = life.hindrance();
        let Some(name) = life
            .name()
            .filter(|_| hindrance.is_none() || !request.get_ref().ready)
        else {
            return Ok(Response::new(RepositoryIndexResponse::default()));
        };
        let engine = life.engine().ok();
        let version = engine.map_or_else(String::new, |(engine, _)| {
            engine.package().package.version.clone()
        });
        let model = |name| ModelIndex {
            name,
            version: version.clone(),
            state: if hindrance.is_none() {
                "READY"
            } else {
                "UNAVAILABLE"
            }
            .into(),
            reason: hindrance.clone().unwrap_or_default(),
        };
        let models = models::names(name).map(model).into();
        Ok(Response::new(RepositoryIndexResponse { models }))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<Response<RepositoryModelLoadResponse>, Status> {
        let model = &request.get_ref().model_name;
        self.0.life.knows(model)?;
        Err(models::fixed(model).into())
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<Response<RepositoryModelUnloadResponse>, Status> {
        let model = &request.get_ref().model_name;
        self.0.life.knows(model)?;
        Err(models::fixed(model).into())
    }
}
