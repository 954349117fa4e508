//! What is measured, and with what.

use std::path::PathBuf;

use boxwright_model::runtime::ENVIRONMENT;

use crate::programs::Programs;

/// What every measurement works with.
pub struct Bench {
    /// The programs and the share folder under test.
    pub programs: Programs,
    /// A folder that goes with the run.
    pub scratch: tempfile::TempDir,
}

impl Bench {
    /// The sample package's folder.
    pub fn sample(&self) -> PathBuf {
        self.programs.share.join("samples/efficientnet-lite0")
    }
}

/// What our programs have of [`ENVIRONMENT`] and those of others don't.
pub const PAGES: &str = ENVIRONMENT[1].0;
