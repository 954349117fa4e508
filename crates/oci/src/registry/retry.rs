//! What is worth trying again, and after how long.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::{Retry, http::STALLED_AFTER};
use crate::Error;

/// A request that failed, and whether it may be repeated.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    pub(super) transient: bool,
    /// How long the registry asks to wait.
    pub(super) pause: Option<Duration>,
}

impl Fault {
    pub(super) fn transient(error: Error) -> Self {
        Self {
            error,
            transient: true,
            pause: None,
        }
    }

    pub(super) fn fatal(error: Error) -> Self {
        Self {
            error,
            transient: false,
            pause: None,
        }
    }

    pub(super) fn into_final(self) -> Self {
        Self {
            transient: false,
            ..self
        }
    }

    pub(super) fn stalled(registry: &str) -> Self {
        let detail = format!("nothing has moved for {} seconds", STALLED_AFTER.as_secs());
        Self::transient(Error::Unreachable {
            registry: registry.to_owned(),
            detail,
        })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::fatal(error)
    }
}

/// Counts attempts and paces them: twice as long each time, and varied by chance so that many
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

    /// Waits, if `fault` is worth another attempt and one is left.
    ///
    /// # Errors
    /// The fault's error, if not.
    pub(super) async fn wait(&mut self, fault: Fault) -> Result<(), Error> {
        self.failed += 1;
        if !fault.transient || self.failed >= self.retry.attempts {
            return Err(fault.error);
        }
        tracing::debug!(error = %fault.error, attempt = self.failed, "trying again");
        tokio::time::sleep(self.pause(fault.pause, chance())).await;
        Ok(())
    }

    /// The next pause, for a `chance` between 0 and 1.
    fn pause(&self, asked: Option<Duration>, chance: f64) -> Duration {
        let doubled = 2u32.saturating_pow(self.failed.saturating_sub(1));
        let usual = self
            .retry
            .first_pause
            .saturating_mul(doubled)
            .mul_f64(0.5 + chance);
        usual
            .max(asked.unwrap_or_default())
            .min(self.retry.longest_pause)
    }
}

/// Between 0 and 1.
fn chance() -> f64 {
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
