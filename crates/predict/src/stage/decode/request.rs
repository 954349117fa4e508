//! What a decoder of one format is asked for.

use super::decoding::Decoding;

/// What one call of a format's decoder works on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) max_pixels: u64,
    pub(super) decoding: &'a Decoding,
}
