//! The two inner loops of the resampling for processors with AVX2: the same sums, exactly.

/// Rows that share the loading of weights where there are enough.
pub(super) const ROWS: usize = 4;

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{Split, available, column, rows};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{Split, available, column, rows};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use super::super::weights::{self, Weights};

    pub struct Split;

    impl Split {
        pub fn new(_: &Weights) -> Self {
            Self
        }
    }

    pub fn available() -> bool {
        false
    }

    pub fn rows<const N: usize>(_: [&[u8]; N], _: usize, _: &Weights, _: &Split, _: &mut [u8]) {}

    pub fn column(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        weights::column(from, stride, weights, to);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #![expect(unsafe_code, reason = "calling into code for a processor feature")]

    use std::arch::x86_64::*;

    use super::super::weights::{self, HALF, PRECISION, TAPS, Weights};

    /// Where a weight is cut: `weight = high << CUT | low`.
    const CUT: u32 = 11;

    /// Bytes of a group's pixels.
    const STEP: usize = TAPS * 3;

    /// Weights in two parts for 16-bit multiplication, four upper ones and four lower ones
    /// together. The upper part has 13 bits and a sign, the lower one is never negative; sums of
    /// both are exact, or wrap around exactly as one sum would.
    pub struct Split {
        groups: Vec<[i16; 2 * TAPS]>,
        stride: usize,
    }

    impl Split {
        pub fn new(weights: &Weights) -> Self {
            let (groups, stride) = weights.groups();
            let part = |weights: &[i32; TAPS], index: usize| match index {
                0..TAPS => (weights[index] >> CUT) as i16,
                _ => (weights[index - TAPS] & ((1 << CUT) - 1)) as i16,
            };
            let split = |weights| std::array::from_fn(|index| part(weights, index));
            Self {
                groups: groups.iter().map(split).collect(),
                stride,
            }
        }
    }

    pub fn available() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
    }

    /// `N` rows of RGB, from column `first` on, to the columns of `weights`, one after the other;
    /// each of `from` may reach past its row.
    pub fn rows<const N: usize>(
        from: [&[u8]; N],
        first: usize,
        weights: &Weights,
        split: &Split,
        to: &mut [u8],
    ) {
        assert!(available());
        // SAFETY: the processor has the feature.
        unsafe { rows_avx2(from, first, weights, split, to) }
    }

    /// One output row from as many input rows, `stride` bytes apart, as there are weights.
    pub fn column(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        assert!(available());
        // SAFETY: the processor has the feature.
        unsafe { column_avx2(from, stride, weights, to) }
    }

    #[target_feature(enable = "avx2")]
    fn column_avx2(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
        weights::column(from, stride, weights, to);
    }

    #[target_feature(enable = "avx2")]
    fn rows_avx2<const N: usize>(
        from: [&[u8]; N],
        first: usize,
        weights: &Weights,
        split: &Split,
        to: &mut [u8],
    ) {
        let columns = weights.len();
        let to = to.as_chunks_mut::<3>().0;
        for x in 0..columns {
            let (start, count) = weights.span(x, first);
            let groups = &split.groups[x * split.stride..][..count];
            let pixels = dot(from.map(|row| &row[start * 3..]), groups);
            for (y, pixel) in pixels.into_iter().enumerate() {
                to[y * columns + x] = pixel;
            }
        }
    }

    /// The weighted sums of the pixels at the start of each row.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn dot<const N: usize>(from: [&[u8]; N], groups: &[[i16; 2 * TAPS]]) -> [[u8; 3]; N] {
        let zero = _mm256_setzero_si256();
        let mut sums = [(zero, zero); N];
        // A group takes 12 bytes and 16 are read: the last ones may have to be copied first.
        let whole = from.map(|row| {
            if row.len() < 16 {
                0
            } else {
                (row.len() - 16) / STEP + 1
            }
        });
        let whole = whole.into_iter().fold(groups.len(), usize::min);
        for (index, group) in groups[..whole].iter().enumerate() {
            let (upper, lower) = spread(group);
            for (sums, row) in sums.iter_mut().zip(from) {
                add(sums, load(&row[index * STEP..]), upper, lower);
            }
        }
        for (index, group) in groups.iter().enumerate().skip(whole) {
            let (upper, lower) = spread(group);
            for (sums, row) in sums.iter_mut().zip(from) {
                let rest = &row[index * STEP..];
                let mut bytes = [0; 16];
                let length = rest.len().min(bytes.len());
                bytes[..length].copy_from_slice(&rest[..length]);
                add(sums, load(&bytes), upper, lower);
            }
        }
        sums.map(|(upper, lower)| {
            let sum = _mm256_add_epi32(_mm256_slli_epi32::<{ CUT as i32 }>(upper), lower);
            let (low, high) = (
                _mm256_castsi256_si128(sum),
                _mm256_extracti128_si256::<1>(sum),
            );
            let sum = _mm_add_epi32(_mm_add_epi32(low, high), _mm_set1_epi32(HALF));
            let value = _mm_srai_epi32::<{ PRECISION as i32 }>(sum);
            // Both packings saturate: the second one at 0 and 255.
            let words = _mm_packs_epi32(value, value);
            let [red, green, blue, _] =
                _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_le_bytes();
            [red, green, blue]
        })
    }

    /// A group's upper and lower parts, each pair of them in all places of a half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn spread(group: &[i16; 2 * TAPS]) -> (__m256i, __m256i) {
        let [a, b, c, d, e, f, g, h] = *group;
        let group = _mm256_castsi128_si256(_mm_setr_epi16(a, b, c, d, e, f, g, h));
        (
            _mm256_permutevar8x32_epi32(group, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)),
            _mm256_permutevar8x32_epi32(group, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3)),
        )
    }

    /// Adds four weighted pixels to the sums of the upper and the lower parts.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(sums: &mut (__m256i, __m256i), pixels: __m128i, upper: __m256i, lower: __m256i) {
        // The lower half takes pixels 0 and 1, the upper one 2 and 3: two reds, two greens, two
        // blues and nothing, each as 16 bits.
        let order = _mm256_setr_epi8(
            0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
            6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
        );
        let pixels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(pixels), order);
        sums.0 = _mm256_add_epi32(sums.0, _mm256_madd_epi16(pixels, upper));
        sums.1 = _mm256_add_epi32(sums.1, _mm256_madd_epi16(pixels, lower));
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(pixels: &[u8]) -> __m128i {
        assert!(pixels.len() >= 16);
        // SAFETY: there are 16 bytes, and the instruction needs no alignment.
        unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) }
    }
}
