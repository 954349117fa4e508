//! `inference.GRPCInferenceService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::extensions::extension;
use super::model_config::model_config;
use super::proto::inference::grpc_inference_service_server::GrpcInferenceService;
use super::proto::inference::model_metadata_response::TensorMetadata as Described;
use super::proto::inference::repository_index_response::ModelIndex;
use super::proto::inference::*;
use super::{stream, tensors};
use crate::server::context::{Context, ModelStatus};
use crate::server::engine::Engine;
use crate::server::memory::Reservation;
use crate::server::models::{self, TensorMetadata};

/// The Open Inference Protocol.
pub struct Inference(Context);

impl Inference {
    /// The service.
    pub fn new(context: Context) -> Self {
        Self(context)
    }
}

#[tonic::async_trait]
impl GrpcInferenceService for Inference {
    type ModelStreamInferStream = stream::Responses;

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
        let ready = self.0.state.is_ready();
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let request = request.into_inner();
        let not_ready = self
            .0
            .not_ready_reason(&request.name, Some(&request.version))?;
        let ready = not_ready.is_none();
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(ServerMetadataResponse {
            name: models::SERVER_NAME.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            extensions: models::EXTENSIONS.map(str::to_owned).into(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let ModelMetadataRequest { name, version } = request.into_inner();
        let (engine, _in_flight) = self.0.engine_for(&name, Some(&version))?;
        let metadata = engine.metadata(&name, Some(&version))?;
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
        let ModelConfigRequest { name, version } = request.into_inner();
        let (engine, _in_flight) = self.0.engine_for(&name, Some(&version))?;
        let metadata = engine.metadata(&name, Some(&version))?;
        let config = Some(model_config(&metadata, &engine.package().batch));
        Ok(Response::new(ModelConfigResponse { config }))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        self.0.state.check_name(&request.model_name)?;
        let engine = extension::<Arc<Engine>>(&extensions)?;
        let reservation = extension::<Reservation>(&extensions)?;
        let response = tensors::answer(engine, request, self.0.max_body, reservation).await?;
        Ok(Response::new(response))
    }

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<stream::Responses>, Status> {
        let (_, extensions, requests) = request.into_parts();
        let reservation = extension::<Reservation>(&extensions)?.clone();
        let responses = stream::responses(self.0.clone(), requests, reservation);
        Ok(Response::new(responses))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<Response<RepositoryIndexResponse>, Status> {
        let model = |model: ModelStatus| ModelIndex {
            name: model.name,
            version: model.version,
            state: model.state.into(),
            reason: model.reason,
        };
        let models = self.0.repository_index(request.get_ref().ready);
        let models = models.into_iter().map(model).collect();
        Ok(Response::new(RepositoryIndexResponse { models }))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<Response<RepositoryModelLoadResponse>, Status> {
        let model = &request.get_ref().model_name;
        self.0.state.check_name(model)?;
        Err(models::fixed_repository(model).into())
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<Response<RepositoryModelUnloadResponse>, Status> {
        let model = &request.get_ref().model_name;
        self.0.state.check_name(model)?;
        Err(models::fixed_repository(model).into())
    }
}
