//! HTTP: the page, predictions without a protocol, KServe's V1 protocol, the Open Inference Protocol (V2)
//! and the server's own paths. [`routes`] has all of them in one table.

mod body;
mod content_encoding;
mod examples;
mod infer;
mod json;
mod openapi;
mod pictures;
mod pieces;
mod request;
mod results;
mod route;
pub mod routes;
mod served;
mod v1;
mod v2;
