//! The built program, as others meet it: by frames, by HTTP, by signals.

mod server;
mod server_life;
mod support;
mod worker;
mod worker_pipe;
