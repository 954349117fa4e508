//! Limits on what requests may take: constants, and what follows from the memory of the machine or of
//! the container's control group.

use boxwright_predict::{Options, memory_limit};

use crate::settings::Settings;

/// Samples of one request at most: each takes memory of its own while it waits.
pub const MAX_SAMPLES: usize = 16_384;

/// Request bodies may take this part of the memory; with what is made of them it can be twice as much.
const BODY_MEMORY_DIVISOR: u64 = 4;
/// Pictures that are being decoded may take this part of the memory.
const DECODE_MEMORY_DIVISOR: u64 = 2;
/// Bytes a pixel while a picture is decoded: at most four samples of 16 bits, and its three channels.
const BYTES_PER_PIXEL: u64 = 11;
/// No picture is refused below this many pixels, however little memory there is.
const MIN_PIXEL_LIMIT: u64 = 1_000_000;
/// The memory to plan with where the system does not say how much there is.
const DEFAULT_MEMORY: u64 = 4 << 30;

/// The limits that follow from the settings and the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all request bodies may take together.
    pub body_memory: usize,
    /// Pixels of a picture.
    pub max_pixels: u64,
}

impl Limits {
    /// From the settings, and the memory that they or the system grant.
    pub fn new(settings: &Settings) -> Self {
        let memory = settings.memory.or_else(memory_limit);
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let limits = Self {
            body_memory: body_memory(memory, settings.max_body),
            max_pixels: max_pixels(settings.max_pixels, memory, threads),
        };
        let requested = settings.max_pixels.unwrap_or(Options::MAX_PIXELS);
        if let Some(memory) = memory.filter(|_| limits.max_pixels < requested) {
            tracing::warn!(
                "pictures may have {} pixels, not {requested}: {} MiB of memory have to do for {threads} at once",
                limits.max_pixels,
                memory >> 20
            );
        }
        limits
    }
}

/// Room for at least two bodies of the largest size, so that a slow upload does not lock out all others.
fn body_memory(memory: Option<u64>, max_body: usize) -> usize {
    let part = memory.unwrap_or(DEFAULT_MEMORY) / BODY_MEMORY_DIVISOR;
    usize::try_from(part)
        .unwrap_or(usize::MAX)
        .max(max_body.saturating_mul(2))
}

/// The requested limit, lowered so that a picture on each thread can be decoded at the same time.
fn max_pixels(requested: Option<u64>, memory: Option<u64>, threads: usize) -> u64 {
    let requested = requested.unwrap_or(Options::MAX_PIXELS);
    let Some(memory) = memory else {
        return requested;
    };
    let per_thread = memory / DECODE_MEMORY_DIVISOR / BYTES_PER_PIXEL / threads.max(1) as u64;
    requested.min(per_thread.max(MIN_PIXEL_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn small_memory_lowers_the_pixels_of_a_picture_and_large_memory_keeps_what_was_asked() {
        assert_eq!(max_pixels(None, None, 64), 100_000_000);
        assert_eq!(max_pixels(None, Some(64 << 30), 4), 100_000_000);
        assert_eq!(max_pixels(Some(7), Some(64 << 30), 4), 7);
        let two = max_pixels(None, Some(512 * MIB), 2);
        assert_eq!(two, 512 * MIB / 2 / 11 / 2);
        assert_eq!(max_pixels(Some(two * 2), Some(512 * MIB), 2), two);
        assert_eq!(max_pixels(None, Some(MIB), 64), MIN_PIXEL_LIMIT);
        // What a package asks for by default takes the photos of a phone.
        assert!(max_pixels(None, Some(512 * MIB), 1) > 24_000_000);
    }

    #[test]
    fn bodies_get_a_part_of_the_memory_and_two_of_the_largest_always_fit() {
        assert_eq!(body_memory(Some(4096 * MIB), 64 << 20), 1 << 30);
        assert_eq!(body_memory(Some(128 * MIB), 64 << 20), 128 << 20);
        assert_eq!(body_memory(None, 1 << 20), 1 << 30);
    }
}
