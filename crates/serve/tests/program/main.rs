//! The built program from outside: frames, HTTP, gRPC, signals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod crash;
mod grpc;
mod lifecycle;
mod limits;
mod observability;
mod open_inference;
mod openapi;
mod page;
mod server;
mod support;
mod tiny_models;
mod worker;
mod worker_pipe;
