//! Transfers that report their progress, and end when they stall.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::retry::STALL_TIMEOUT;

const REPORT_INTERVAL: Duration = Duration::from_millis(100);
/// How long a registry may take to store a blob after its last byte.
pub(super) const COMMIT_TIMEOUT: Duration = Duration::from_secs(600);

/// Runs `work`, which adds the bytes that it has sent of `total` to `moved`. `None` when it stalls.
pub(super) async fn with_stall_timeout<T>(
    work: impl Future<Output = T>,
    moved: &AtomicU64,
    total: u64,
    report: impl Fn(u64),
) -> Option<T> {
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(REPORT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut since) = (0, Instant::now());
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                report(moved.load(Ordering::Relaxed));
                return Some(done);
            }
            _ = ticks.tick() => {
                let now = moved.load(Ordering::Relaxed);
                let timeout = if now < total { STALL_TIMEOUT } else { COMMIT_TIMEOUT };
                if now != last {
                    (last, since) = (now, Instant::now());
                    report(now);
                } else if since.elapsed() > timeout {
                    return None;
                }
            }
        }
    }
}
