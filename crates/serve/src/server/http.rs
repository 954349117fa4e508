//! HTTP: the page, predictions without a protocol, KServe's V1 protocol, the Open Inference Protocol (V2)
//! and the server's own paths. [`routes`] has all of them in one table.

mod body;
mod content_encoding;
mod infer;
mod json;
mod openapi;
mod pictures;
mod request;
mod route;
pub mod routes;
mod v1;
mod v2;
