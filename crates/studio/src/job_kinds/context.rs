//! What jobs of all kinds run with.

use std::sync::Arc;

use boxwright_build::DataDir;
use boxwright_oci::registry::{Client, ClientOptions};

use crate::credentials::Accounts;
use crate::directories::Directories;
use crate::failure::Failure;
use crate::registry::Connection;

/// The installation, the user's folders and credentials, and the settings at the time a job is
/// started: a job that is started again runs with the current ones.
#[derive(Clone)]
pub struct Context {
    /// The share folder.
    pub data_dir: DataDir,
    /// The user's folders.
    pub directories: Directories,
    /// The user's credentials.
    pub accounts: Arc<Accounts>,
    /// How registries are spoken to.
    pub connection: Connection,
    /// Most pixels of a sample.
    pub max_pixels: u64,
}

impl Context {
    /// A client for `registry` with the user's credentials.
    ///
    /// # Errors
    /// As [`Connection::client`].
    pub async fn client(&self, registry: &str) -> Result<Client, Failure> {
        let connection = &self.connection;
        connection
            .client(registry, &self.accounts, &self.directories)
            .await
    }

    /// The options of such a client.
    ///
    /// # Errors
    /// As [`Connection::options`].
    pub async fn client_options(&self, registry: &str) -> Result<ClientOptions, Failure> {
        let connection = &self.connection;
        connection
            .options(registry, &self.accounts, &self.directories)
            .await
    }
}
