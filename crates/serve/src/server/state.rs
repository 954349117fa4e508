//! What state the server is in: loading, ready, failed or draining; and what is in flight.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::engine::Engine;
use super::models;
use super::problem::Problem;

/// The server's state, shared by all that answer requests.
#[derive(Default)]
pub struct ServerState {
    phase: RwLock<Phase>,
    changed: watch::Sender<()>,
    model_name: OnceLock<String>,
    in_flight: TaskTracker,
}

#[derive(Default)]
enum Phase {
    #[default]
    Loading,
    Ready(Arc<Engine>),
    Failed(String),
    Draining,
}

impl ServerState {
    /// The model's name, once its package has been read.
    pub fn model_name(&self) -> Option<&str> {
        self.model_name.get().map(String::as_str)
    }

    /// Checks that one of the package's two models has this name. Until the package has been read,
    /// every name is accepted.
    ///
    /// # Errors
    /// Where neither has.
    pub fn check_name(&self, model: &str) -> Result<(), Problem> {
        match self.model_name() {
            Some(name) => models::find(name, model).map(drop),
            None => Ok(()),
        }
    }

    /// The package has been read.
    pub fn set_model_name(&self, name: &str) {
        // The package is read once.
        let _ = self.model_name.set(name.to_owned());
    }

    /// The model is loaded and warm.
    pub fn set_ready(&self, engine: Engine) {
        self.enter(Phase::Ready(Arc::new(engine)));
    }

    /// The model can't be loaded; the server never becomes ready.
    pub fn set_failed(&self, reason: String) {
        self.enter(Phase::Failed(reason));
    }

    /// From now on no request is accepted.
    pub fn drain(&self) {
        self.enter(Phase::Draining);
        self.in_flight.close();
    }

    /// Resolves once nothing is in flight, after [`ServerState::drain`].
    pub async fn drained(&self) {
        self.in_flight.wait().await;
    }

    /// Something is in flight until the token is dropped.
    pub fn track(&self) -> TaskTrackerToken {
        self.in_flight.token()
    }

    /// The model, with a token for the request that uses it.
    ///
    /// # Errors
    /// Where the server is not ready.
    pub fn engine(&self) -> Result<(Arc<Engine>, TaskTrackerToken), Problem> {
        // Before the phase is read, so that draining waits for every request that got the model.
        let in_flight = self.track();
        match &*self.phase.read().unwrap_or_else(PoisonError::into_inner) {
            Phase::Ready(engine) => Ok((Arc::clone(engine), in_flight)),
            phase => Err(Problem::not_ready(phase.reason())),
        }
    }

    /// Whether requests for predictions are accepted.
    pub fn is_ready(&self) -> bool {
        self.not_ready_reason().is_none()
    }

    /// Why the server is not ready; `None` when it is.
    pub fn not_ready_reason(&self) -> Option<String> {
        match &*self.phase.read().unwrap_or_else(PoisonError::into_inner) {
            Phase::Ready(_) => None,
            phase => Some(phase.reason()),
        }
    }

    /// Notifies of every change of [`ServerState::is_ready`].
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn enter(&self, next: Phase) {
        {
            let mut phase = self.phase.write().unwrap_or_else(PoisonError::into_inner);
            // A model that finishes loading does not make a server ready that is shutting down.
            if !matches!(*phase, Phase::Draining) {
                *phase = next;
            }
        }
        self.changed.send_replace(());
    }
}

impl Phase {
    fn reason(&self) -> String {
        match self {
            Self::Loading => "the model is being loaded".into(),
            Self::Ready(_) => "ready".into(),
            Self::Failed(reason) => format!("the model can't be loaded: {reason}"),
            Self::Draining => "the server is ending".into(),
        }
    }
}
