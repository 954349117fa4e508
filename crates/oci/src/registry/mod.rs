//! Registries, by the OCI distribution specification.

mod abandoned;
mod auth;
mod cancel;
mod challenge;
mod client;
mod credentials;
mod download;
mod endpoint;
mod error_response;
mod http;
mod options;
mod pull;
mod push;
mod retry;
mod session;
mod stall;
mod upload;

pub use client::{Checked, Client};
pub use credentials::{Anonymous, CredentialSource, Credentials, Secret};
pub use options::{ClientOptions, Retry};
pub use pull::{PulledImage, PulledSet};
pub use push::Pushed;
