//! Registries, by the OCI distribution specification.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use boxwright_files::Progress;
use reqwest::Method;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{Descriptor, Digest, Error, ImageConfig, ImageSet, Platform, Reference, Result};

mod answer;
mod auth;
mod challenge;
mod credentials;
mod download;
mod endpoint;
mod http;
mod pull;
mod push;
mod retry;
mod session;
mod unfinished;
mod upload;
mod watch;

use http::Http;
use session::{Access, Call, Session};

pub use credentials::{Anonymous, CredentialSource, Credentials, Secret};

/// How a [`Client`] behaves.
#[derive(Clone)]
pub struct ClientOptions {
    /// Registries (`host` or `host:port`) that are spoken to without TLS, besides `localhost`,
    /// 127.0.0.0/8 and `::1`.
    pub plain_http: Vec<String>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Who the user is.
    pub credentials: Arc<dyn CredentialSource>,
    /// Token servers (`host` or `host:port`) that may get the password although they don't visibly
    /// belong to the registry: the user's word.
    pub trusted_realms: Vec<String>,
    /// Repositories whose blobs may be mounted instead of sent, where they are in the registry
    /// that is pushed to.
    pub mount_from: Vec<Reference>,
    /// How failed requests are repeated.
    pub retry: Retry,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            ca_file: None,
            credentials: Arc::new(Anonymous),
            trusted_realms: Vec::new(),
            mount_from: Vec::new(),
            retry: Retry::default(),
        }
    }
}

/// How often, and after how long, a request that failed for the moment is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, without any progress between them.
    pub attempts: u32,
    /// The first pause; each next one is twice as long, and all vary by chance.
    pub first_pause: Duration,
    /// The longest pause, also where the registry asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// What a registry made of the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It accepted them.
    Accepted,
    /// It did not ask for any, so that nothing is known of them.
    NotAsked,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The index's digest, which the tag now names.
    pub digest: Digest,
    /// Bytes of blobs and manifests that were sent.
    pub uploaded_bytes: u64,
    /// Bytes of blobs that were there already or were mounted.
    pub reused_bytes: u64,
}

/// What a pull fetched.
#[derive(Debug, Clone)]
pub struct PulledSet {
    /// The digest of what the reference names: an index, or a single manifest.
    pub digest: Digest,
    /// The images, in the index's order.
    pub images: Vec<PulledImage>,
}

/// A fetched image; its blobs lie in the layout's folder.
#[derive(Debug, Clone)]
pub struct PulledImage {
    /// What it runs on.
    pub platform: Platform,
    /// Its manifest's digest.
    pub manifest_digest: Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, bottom first, and the files they lie in.
    pub layers: Vec<(Descriptor, PathBuf)>,
    /// The layers' compressed size in bytes.
    pub size: u64,
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
        let call = Call::new(Method::GET, session.endpoint.root(), &access, "signing in");
        session.require(&call).await?;
        Ok(match session.asks_for_credentials().await {
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

/// Runs `work` until `cancel`; what is under way is dropped then.
async fn or_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        done = work => done,
    }
}
