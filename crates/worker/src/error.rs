use std::path::PathBuf;

use crate::frame::FrameError;

/// Why a worker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The program could not be started.
    #[error("the worker {} can't be started: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The worker is gone; what was in flight has no answer. Another one can be started.
    #[error("the worker {how}")]
    Lost {
        /// What became of it, as a predicate: `was killed by signal 9 (SIGKILL)`.
        how: String,
        /// The last lines that it wrote to stderr; may be empty.
        stderr: String,
    },
    /// The worker answered with an error and goes on.
    #[error("{message}")]
    Refused {
        /// A code of the contract.
        code: String,
        /// What happened to which thing.
        message: String,
        /// The next step.
        hint: String,
        /// What led to it, outermost first.
        causes: Vec<String>,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
    /// What went over the pipe is not what the two sides agreed on. The worker has been ended.
    #[error("the worker is not understood: {source}")]
    Protocol {
        /// What was wrong with the frame.
        source: FrameError,
    },
}
