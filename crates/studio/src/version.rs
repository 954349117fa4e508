//! Versions, as people count them.

/// The version after this one: its last number plus one, or `-2` where it has none.
pub fn next(version: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let Some(end) = version.rfind(is_digit).map(|last| last + 1) else {
        return format!("{version}-2");
    };
    let start = version[..end]
        .rfind(|c| !is_digit(c))
        .map_or(0, |before| before + 1);
    let (head, number, tail) = (&version[..start], &version[start..end], &version[end..]);
    // Longer than any number that is counted up: a date with a time, a hash.
    match number.parse::<u64>() {
        Ok(value) if value < u64::MAX => {
            format!("{head}{:0width$}{tail}", value + 1, width = number.len())
        }
        _ => format!("{version}-2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_counts_up() {
        for (version, expected) in [
            ("0.0.1", "0.0.2"),
            ("1.9", "1.10"),
            ("v7", "v8"),
            ("007", "008"),
            ("1.0-rc1", "1.0-rc2"),
            ("2024.09.30-gpu", "2024.09.31-gpu"),
            ("latest", "latest-2"),
            ("latest-2", "latest-3"),
            ("99999999999999999999", "99999999999999999999-2"),
        ] {
            assert_eq!(next(version), expected);
        }
    }
}
