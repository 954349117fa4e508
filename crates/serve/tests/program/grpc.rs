//! gRPC, by clients that know only the interfaces.

mod client;
mod inference;
mod limits;
mod omi;
