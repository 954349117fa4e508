//! Work that moves bytes: its progress reported, and given up when nothing moves any more.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior};

use super::http::STALLED_AFTER;
use crate::Result;

const REPORT_EVERY: Duration = Duration::from_millis(100);
/// A registry may take its time to put away what it was sent.
pub(super) const PUTTING_AWAY: Duration = Duration::from_secs(600);

/// Runs `work`, which adds to `moved` what it has sent of `total` bytes. `None` when it stalls.
pub(super) async fn watched<T>(
    work: impl Future<Output = T>,
    moved: &AtomicU64,
    total: u64,
    report: impl Fn(u64),
) -> Option<T> {
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(REPORT_EVERY);
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
                let patience = if now < total { STALLED_AFTER } else { PUTTING_AWAY };
                if now != last {
                    (last, since) = (now, Instant::now());
                    report(now);
                } else if since.elapsed() > patience {
                    return None;
                }
            }
        }
    }
}

/// Runs one piece of work an item, at most `limit` at a time, in the items' order. The first error
/// drops the rest.
pub(super) async fn in_parallel<T, R, F: Future<Output = Result<R>>>(
    limit: usize,
    items: Vec<T>,
    start: impl Fn(T) -> F,
) -> Result<Vec<R>> {
    let mut waiting = items.into_iter();
    let mut running: FuturesUnordered<F> = waiting.by_ref().take(limit).map(&start).collect();
    let mut results = Vec::new();
    while let Some(result) = running.next().await {
        results.push(result?);
        running.extend(waiting.next().map(&start));
    }
    Ok(results)
}
