//! The built program, as others meet it: by frames, by HTTP, by signals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod bounds;
mod crash;
mod grpc;
mod open_inference;
mod openapi;
mod page;
mod seen;
mod server;
mod server_life;
mod support;
mod tiny;
mod worker;
mod worker_pipe;
