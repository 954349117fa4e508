//! Counts what tests say of themselves.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::result::Result;

/// How many tests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ran, and succeeded.
    pub passed: u64,
    /// Ran, and did not.
    pub failed: u64,
    /// Did not run.
    pub skipped: u64,
    /// Larger sets that tests which ran did not go through.
    pub left_out: u64,
}

impl Tally {
    /// Adds another's tests.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.left_out += other.left_out;
    }

    /// Counts what one line of output says: a summary of libtest or of vitest, or that a test
    /// which libtest counts as passed did not run.
    fn read(&mut self, line: &str) {
        let line = line.trim_start();
        if line.starts_with("SKIPPED:") {
            self.skipped += 1;
            self.passed = self.passed.wrapping_sub(1);
        } else if line.starts_with("LEFT OUT:") {
            self.left_out += 1;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            self.counts(counts.split(';'));
        } else if let Some(counts) = line.strip_prefix("Tests ") {
            self.counts(counts.split('|'));
        }
    }

    fn counts<'a>(&mut self, parts: impl Iterator<Item = &'a str>) {
        for part in parts {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed = self.passed.wrapping_add(number),
                "failed" => self.failed += number,
                "ignored" | "skipped" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Runs a command whose tests are counted; its output goes to the terminal. Says whether it
/// succeeded.
pub fn run(command: &mut Command) -> Result<(Tally, bool)> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("{:?} can't be run: {error}", command.get_program()))?;
    let tally = Mutex::new(Tally::default());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| follow(stdout, &tally, std::io::stdout()));
        scope.spawn(|| follow(stderr, &tally, std::io::stderr()));
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    let tally = tally
        .into_inner()
        .map_err(|_| "counting the tests failed")?;
    Ok((tally, status.success()))
}

fn follow(from: Option<impl Read>, tally: &Mutex<Tally>, mut to: impl Write) {
    let Some(from) = from else { return };
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    while from
        .read_until(b'\n', &mut line)
        .is_ok_and(|count| count > 0)
    {
        // A closed terminal is no reason to stop counting.
        let _ = to.write_all(&line);
        if let Ok(mut tally) = tally.lock() {
            tally.read(&String::from_utf8_lossy(&line));
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn a_test_that_was_left_out_has_not_passed() {
        let found = tally(&[
            "SKIPPED: docker: there is no Docker Engine",
            "LEFT OUT: recipes: three of four; BOXWRIGHT_TEST_ALL=1 goes through them too",
            "test proof ... ok",
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured",
        ]);
        let expected = Tally {
            passed: 12,
            failed: 2,
            skipped: 4,
            left_out: 1,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_pages_tests_count_too() {
        let found = tally(&[
            " Test Files  3 passed (3)",
            "      Tests  1 failed | 20 passed | 2 skipped (23)",
        ]);
        let expected = Tally {
            passed: 20,
            failed: 1,
            skipped: 2,
            left_out: 0,
        };
        assert_eq!(found, expected);
    }
}
