//! Live, ready, failed, draining.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::engine::Engine;
use super::models;
use super::problem::Problem;

/// What the server can do at the moment.
#[derive(Default)]
pub struct Life {
    stage: RwLock<Stage>,
    changed: watch::Sender<()>,
    name: OnceLock<String>,
    work: TaskTracker,
}

#[derive(Default)]
enum Stage {
    #[default]
    Loading,
    Ready(Arc<Engine>),
    Failed(String),
    Draining,
}

impl Life {
    /// The model's name, once its package has been read.
    pub fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// Whether one of the package's two models is called so. While the package is not read, no name
    /// is wrong.
    ///
    /// # Errors
    /// Where neither is.
    pub fn knows(&self, model: &str) -> Result<(), Problem> {
        match self.name() {
            Some(name) => models::find(name, model).map(drop),
            None => Ok(()),
        }
    }

    /// The package has been read.
    pub fn is_called(&self, name: &str) {
        // Read once, named once.
        let _ = self.name.set(name.to_owned());
    }

    /// The model is loaded and warm.
    pub fn is_ready(&self, engine: Engine) {
        self.pass(Stage::Ready(Arc::new(engine)));
    }

    /// The model can't be loaded; the server never becomes ready.
    pub fn has_failed(&self, reason: String) {
        self.pass(Stage::Failed(reason));
    }

    /// From now on nothing new is taken.
    pub fn drain(&self) {
        self.pass(Stage::Draining);
        self.work.close();
    }

    /// Resolves once nothing is in flight, after [`Life::drain`].
    pub async fn idle(&self) {
        self.work.wait().await;
    }

    /// Something is in flight until the token is dropped.
    pub fn work(&self) -> TaskTrackerToken {
        self.work.token()
    }

    /// The way to the model, with a token for the request.
    pub fn engine(&self) -> Result<(Arc<Engine>, TaskTrackerToken), Problem> {
        // Before the stage is looked at, so that draining sees every request that got through.
        let work = self.work();
        match &*self.stage.read().unwrap_or_else(PoisonError::into_inner) {
            Stage::Ready(engine) => Ok((Arc::clone(engine), work)),
            stage => Err(Problem::not_ready(stage.in_words())),
        }
    }

    /// Why the server is not ready; `None` when it is.
    pub fn hindrance(&self) -> Option<String> {
        match &*self.stage.read().unwrap_or_else(PoisonError::into_inner) {
            Stage::Ready(_) => None,
            stage => Some(stage.in_words()),
        }
    }

    /// Tells of every change of [`Life::hindrance`].
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn pass(&self, next: Stage) {
        {
            let mut stage = self.stage.write().unwrap_or_else(PoisonError::into_inner);
            // A model that is ready after all changes nothing for a server that is ending.
            if !matches!(*stage, Stage::Draining) {
                *stage = next;
            }
        }
        self.changed.send_replace(());
    }
}

impl Stage {
    fn in_words(&self) -> String {
        match self {
            Self::Loading => "the model is being loaded".into(),
            Self::Ready(_) => "ready".into(),
            Self::Failed(reason) => format!("the model can't be loaded: {reason}"),
            Self::Draining => "the server is ending".into(),
        }
    }
}
