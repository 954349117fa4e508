//! libpng's own way from RGB to grey, which OpenCV uses for `IMREAD_GRAYSCALE`. Where the file
//! says its gamma, it weighs light, not samples.

/// The weights of red, green and blue, of 32768.
const WEIGHTS: [u32; 3] = [9797, 19234, 3737];

/// A gamma from which samples are light already, with what counts as the same.
const LINEAR: u32 = 100_000;
const NEAR: u32 = 5_000;

/// The largest number of libpng's fixed point.
const MOST_GAMMA: u32 = 0x7fff_ffff;

/// From 16 to 8 bits libpng's tables keep 11 bits.
const KEPT_BITS: u32 = 11;
const SHIFT: u32 = 16 - KEPT_BITS;

/// Makes greys of the pixels of one file.
#[derive(Debug)]
pub(super) struct Grey {
    tables: Option<Tables>,
}

/// To light and back, for samples of 8 and of 16 bits.
#[derive(Debug)]
struct Tables {
    to_light: Vec<u8>,
    from_light: Vec<u8>,
    wide_to_light: Vec<u16>,
    wide_from_light: Vec<u16>,
}

impl Grey {
    /// For a file with this gamma, in hundred thousandths.
    pub fn new(gamma: Option<u32>) -> Self {
        let known = gamma.filter(|gamma| (1..=MOST_GAMMA).contains(gamma));
        let significant = |gamma: u32| gamma.abs_diff(LINEAR) > NEAR;
        let pair = known.map(|gamma| (gamma, reciprocal(gamma)));
        let pair = pair.filter(|(gamma, screen)| significant(*gamma) || significant(*screen));
        let tables = pair.map(|(gamma, screen)| {
            let back = if screen > 0 {
                reciprocal(screen)
            } else {
                gamma
            };
            Tables {
                to_light: table(256, screen),
                from_light: table(256, back),
                wide_to_light: wide_table(screen),
                wide_from_light: wide_table(back),
            }
        });
        Self { tables }
    }

    /// The grey of samples of 8 bits.
    pub fn of(&self, pixel: [u8; 3]) -> u8 {
        let [red, green, blue] = pixel;
        if red == green && red == blue {
            return red;
        }
        match &self.tables {
            None => (weighed(pixel.map(u32::from)) >> 15) as u8,
            Some(tables) => {
                let light = pixel.map(|byte| u32::from(tables.to_light[usize::from(byte)]));
                tables.from_light[((weighed(light) + (1 << 14)) >> 15) as usize]
            }
        }
    }

    /// The grey of samples of 16 bits, as 8.
    pub fn of_wide(&self, pixel: [u16; 3]) -> u8 {
        let [red, green, blue] = pixel;
        let rounded = |pixel: [u16; 3]| ((weighed(pixel.map(u32::from)) + (1 << 14)) >> 15) as u16;
        let grey = match &self.tables {
            None if red == green && red == blue => red,
            None => rounded(pixel),
            // Not cut off but rounded, by the table that a file without a change of gamma has.
            Some(_) if red == green && red == blue => return round_to_8(red),
            Some(tables) => {
                let light = pixel.map(|word| tables.wide_to_light[place(word)]);
                tables.wide_from_light[place(rounded(light))]
            }
        };
        (grey >> 8) as u8
    }
}

fn weighed(pixel: [u32; 3]) -> u32 {
    pixel
        .iter()
        .zip(WEIGHTS)
        .map(|(sample, weight)| sample * weight)
        .sum()
}

/// One over a number, both in hundred thousandths; 0 where that is too much.
fn reciprocal(fixed: u32) -> u32 {
    let exact = (1e10 / f64::from(fixed.max(1)) + 0.5).floor();
    if exact > f64::from(MOST_GAMMA) {
        0
    } else {
        exact as u32
    }
}

fn table(length: u32, gamma: u32) -> Vec<u8> {
    let same = gamma.abs_diff(LINEAR) <= NEAR;
    (0..length)
        .map(|sample| match sample {
            1..=254 if !same => power(sample, 255.0, 255.0, gamma) as u8,
            sample => sample as u8,
        })
        .collect()
}

/// A table over the upper 11 bits of a sample.
fn wide_table(gamma: u32) -> Vec<u16> {
    let most = (1u32 << KEPT_BITS) - 1;
    let same = gamma.abs_diff(LINEAR) <= NEAR;
    (0..=most)
        .map(|sample| {
            if same {
                ((sample * 65535 + (1 << (KEPT_BITS - 1))) / most) as u16
            } else {
                power(sample, f64::from(most), 65535.0, gamma) as u16
            }
        })
        .collect()
}

fn power(sample: u32, most: f64, scale: f64, gamma: u32) -> f64 {
    (scale * (f64::from(sample) / most).powf(f64::from(gamma) * 0.00001) + 0.5).floor()
}

fn place(word: u16) -> usize {
    usize::from(word) >> SHIFT
}

/// The nearest of the 256 values that 8 bits can be, judged by the upper 11 bits.
fn round_to_8(word: u16) -> u8 {
    let most = (1u32 << KEPT_BITS) - 1;
    let kept = place(word) as u32;
    let bound = |value: u32| ((value * 257 + 128) * most + 32768) / 65535 + 1;
    (0..255).find(|value| kept < bound(*value)).unwrap_or(255) as u8
}
