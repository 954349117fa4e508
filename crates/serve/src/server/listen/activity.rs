//! Whether a connection has anything to do.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;

/// The requests of a connection that have no complete answer yet.
#[derive(Default)]
pub struct Activity(watch::Sender<usize>);

/// A request, until its answer has been sent.
pub struct Busy(watch::Sender<usize>);

impl Activity {
    /// A request has come.
    pub fn begin(&self) -> Busy {
        self.0.send_modify(|requests| *requests += 1);
        Busy(self.0.clone())
    }

    /// Resolves once there has been nothing to do for so long.
    pub async fn idle(&self, patience: Duration) {
        let mut requests = self.0.subscribe();
        loop {
            // The sender outlives the receiver, so waiting never fails.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            if tokio::time::timeout(patience, requests.changed())
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

impl Busy {
    /// The request is over when the body has been sent, or nobody wants it any more.
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
    async fn a_connection_is_idle_once_no_answer_is_open_for_long_enough() {
        let patience = Duration::from_secs(75);
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
        tokio::join!(activity.idle(patience), over);
        assert_eq!(begun.elapsed().as_secs(), 200 + 50 + 50 + 75);
    }
}
