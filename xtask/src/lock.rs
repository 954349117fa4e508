//! Lock files: what is downloaded, by version and SHA-256. A line is an entry of words; what
//! follows `#` is a remark.

use std::path::Path;

use crate::result::Result;
use crate::{process, stamp};

/// The lines of a lock file, as words.
pub fn read(path: &Path) -> Result<Vec<Vec<String>>> {
    let text = stamp::read(path)?;
    let lines = text.lines().map(|line| {
        let entry = line.split('#').next().unwrap_or_default();
        entry.split_whitespace().map(str::to_owned).collect()
    });
    Ok(lines
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect())
}

/// SHA-256 of a file in lower-case hexadecimal.
pub fn sha256(path: &Path) -> Result<String> {
    let said = process::output(&mut process::command(
        "sha256sum",
        ["--binary".as_ref(), path],
    ))?;
    let hash = said.split_whitespace().next().unwrap_or_default();
    // A name with special characters makes sha256sum begin the line with a backslash.
    Ok(hash.trim_start_matches('\\').to_owned())
}
