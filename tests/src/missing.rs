//! What a machine lacks, and how a test says that it was left out for it.

use std::io::Write;
use std::path::PathBuf;

/// Makes tests go through their larger sets, where it is 1.
const ALL: &str = "BOXWRIGHT_TEST_ALL";

/// Why something that a test needs can't be had on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub String);

impl Missing {
    /// Something is missing because of `why`.
    pub fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of a `Result<T, Missing>`, or the end of the test, said aloud.
#[macro_export]
macro_rules! need {
    ($thing:expr) => {
        match $thing {
            Ok(thing) => thing,
            Err(missing) => $crate::skip!("{missing}"),
        }
    };
}

/// Ends the test without running it, and prints `SKIPPED: test: why` past libtest's capture.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        $crate::missing::say(module_path!(), &format!($($why)*));
        return;
    }};
}

/// Whether a test goes through its larger set, as it does with `cargo xtask test --all`. Where it
/// doesn't, prints `LEFT OUT: test: what` past libtest's capture.
pub fn larger_set(what: &str) -> bool {
    let all = std::env::var_os(ALL).is_some_and(|value| value == "1");
    if !all {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        let line = format!("LEFT OUT: {test}: {what}; {ALL}=1 goes through them too");
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    all
}

/// Prints what a script wants said aloud, the lines that begin with `NOTE:`, past libtest's capture.
pub fn say_notes(stdout: &[u8]) {
    let text = String::from_utf8_lossy(stdout);
    for line in text.lines().filter(|line| line.starts_with("NOTE:")) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// Prints that a test was left out. `module` names it where its thread has no name of its own.
pub fn say(module: &str, why: &str) {
    let thread = std::thread::current();
    let test = thread
        .name()
        .filter(|name| *name != "main")
        .unwrap_or(module);
    // The handle itself is not captured by libtest, unlike `eprintln!`.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {why}");
}

/// Finds a program in PATH and where Debian keeps those of the administrator.
pub fn program(name: &str) -> Result<PathBuf, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into(), "/usr/bin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| Missing::because(format!("{name} is not installed")))
}
