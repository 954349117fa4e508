//! Whether a connection is idle.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;

/// Counts the requests of a connection whose responses are not complete yet.
#[derive(Default)]
pub struct Activity(watch::Sender<usize>);

/// A request, until its response has been sent.
pub struct Busy(watch::Sender<usize>);

impl Activity {
    /// A request has arrived.
    pub fn begin(&self) -> Busy {
        self.0.send_modify(|requests| *requests += 1);
        Busy(self.0.clone())
    }

    /// Resolves once there has been no request for `timeout`.
    pub async fn idle(&self, timeout: Duration) {
        let mut requests = self.0.subscribe();
        loop {
            // The sender outlives the receiver, so waiting never fails.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            if tokio::time::timeout(timeout, requests.changed())
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

impl Busy {
    /// The request ends when the body has been sent, or is dropped.
    pub fn until_sent(self, body: Body) -> Body {
        Body::new(Sending { body, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|requests| *requests -= 1);
    }
}

struct Sending {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_once_it_had_no_request_for_the_timeout() {
        let timeout = Duration::from_secs(75);
        let activity = Activity::default();
        let begun = tokio::time::Instant::now();
        let (one, other) = (activity.begin(), activity.begin());
        let body = one.until_sent(Body::from("an answer"));
        let over = async {
            tokio::time::sleep(Duration::from_secs(200)).await;
            drop(other);
            tokio::time::sleep(Duration::from_secs(50)).await;
            drop(body);
            tokio::time::sleep(Duration::from_secs(50)).await;
            drop(activity.begin());
        };
        tokio::join!(activity.idle(timeout), over);
        assert_eq!(begun.elapsed().as_secs(), 200 + 50 + 50 + 75);
    }
}
