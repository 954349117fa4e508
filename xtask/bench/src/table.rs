//! One table: what was measured, against what, and whether it is good enough.

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// The figure should be this or more.
    AtLeast(f64),
    /// The figure should be this or less.
    AtMost(f64),
    /// Nothing: it is there to be known.
    None,
}

impl Aim {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
            Self::None => true,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured, with both sides' medians in words.
    pub what: String,
    /// The figure: a ratio, or a measure with its unit.
    pub figure: f64,
    /// The unit, or `×` for a ratio.
    pub unit: &'static str,
    /// What it is held against.
    pub aim: Aim,
    /// Both sides, in words.
    pub detail: String,
}

/// Prints `rows`; returns how many miss their aim.
pub fn print(rows: &[Row]) -> usize {
    let width = rows
        .iter()
        .map(|row| row.what.chars().count())
        .max()
        .unwrap_or(0);
    println!("{:<width$}  {:>12}  {:>12}  ", "what", "measured", "aim");
    for row in rows {
        let aim = match row.aim {
            Aim::AtLeast(least) => format!("≥ {least} {}", row.unit),
            Aim::AtMost(most) => format!("≤ {most} {}", row.unit),
            Aim::None => String::new(),
        };
        let verdict = match row.aim {
            Aim::None => "    ",
            aim if aim.met(row.figure) => "ok  ",
            _ => "MISS",
        };
        let measured = format!("{:.2} {}", row.figure, row.unit);
        println!(
            "{:<width$}  {measured:>12}  {aim:>12}  {verdict}  {}",
            row.what, row.detail
        );
    }
    rows.iter().filter(|row| !row.aim.met(row.figure)).count()
}

/// The median; 0 for no values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Runs both sides in turn, `runs` times after one that is not counted, so that a drift of the
/// machine's speed meets both; the medians.
pub fn interleave<E>(
    runs: usize,
    mut ours: impl FnMut() -> Result<f64, E>,
    mut theirs: impl FnMut() -> Result<f64, E>,
) -> Result<(f64, f64), E> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    ours()?;
    theirs()?;
    for _ in 0..runs {
        a.push(ours()?);
        b.push(theirs()?);
    }
    Ok((median(&a), median(&b)))
}
