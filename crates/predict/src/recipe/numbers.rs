//! Mean and standard deviation as people write them.

use super::fit::Line;

/// Means and standard deviations that libraries use, of red, green and blue in 0..=255.
const FAMILIES: [([f64; 3], [f64; 3]); 14] = [
    ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    ([127.5; 3], [127.5; 3]),
    ([0.0; 3], [255.0; 3]),
    ([0.0; 3], [1.0; 3]),
    ([127.0; 3], [128.0; 3]),
    ([127.5; 3], [128.0; 3]),
    // CLIP.
    (
        [122.770_937_5, 116.746_012_5, 104.093_737_5],
        [68.500_530_75, 66.632_189_25, 70.323_163_05],
    ),
    // Caffe, and Keras' mode of that name.
    ([123.68, 116.779, 103.939], [1.0; 3]),
    ([123.675, 116.28, 103.53], [1.0; 3]),
    ([123.0, 117.0, 104.0], [1.0; 3]),
    // CIFAR-10, as most write it.
    (
        [125.307, 122.961, 113.8575],
        [62.993_25, 62.088_75, 66.704_85],
    ),
    ([125.307, 122.961, 113.8575], [51.5865, 50.847, 51.255]),
    // MNIST.
    ([33.3285; 3], [78.5655; 3]),
    // One mean and deviation of ImageNet for grey.
    ([114.495; 3], [57.63; 3]),
];

/// Numbers of few digits that are tried for one.
const CANDIDATES: usize = 6;

/// How exactly the lines are known: of a mean in levels, of a deviation as a part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    pub mean: f64,
    pub std: f64,
}

/// The mean and the standard deviation of each channel.
pub(super) fn named(lines: &[Line], precision: Precision) -> (Vec<f64>, Vec<f64>) {
    let usable = |line: &&Line| line.scale != 0.0;
    let Some(some) = lines.iter().find(usable).copied() else {
        return (vec![0.0], vec![1.0]);
    };
    let lines = lines.iter().map(|line| match line.scale {
        // A channel without contrast has the deviation of another, and its own offset.
        0.0 => Line {
            scale: some.scale,
            ..*line
        },
        _ => *line,
    });
    let (mean, std): (Vec<f64>, Vec<f64>) = lines
        .map(|line| (-line.offset / line.scale, 1.0 / line.scale))
        .unzip();
    family(&mean, &std, precision).unwrap_or_else(|| {
        let mean = each(&mean, |_| precision.mean);
        let std = each(&std, |std| precision.std * std.abs());
        (mean, std)
    })
}

impl Precision {
    /// So many times as exact.
    pub fn part(self, part: f64) -> Self {
        Self {
            mean: self.mean * part,
            std: self.std * part,
        }
    }
}

/// Means and standard deviations that each channel may have, shortest first.
pub(super) fn candidates(lines: &[Line], precision: Precision) -> Vec<(Vec<f64>, Vec<f64>)> {
    let of = |line: &Line| {
        let std = 1.0 / line.scale;
        (
            shortest(-line.offset / line.scale, precision.mean),
            shortest(std, precision.std * std.abs()),
        )
    };
    let usable = lines.iter().filter(|line| line.scale != 0.0);
    usable.map(of).collect()
}

/// The digits that it takes to write these numbers, in 0..=255 or in 0..=1.
pub(super) fn digits(mean: &[f64], std: &[f64]) -> usize {
    let length = |number: &f64| {
        let unit = (number / 255.0 * 1e12).round() / 1e12;
        number.to_string().len().min(unit.to_string().len())
    };
    mean.iter().chain(std).map(length).sum()
}

/// A family that is meant, in either order of channels.
fn family(mean: &[f64], std: &[f64], precision: Precision) -> Option<(Vec<f64>, Vec<f64>)> {
    let near = |(known_mean, known_std): &([f64; 3], [f64; 3])| {
        mean.iter()
            .zip(known_mean)
            .all(|(mean, known)| (mean - known).abs() <= precision.mean)
            && std
                .iter()
                .zip(known_std)
                .all(|(std, known)| (std / known - 1.0).abs() <= precision.std)
    };
    let reversed = |(mean, std): &([f64; 3], [f64; 3])| {
        let (mut mean, mut std) = (*mean, *std);
        mean.reverse();
        std.reverse();
        (mean, std)
    };
    let both = FAMILIES
        .iter()
        .copied()
        .chain(FAMILIES.iter().map(reversed));
    let count = mean.len();
    both.into_iter()
        .find(near)
        .map(|(mean, std)| (mean[..count].to_vec(), std[..count].to_vec()))
}

/// Each number with as few digits as its tolerance allows, in 0..=255 or in 0..=1.
fn each(numbers: &[f64], tolerance: impl Fn(f64) -> f64) -> Vec<f64> {
    numbers
        .iter()
        .map(|number| short(*number, tolerance(*number)))
        .collect()
}

fn short(number: f64, tolerance: f64) -> f64 {
    rounded(number)
        .find(|rounded| is_near(*rounded, number, tolerance))
        .unwrap_or(number)
}

/// The numbers of few digits within the tolerance, and the number itself.
fn shortest(number: f64, tolerance: f64) -> Vec<f64> {
    let mut all: Vec<f64> = Vec::new();
    for rounded in rounded(number).filter(|rounded| is_near(*rounded, number, tolerance)) {
        if all.len() < CANDIDATES && !all.contains(&rounded) {
            all.push(rounded);
        }
    }
    all.push(number);
    all
}

fn is_near(rounded: f64, number: f64, tolerance: f64) -> bool {
    (rounded - number).abs() <= tolerance && (rounded != 0.0 || tolerance < 0.1)
}

/// A number with ever more digits, in 0..=255 or in 0..=1.
fn rounded(number: f64) -> impl Iterator<Item = f64> {
    // From coarse to fine: three digits in 0..=1 are fewer than one behind the point in 0..=255.
    let first = [(255.0, 0), (255.0, 1)];
    let others = (0..=6).flat_map(|digits| [(255.0, digits + 2), (1.0, digits)]);
    first.into_iter().chain(others).map(move |(unit, digits)| {
        let shift = 10f64.powi(digits);
        let rounded = (number / unit * shift).round() / shift * unit;
        // No more digits than were meant: 123.675, not 123.67499999999998.
        (rounded * 1e9).round() / 1e9
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Precision = Precision {
        mean: 1e-3,
        std: 1e-5,
    };

    fn lines(mean: &[f64], std: &[f64]) -> Vec<Line> {
        let line = |(mean, std): (&f64, &f64)| Line {
            scale: 1.0 / std,
            offset: -mean / std + 1e-8,
            unexplained: 0.0,
        };
        mean.iter().zip(std).map(line).collect()
    }

    #[test]
    fn families_and_short_numbers_are_found_again() {
        for (mean, std) in FAMILIES {
            let (found_mean, found_std) = named(&lines(&mean, &std), EXACT);
            assert_eq!((found_mean, found_std), (mean.to_vec(), std.to_vec()));
        }
        let (mean, std) = ([130.05, 12.75, 200.0], [51.0, 63.75, 40.0]);
        let (found_mean, found_std) = named(&lines(&mean, &std), EXACT);
        assert_eq!((found_mean, found_std), (mean.to_vec(), std.to_vec()));
    }

    #[test]
    fn a_channel_without_contrast_has_the_deviation_of_another() {
        let mut lines = lines(&[0.0; 3], &[255.0; 3]);
        lines[1] = Line {
            scale: 0.0,
            offset: 0.0,
            unexplained: 0.0,
        };
        assert_eq!(named(&lines, EXACT), (vec![0.0; 3], vec![255.0; 3]));
    }
}
