//! What the handlers of every protocol are given.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::engine::Engine;
use super::metrics::Metrics;
use super::models;
use super::problem::Problem;
use super::state::ServerState;

/// The server as its handlers see it.
#[derive(Clone)]
pub struct Context {
    /// Whether the model is ready, and the model.
    pub state: Arc<ServerState>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Longest request body or message, in bytes.
    pub max_body: usize,
    /// How long an answer may take; `None` for as long as it takes.
    pub request_timeout: Option<Duration>,
}

/// A model in the list of all models.
#[derive(Debug)]
pub struct ModelStatus {
    /// The model's name.
    pub name: String,
    /// Its version; empty while the model is not ready.
    pub version: String,
    /// By Triton's name.
    pub state: &'static str,
    /// Why the model is not ready; empty when it is.
    pub reason: String,
}

impl Context {
    /// The engine for requests to a model, with a token for the request.
    ///
    /// # Errors
    /// Where there is no such model or version, or it is not ready.
    pub fn engine_for(
        &self,
        model: &str,
        version: Option<&str>,
    ) -> Result<(Arc<Engine>, TaskTrackerToken), Problem> {
        self.state.check_name(model)?;
        let (engine, in_flight) = self.state.engine()?;
        engine.find(model, version)?;
        Ok((engine, in_flight))
    }

    /// Why a model is not ready; `None` when it is.
    ///
    /// # Errors
    /// Where there is no such model or version.
    pub fn not_ready_reason(
        &self,
        model: &str,
        version: Option<&str>,
    ) -> Result<Option<String>, Problem> {
        self.state.check_name(model)?;
        if let Ok((engine, _in_flight)) = self.state.engine() {
            engine.find(model, version)?;
        }
        Ok(self.state.not_ready_reason())
    }

    /// The names of the models; none until the package has been read.
    pub fn model_names(&self) -> Vec<String> {
        let names = self.state.model_name().map(models::names);
        names.into_iter().flatten().collect()
    }

    /// The models, as Triton lists a repository's; none until the package has been read.
    pub fn repository_index(&self, only_ready: bool) -> Vec<ModelStatus> {
        let version = match self.state.engine() {
            Ok((engine, _in_flight)) => engine.package().package.version.clone(),
            Err(_) => String::new(),
        };
        let not_ready = self.state.not_ready_reason();
        if only_ready && not_ready.is_some() {
            return Vec::new();
        }
        let state = match not_ready {
            None => "READY",
            Some(_) => "UNAVAILABLE",
        };
        let reason = not_ready.unwrap_or_default();
        let status = |name| ModelStatus {
            name,
            version: version.clone(),
            state,
            reason: reason.clone(),
        };
        self.model_names().into_iter().map(status).collect()
    }
}
