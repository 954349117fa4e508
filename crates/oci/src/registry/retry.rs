//! Which failed requests are repeated, and after how long.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::options::Retry;
use crate::Error;

/// The longest time between two pieces of a response, or without a byte of a request's body sent.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// A request that failed, and whether it may be repeated.
#[derive(Debug)]
pub(super) struct RequestError {
    pub(super) error: Error,
    pub(super) transient: bool,
    /// How long the registry asks to wait.
    pub(super) retry_after: Option<Duration>,
}

impl RequestError {
    pub(super) fn transient(error: Error) -> Self {
        Self {
            error,
            transient: true,
            retry_after: None,
        }
    }

    pub(super) fn fatal(error: Error) -> Self {
        Self {
            error,
            transient: false,
            retry_after: None,
        }
    }

    pub(super) fn into_final(self) -> Self {
        Self {
            transient: false,
            ..self
        }
    }

    pub(super) fn stalled(registry: &str) -> Self {
        let detail = format!("nothing has moved for {} seconds", STALL_TIMEOUT.as_secs());
        Self::transient(Error::Unreachable {
            registry: registry.to_owned(),
            detail,
        })
    }
}

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        Self::fatal(error)
    }
}

/// Counts attempts and paces them: twice as long each time, and varied at random so that many
/// clients don't come back at once.
pub(super) struct Backoff {
    retry: Retry,
    failed: u32,
}

impl Backoff {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, failed: 0 }
    }

    /// Something moved: the count starts again.
    pub(super) fn reset(&mut self) {
        self.failed = 0;
    }

    /// Waits, if `failure` is worth another attempt and one is left.
    ///
    /// # Errors
    /// The failure's error, if not.
    pub(super) async fn wait(&mut self, failure: RequestError) -> Result<(), Error> {
        self.failed += 1;
        if !failure.transient || self.failed >= self.retry.attempts {
            return Err(failure.error);
        }
        tracing::debug!(error = %failure.error, attempt = self.failed, "trying again");
        tokio::time::sleep(self.pause(failure.retry_after, random_fraction())).await;
        Ok(())
    }

    /// The next pause, for a `random_fraction` between 0 and 1.
    fn pause(&self, asked: Option<Duration>, random_fraction: f64) -> Duration {
        let doubled = 2u32.saturating_pow(self.failed.saturating_sub(1));
        let usual = self
            .retry
            .first_pause
            .saturating_mul(doubled)
            .mul_f64(0.5 + random_fraction);
        usual
            .max(asked.unwrap_or_default())
            .min(self.retry.longest_pause)
    }
}

/// Between 0 and 1.
fn random_fraction() -> f64 {
    // Every `RandomState` is seeded anew.
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_vary_and_heed_the_registry_within_bounds() {
        let mut backoff = Backoff::new(Retry::default());
        let mut pauses = Vec::new();
        for failed in 1..=9 {
            backoff.failed = failed;
            pauses.push(backoff.pause(None, 0.5).as_millis());
        }
        assert_eq!(
            pauses,
            [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
        );
        backoff.failed = 1;
        assert_eq!(backoff.pause(None, 0.0), Duration::from_millis(250));
        assert_eq!(
            backoff.pause(Some(Duration::from_secs(7)), 1.0),
            Duration::from_secs(7)
        );
        assert_eq!(
            backoff.pause(Some(Duration::from_secs(9999)), 1.0),
            Duration::from_secs(60)
        );
    }
}
