//! A request's body that is counted into the request's reservation while it is read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use tonic::Status;

use super::Reservation;
use crate::server::problem::Problem;

/// How much of an unread body is read and thrown away, as a multiple of the limit on bodies.
const MAX_DISCARDED_BODIES: usize = 4;
/// How long that may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// A body that is counted while it is read. Where the budget does not hold it, reading fails. What is
/// left of it then, or when it is dropped, is put into its [`UnreadSlot`].
pub struct MeteredBody {
    body: Option<Body>,
    started: bool,
    reservation: Reservation,
    unread: UnreadSlot,
    framing: Framing,
}

/// Which of the bytes that arrived are in memory.
enum Framing {
    /// All of them: so many.
    Whole(usize),
    /// Those of the message that is arriving, in gRPC's framing: before each message stand a flag and
    /// its length in four bytes.
    GrpcMessages {
        prefix: [u8; 5],
        prefix_filled: usize,
        message_left: usize,
    },
}

/// What is left of a body.
pub struct UnreadBody {
    /// What was not read.
    pub body: Body,
    /// Whether a handler began to read it.
    pub started: bool,
    /// Whether reading ended because the budget does not hold it.
    pub over_budget: bool,
}

/// Where the unread rest of a body is put.
#[derive(Clone, Default)]
pub struct UnreadSlot(Arc<Mutex<Option<UnreadBody>>>);

impl UnreadSlot {
    /// The rest, where there is one.
    pub fn take(&self) -> Option<UnreadBody> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<UnreadBody>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnreadBody {
    /// Reads the rest and throws it away, within bounds that follow from the limit on bodies.
    pub async fn discard(self, max_body: usize) {
        let mut chunks = self.body.into_data_stream();
        let mut left = max_body.saturating_mul(MAX_DISCARDED_BODIES);
        let rest = async {
            while let Some(Ok(chunk)) = chunks.next().await {
                match left.checked_sub(chunk.len()) {
                    Some(less) => left = less,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
    }
}

impl MeteredBody {
    /// Counts `body` into `reservation`; `grpc_messages` says that it consists of gRPC's messages.
    pub fn around(body: Body, reservation: Reservation, grpc_messages: bool) -> (Body, UnreadSlot) {
        let unread = UnreadSlot::default();
        let framing = match grpc_messages {
            true => Framing::GrpcMessages {
                prefix: [0; 5],
                prefix_filled: 0,
                message_left: 0,
            },
            false => Framing::Whole(0),
        };
        let metered = Self {
            body: Some(body),
            started: false,
            reservation,
            unread: unread.clone(),
            framing,
        };
        (Body::new(metered), unread)
    }

    fn leave_unread(&mut self, over_budget: bool) {
        if let Some(body) = self.body.take() {
            *self.unread.lock() = Some(UnreadBody {
                body,
                started: self.started,
                over_budget,
            });
        }
    }

    fn count(&mut self, data: &[u8]) -> Result<(), Problem> {
        match &mut self.framing {
            Framing::Whole(received) => {
                *received = received.saturating_add(data.len());
                // Nothing is kept past the longest body: whoever reads it refuses it.
                let kept = (*received).min(self.reservation.max_body());
                self.reservation.grow_body(kept)
            }
            Framing::GrpcMessages { .. } => self.count_messages(data),
        }
    }

    fn count_messages(&mut self, mut data: &[u8]) -> Result<(), Problem> {
        let Framing::GrpcMessages {
            prefix,
            prefix_filled,
            message_left,
        } = &mut self.framing
        else {
            return Ok(());
        };
        while !data.is_empty() {
            if *message_left > 0 {
                let of_message = data.len().min(*message_left);
                *message_left -= of_message;
                data = &data[of_message..];
                continue;
            }
            let of_prefix = data.len().min(prefix.len() - *prefix_filled);
            prefix[*prefix_filled..*prefix_filled + of_prefix].copy_from_slice(&data[..of_prefix]);
            *prefix_filled = (*prefix_filled + of_prefix) % prefix.len();
            data = &data[of_prefix..];
            if *prefix_filled == 0 {
                let [_, length @ ..] = *prefix;
                *message_left = u32::from_be_bytes(length) as usize;
                let kept = (*message_left).min(self.reservation.max_body());
                self.reservation.resize_body(kept)?;
            }
        }
        Ok(())
    }
}

impl Drop for MeteredBody {
    fn drop(&mut self) {
        self.leave_unread(false);
    }
}

impl HttpBody for MeteredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.started = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(problem) = self.count(data)
        {
            self.leave_unread(true);
            // A stream of gRPC has begun its answer already, and ends with this status.
            return Poll::Ready(Some(Err(axum::Error::new(Status::from(problem)))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
