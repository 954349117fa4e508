//! How much memory may go where: bodies and pictures get their parts of what the machine, or the
//! container's control group, grants.

use boxwright_predict::{Options, memory_limit};

use crate::settings::Settings;

/// Bodies that are read, wait or are answered may take this part of the memory; with what is made
/// of them it can be twice as much.
const BODIES: u64 = 4;
/// Pictures that are being decoded may take this part.
const PICTURES: u64 = 2;
/// Bytes a pixel while a picture is decoded: at most four samples of 16 bits, and its three channels.
const PIXEL: u64 = 11;
/// No picture is refused below this many pixels, however little memory there is.
const SMALLEST: u64 = 1_000_000;
/// What the bodies may take where the system does not say how much there is.
const UNKNOWN: u64 = 4 << 30;

/// The limits that follow from the settings and the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all bodies together.
    pub bodies: usize,
    /// Pixels of a picture.
    pub pixels: u64,
}

impl Limits {
    /// From the settings, and the memory that they or the system grant.
    pub fn new(settings: &Settings) -> Self {
        let memory = settings.memory.or_else(memory_limit);
        let lanes = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let limits = Self {
            bodies: bodies(memory, settings.max_body),
            pixels: pixels(settings.max_pixels, memory, lanes),
        };
        let asked = settings.max_pixels.unwrap_or(Options::MAX_PIXELS);
        if let Some(memory) = memory.filter(|_| limits.pixels < asked) {
            tracing::warn!(
                "pictures may have {} pixels, not {asked}: {lanes} at once have to find room in {} MiB of memory",
                limits.pixels,
                memory >> 20
            );
        }
        limits
    }
}

/// At least two of the largest bodies find room, so that one that is slow does not lock out all others.
fn bodies(memory: Option<u64>, largest: usize) -> usize {
    let part = memory.unwrap_or(UNKNOWN) / BODIES;
    usize::try_from(part)
        .unwrap_or(usize::MAX)
        .max(largest.saturating_mul(2))
}

fn pixels(asked: Option<u64>, memory: Option<u64>, lanes: usize) -> u64 {
    let asked = asked.unwrap_or(Options::MAX_PIXELS);
    let Some(memory) = memory else {
        return asked;
    };
    let each = memory / PICTURES / PIXEL / lanes.max(1) as u64;
    asked.min(each.max(SMALLEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn small_memory_lowers_the_pixels_of_a_picture_and_large_memory_keeps_what_was_asked() {
        assert_eq!(pixels(None, None, 64), 100_000_000);
        assert_eq!(pixels(None, Some(64 << 30), 4), 100_000_000);
        assert_eq!(pixels(Some(7), Some(64 << 30), 4), 7);
        let two = pixels(None, Some(512 * MIB), 2);
        assert_eq!(two, 512 * MIB / 2 / 11 / 2);
        assert_eq!(pixels(Some(two * 2), Some(512 * MIB), 2), two);
        assert_eq!(pixels(None, Some(MIB), 64), SMALLEST);
        // What a package asks for by default takes the photos of a phone.
        assert!(pixels(None, Some(512 * MIB), 1) > 24_000_000);
    }

    #[test]
    fn bodies_get_a_part_of_the_memory_and_two_of_the_largest_always_fit() {
        assert_eq!(bodies(Some(4096 * MIB), 64 << 20), 1 << 30);
        assert_eq!(bodies(Some(128 * MIB), 64 << 20), 128 << 20);
        assert_eq!(bodies(None, 1 << 20), 1 << 30);
    }
}
