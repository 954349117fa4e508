//! What `build.rs` generates from the interfaces in `proto/`.

#![allow(dead_code, clippy::all, clippy::too_many_lines, reason = "generated")]

/// All interfaces, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/interfaces.bin"));

/// `proto/inference.proto`.
pub mod inference {
    include!(concat!(env!("OUT_DIR"), "/server/inference.rs"));
}

/// `proto/omi.proto`, which has no package.
pub mod omi {
    include!(concat!(env!("OUT_DIR"), "/server/_.rs"));
}
