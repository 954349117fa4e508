//! The options of a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::{Anonymous, CredentialSource};
use crate::Reference;

/// How a [`Client`](super::Client) behaves.
#[derive(Clone)]
pub struct ClientOptions {
    /// Registries (`host` or `host:port`) that are spoken to without TLS, besides `localhost`,
    /// 127.0.0.0/8 and `::1`.
    pub plain_http: Vec<String>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The source of the user's credentials.
    pub credentials: Arc<dyn CredentialSource>,
    /// Token servers (`host` or `host:port`) that may get the password although they are on another
    /// domain than the registry, because the user allowed it.
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
    /// The first pause; each next one is twice as long, and all vary at random.
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
