//! The two inner loops of the resampling for processors with AVX2: the same sums, exactly.

use super::pillow::Weights;

/// Weights that a step of [`row`] takes together.
pub(super) const TAPS: usize = 4;

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{available, column, row};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{available, column, row};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use super::super::pillow;
    use super::Weights;

    pub fn available() -> bool {
        false
    }

    pub fn row(_: &[u8], _: usize, _: &Weights, _: &mut [u8]) {}

    pub fn column(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        pillow::column(from, stride, weights, to);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #![expect(unsafe_code, reason = "calling into code for a processor feature")]

    use std::arch::x86_64::*;

    use super::super::pillow::{self, HALF, clip};
    use super::{TAPS, Weights};

    /// Weights are split for 16-bit multiplication: `weight = high << SPLIT | low`. The upper
    /// part has 13 bits and a sign, the lower one is never negative; sums of both are exact, or
    /// wrap around exactly as one sum would.
    const SPLIT: u32 = 11;

    pub fn available() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
    }

    /// One row of RGB, from column `first` on, to the columns of `weights`; `from` may reach
    /// past the row.
    pub fn row(from: &[u8], first: usize, weights: &Weights, to: &mut [u8]) {
        assert!(available());
        // SAFETY: the processor has the feature.
        unsafe { row_avx2(from, first, weights, to) }
    }

    /// One output row from as many input rows, `stride` bytes apart, as there are weights.
    pub fn column(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        assert!(available());
        // SAFETY: the processor has the feature.
        unsafe { column_avx2(from, stride, weights, to) }
    }

    #[target_feature(enable = "avx2")]
    fn column_avx2(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        pillow::column(from, stride, weights, to);
    }

    #[target_feature(enable = "avx2")]
    fn row_avx2(from: &[u8], first: usize, weights: &Weights, to: &mut [u8]) {
        for (x, pixel) in to.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (start, weights) = weights.padded(x);
            *pixel = dot(&from[(start - first) * 3..], weights);
        }
    }

    /// The weighted sum of the pixels at the start of `from`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn dot(from: &[u8], weights: &[i32]) -> [u8; 3] {
        // The lower half takes pixels 0 and 1, the upper one 2 and 3, of 12 bytes: two reds, two
        // greens, two blues and nothing, each as 16 bits.
        let spread = _mm256_setr_epi8(
            0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
            6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
        );
        let low_mask = _mm_set1_epi32((1 << SPLIT) - 1);
        let (mut high_sum, mut low_sum) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (group, weights) in weights.as_chunks::<TAPS>().0.iter().enumerate() {
            let pixels = load(from, group * TAPS * 3);
            let pixels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(pixels), spread);
            let weights = _mm_setr_epi32(weights[0], weights[1], weights[2], weights[3]);
            let high = _mm_srai_epi32::<{ SPLIT as i32 }>(weights);
            let low = _mm_and_si128(weights, low_mask);
            high_sum = _mm256_add_epi32(high_sum, _mm256_madd_epi16(pixels, pairs(high)));
            low_sum = _mm256_add_epi32(low_sum, _mm256_madd_epi16(pixels, pairs(low)));
        }
        let sum = _mm256_add_epi32(_mm256_slli_epi32::<{ SPLIT as i32 }>(high_sum), low_sum);
        let sum = _mm_add_epi32(
            _mm256_castsi256_si128(sum),
            _mm256_extracti128_si256::<1>(sum),
        );
        [
            clip(_mm_extract_epi32::<0>(sum).wrapping_add(HALF)),
            clip(_mm_extract_epi32::<1>(sum).wrapping_add(HALF)),
            clip(_mm_extract_epi32::<2>(sum).wrapping_add(HALF)),
        ]
    }

    /// Four weights as 16 bits: the first pair all over the lower half, the second all over the
    /// upper.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs(weights: __m128i) -> __m256i {
        let packed = _mm_packs_epi32(weights, weights);
        let wide = _mm256_broadcastq_epi64(packed);
        let spread = _mm256_setr_epi32(
            0x0302_0100,
            0x0302_0100,
            0x0302_0100,
            0x0302_0100, //
            0x0706_0504,
            0x0706_0504,
            0x0706_0504,
            0x0706_0504,
        );
        _mm256_shuffle_epi8(wide, spread)
    }

    /// 16 bytes from `at` on; zeros behind the end.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(from: &[u8], at: usize) -> __m128i {
        let bytes = match from.get(at..).and_then(<[u8]>::first_chunk::<16>) {
            Some(bytes) => *bytes,
            None => {
                let rest = from.get(at..).unwrap_or(&[]);
                let mut bytes = [0; 16];
                bytes[..rest.len()].copy_from_slice(rest);
                bytes
            }
        };
        let [low, high] =
            [0, 8].map(|at| i64::from_le_bytes(std::array::from_fn(|index| bytes[at + index])));
        _mm_set_epi64x(high, low)
    }
}
