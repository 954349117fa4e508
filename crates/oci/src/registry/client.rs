//! The client: one session a registry, opened when it is first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use boxwright_files::Progress;
use reqwest::Method;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::cancel::or_cancelled;
use super::http::Http;
use super::options::ClientOptions;
use super::pull::{self, PulledSet};
use super::push::{self, Pushed};
use super::session::{Access, Request, Session};
use crate::{Digest, Error, ImageSet, Platform, Reference, Result};

/// What a registry made of the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It accepted them.
    Accepted,
    /// It did not ask for any, so that nothing is known of them.
    NotAsked,
}

/// Speaks to registries. Connections and tokens are kept; cloning shares them.
#[derive(Clone)]
pub struct Client {
    options: Arc<ClientOptions>,
    http: Arc<Http>,
    sessions: Arc<Mutex<HashMap<String, Arc<OnceCell<Session>>>>>,
}

impl Client {
    /// A client; nothing is connected yet.
    ///
    /// # Errors
    /// `Options` or `Io` when `ca_file` cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let http = Arc::new(Http::new(options.ca_file.as_ref())?);
        Ok(Self {
            options: Arc::new(options),
            http,
            sessions: Arc::default(),
        })
    }

    /// Asks `registry` (host and port) whether it is there and accepts the credentials.
    ///
    /// # Errors
    /// `Unauthorized` when the password is wrong, `RegistryInvalid`, `Unreachable`,
    /// `RealmUntrusted`, `Failed`.
    pub async fn check(&self, registry: &str) -> Result<Checked> {
        crate::check_registry(registry)?;
        let cell = self.cell(registry);
        let session = self.open(&cell, registry).await?;
        let access = Access::registry();
        let request = Request::new(Method::GET, session.endpoint.root(), &access, "signing in");
        session.send_for_success(&request).await?;
        Ok(match session.requires_credentials().await {
            true => Checked::Accepted,
            false => Checked::NotAsked,
        })
    }

    /// The digest that `reference` names now; `None` when it names nothing.
    ///
    /// # Errors
    /// The registry's.
    pub async fn resolve(&self, reference: &Reference) -> Result<Option<Digest>> {
        let cell = self.cell(reference.registry());
        let session = self.open(&cell, reference.registry()).await?;
        let name = reference.digest().map(ToString::to_string);
        let name = name.unwrap_or_else(|| reference.tag_or_latest().to_owned());
        let found = pull::head(session, &Access::pull(reference.repository()), &name).await;
        match found {
            // Some registries only tell those who may push that a repository does not exist yet.
            Err(Error::Denied { .. }) => {
                pull::head(session, &Access::push(reference.repository(), &[]), &name).await
            }
            found => found,
        }
    }

    /// Sends `set` to the repository of `to`: every missing blob, then the manifests, and last the
    /// index under the tag.
    ///
    /// # Errors
    /// The registry's, `FileChanged`, `Io`, `Cancelled`.
    pub async fn push(
        &self,
        set: &ImageSet,
        to: &Reference,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Pushed> {
        let cell = self.cell(to.registry());
        let session = or_cancelled(cancel, self.open(&cell, to.registry())).await?;
        push::push(session, set, to, progress, cancel).await
    }

    /// Fetches what `reference` names into the folder `to`, an OCI layout, which may hold blobs of
    /// earlier pulls. Only the images of `platforms`, where they are given: each has to be there.
    ///
    /// # Errors
    /// The registry's, `NotFound`, `ContentInvalid`, `DiskFull`, `Cancelled`.
    pub async fn pull(
        &self,
        reference: &Reference,
        to: &Path,
        platforms: Option<&[Platform]>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<PulledSet> {
        or_cancelled(cancel, async {
            let cell = self.cell(reference.registry());
            let session = self.open(&cell, reference.registry()).await?;
            pull::pull(session, reference, to, platforms, progress).await
        })
        .await
    }

    /// The place of a registry's session, which one caller opens while the others wait.
    fn cell(&self, registry: &str) -> Arc<OnceCell<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(registry.to_owned()).or_default())
    }

    async fn open<'a>(&self, cell: &'a OnceCell<Session>, registry: &str) -> Result<&'a Session> {
        let open = || Session::open(registry, Arc::clone(&self.http), Arc::clone(&self.options));
        cell.get_or_try_init(open).await
    }
}
