//! Least squares of tensor = scale · pixel + offset, a channel at a time.

/// Which channel of the pixels a channel of the tensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Rgb,
    Bgr,
    /// All channels of the pixels are the same.
    Grey,
}

impl Order {
    pub fn source(self, channel: usize) -> usize {
        match self {
            Self::Rgb => channel,
            Self::Bgr => 2 - channel,
            Self::Grey => 0,
        }
    }

    /// The orders that are possible for so many channels.
    pub fn all(channels: usize) -> &'static [Self] {
        match channels {
            1 => &[Self::Grey],
            _ => &[Self::Rgb, Self::Bgr],
        }
    }
}

/// Sums of one channel.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    count: f64,
    x: f64,
    t: f64,
    xx: f64,
    xt: f64,
    tt: f64,
}

/// A line through one channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub scale: f64,
    pub offset: f64,
    /// The part of the tensor's variance that the line leaves over, 0 to 1.
    pub unexplained: f64,
}

impl Sums {
    pub fn add(&mut self, x: f64, t: f64) {
        self.count += 1.0;
        self.x += x;
        self.t += t;
        self.xx += x * x;
        self.xt += x * t;
        self.tt += t * t;
    }

    /// The line of least squares; of a channel without contrast, one with the scale 0.
    pub fn line(self) -> Line {
        let Self {
            count,
            x,
            t,
            xx,
            xt,
            tt,
        } = self;
        if count == 0.0 {
            return Line {
                scale: 0.0,
                offset: 0.0,
                unexplained: 1.0,
            };
        }
        let (mean_x, mean_t) = (x / count, t / count);
        let (var_x, var_t) = (xx / count - mean_x * mean_x, tt / count - mean_t * mean_t);
        let cov = xt / count - mean_x * mean_t;
        if var_x <= 1e-9 * (1.0 + mean_x * mean_x) {
            let flat = var_t <= 1e-9 * (1.0 + mean_t * mean_t);
            return Line {
                scale: 0.0,
                offset: mean_t,
                unexplained: if flat { 0.0 } else { 1.0 },
            };
        }
        let scale = cov / var_x;
        let left = (var_t - scale * cov).max(0.0);
        Line {
            scale,
            offset: mean_t - scale * mean_x,
            unexplained: if var_t > 0.0 {
                (left / var_t).min(1.0)
            } else {
                1.0
            },
        }
    }
}

/// How far a channel is from its line, in levels of the pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Residual {
    pub worst: f64,
    pub squares: f64,
    pub count: usize,
}

impl Residual {
    pub fn add(&mut self, line: Line, x: f64, t: f64) {
        let off = (t - (line.scale * x + line.offset)).abs();
        // A channel without contrast has no scale to measure by.
        let levels = if line.scale == 0.0 {
            off * 64.0
        } else {
            off / line.scale.abs()
        };
        self.worst = self.worst.max(levels);
        self.squares += levels * levels;
        self.count += 1;
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            worst: self.worst.max(other.worst),
            squares: self.squares + other.squares,
            count: self.count + other.count,
        }
    }

    pub fn rms(self) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt()
    }
}
