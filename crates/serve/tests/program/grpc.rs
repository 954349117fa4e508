//! gRPC, by clients that know only the interfaces.

pub mod client;
mod inference;
mod limits;
mod omi;
