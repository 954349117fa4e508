//! The built program, as others meet it: by frames, by HTTP, by signals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod grpc;
mod page;
mod server;
mod server_life;
mod support;
mod worker;
mod worker_pipe;
