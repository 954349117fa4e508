//! The memory that the requests' bodies may take together.
//!
//! A request gets a [`Share`] before its body is read. What the share holds grows with the body and
//! with what is made of it, and is given back when the last clone of the share is dropped: once the
//! request has its answer, or when a thread is done with the bytes of a request that was given up.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::problem::Problem;

/// The bytes of one of the semaphore's permits.
const UNIT: usize = 4 << 10;
/// Shorter answers are copied into the connection's buffer, which every connection has.
const SMALL: u64 = 16 << 10;

/// What all requests together may hold.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    units: usize,
    largest: usize,
}

/// What one request holds.
#[derive(Debug, Clone)]
pub struct Share(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: Budget,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Bytes of the body.
    body: usize,
    /// Bytes of what was made of it.
    made: usize,
    permits: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// `bytes` for all requests; none has a body of more than `largest`.
    pub fn new(bytes: usize, largest: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(units)),
            units,
            largest,
        }
    }

    /// Bytes that requests hold at the moment.
    pub fn held(&self) -> usize {
        (self.units - self.free.available_permits().min(self.units)) * UNIT
    }

    /// Bytes that they may hold.
    pub fn total(&self) -> usize {
        self.units * UNIT
    }

    /// A share that holds nothing yet.
    pub fn share(&self) -> Share {
        Share(Arc::new(Inner {
            budget: self.clone(),
            held: Mutex::default(),
        }))
    }
}

impl Share {
    /// Makes room for a body of `bytes`, before it comes. One that is longer than allowed gets
    /// none: whoever reads it refuses it.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn expect_body(&self, bytes: u64) -> Result<(), Problem> {
        let largest = self.0.budget.largest;
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= largest => self.hold(|held| held.body = held.body.max(bytes)),
            _ => Ok(()),
        }
    }

    /// Makes room for `bytes` that are made of the body: unpacked, decoded, copied.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn add(&self, bytes: usize) -> Result<(), Problem> {
        self.hold(|held| held.made = held.made.saturating_add(bytes))
    }

    /// Bytes that keep the share as long as they, or parts of them, are there: also on a thread
    /// that goes on with a request whose caller hung up.
    pub fn keep(&self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Kept(bytes, self.clone()))
    }

    /// Makes room for an answer, and holds the share until it is sent, or nobody reads it any more.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn send(&self, mut response: Response) -> Result<Response, Problem> {
        match response.body().size_hint().exact() {
            Some(small) if small < SMALL => return Ok(response),
            Some(large) => {
                self.add(usize::try_from(large).unwrap_or(usize::MAX))?;
                // A body whose frames pass through a function does not tell its length any more.
                response.headers_mut().insert(CONTENT_LENGTH, large.into());
            }
            // A stream of messages: whoever makes them makes room for them.
            None => {}
        }
        let share = self.clone();
        Ok(response.map(|body| {
            Body::new(body.map_frame(move |frame| frame.map_data(|data| share.keep(data))))
        }))
    }

    /// Another share of the same budget, for one of the messages of a stream.
    pub fn another(&self) -> Self {
        self.0.budget.share()
    }

    fn hold(&self, change: impl FnOnce(&mut Held)) -> Result<(), Problem> {
        let mut held = self.held();
        change(&mut held);
        let wanted = held.body.saturating_add(held.made).div_ceil(UNIT);
        let has = held
            .permits
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        if let Some(permits) = &mut held.permits {
            drop(permits.split(has.saturating_sub(wanted)));
        }
        let missing = match u32::try_from(wanted.saturating_sub(has)) {
            Ok(0) => return Ok(()),
            Ok(missing) => missing,
            Err(_) => return Err(Problem::full()),
        };
        let Budget { free, units, .. } = &self.0.budget;
        let more = match Arc::clone(free).try_acquire_many_owned(missing) {
            Ok(more) => more,
            // Nobody else holds anything: what is too much even then is no less later.
            Err(_) if free.available_permits() + has == *units => {
                let rest = u32::try_from(units - has).unwrap_or(u32::MAX);
                let all = Arc::clone(free).try_acquire_many_owned(rest);
                all.map_err(|_| Problem::full())?
            }
            Err(_) => return Err(Problem::full()),
        };
        match &mut held.permits {
            Some(permits) => permits.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Kept(
    Bytes,
    #[expect(dead_code, reason = "is dropped with the bytes")] Share,
);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A request's body that is counted while it is read. Where the budget does not hold it, reading
/// fails. What is left of it then, or when it is dropped, lies in [`Unread`].
pub struct Counted {
    body: Option<Body>,
    begun: bool,
    share: Share,
    unread: Unread,
    counting: Counting,
}

/// How the bytes of a body become bytes that are held.
enum Counting {
    /// All that have arrived.
    Whole(usize),
    /// Those of the message that is arriving: each comes after a byte and its length in four, as
    /// in gRPC.
    Messages {
        prefix: [u8; 5],
        filled: usize,
        left: usize,
    },
}

/// What is left of a body.
pub struct Rest {
    /// What was not read.
    pub body: Body,
    /// Whether anything was asked for.
    pub begun: bool,
    /// Whether the budget did not hold it.
    pub overflowed: bool,
}

/// Where the rest of a body comes to lie.
#[derive(Clone, Default)]
pub struct Unread(Arc<Mutex<Option<Rest>>>);

impl Unread {
    /// The rest, where there is one.
    pub fn take(&self) -> Option<Rest> {
        self.slot().take()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Rest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Counts `body` into `share`; `messages` says that it consists of messages as gRPC's does.
    pub fn around(body: Body, share: Share, messages: bool) -> (Body, Unread) {
        let unread = Unread::default();
        let counting = match messages {
            true => Counting::Messages {
                prefix: [0; 5],
                filled: 0,
                left: 0,
            },
            false => Counting::Whole(0),
        };
        let counted = Self {
            body: Some(body),
            begun: false,
            share,
            unread: unread.clone(),
            counting,
        };
        (Body::new(counted), unread)
    }

    fn leave(&mut self, overflowed: bool) {
        if let Some(body) = self.body.take() {
            *self.unread.slot() = Some(Rest {
                body,
                begun: self.begun,
                overflowed,
            });
        }
    }

    fn count(&mut self, data: &[u8]) -> Result<(), Problem> {
        // Past the largest body nothing is kept: whoever reads it refuses it.
        let largest = self.share.0.budget.largest;
        match &mut self.counting {
            Counting::Whole(arrived) => {
                *arrived = arrived.saturating_add(data.len());
                let arrived = (*arrived).min(largest);
                self.share.hold(|held| held.body = held.body.max(arrived))
            }
            Counting::Messages {
                prefix,
                filled,
                left,
            } => {
                let mut data = data;
                while !data.is_empty() {
                    if *left > 0 {
                        let of_message = data.len().min(*left);
                        *left -= of_message;
                        data = &data[of_message..];
                        continue;
                    }
                    let of_prefix = data.len().min(prefix.len() - *filled);
                    prefix[*filled..*filled + of_prefix].copy_from_slice(&data[..of_prefix]);
                    *filled = (*filled + of_prefix) % prefix.len();
                    data = &data[of_prefix..];
                    if *filled == 0 {
                        let [_, length @ ..] = *prefix;
                        *left = u32::from_be_bytes(length) as usize;
                        let length = (*left).min(largest);
                        self.share.hold(|held| held.body = length)?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.begun = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(problem) = self.count(data)
        {
            self.leave(true);
            // A stream of messages has begun its answer, and ends with this status.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::problem::Kind;

    const MIB: usize = 1 << 20;

    async fn read(body: Body) -> Result<usize, axum::Error> {
        axum::body::to_bytes(body, usize::MAX)
            .await
            .map(|bytes| bytes.len())
    }

    fn chunks(count: usize) -> Body {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![0; MIB]));
        Body::from_stream(futures_util::stream::iter((0..count).map(move |_| chunk())))
    }

    #[tokio::test]
    async fn bodies_together_never_hold_more_than_the_budget_and_give_it_back() {
        let budget = Budget::new(4 * MIB, 3 * MIB);
        let one = budget.share();
        one.expect_body(3 * MIB as u64).unwrap();
        let other = budget.share();
        assert_eq!(
            other.expect_body(2 * MIB as u64).unwrap_err().kind,
            Kind::Busy
        );
        let (body, unread) = Counted::around(chunks(2), budget.share(), false);
        read(body).await.unwrap_err();
        assert_eq!(
            read(unread.take().unwrap().body).await.unwrap(),
            0,
            "the second chunk overflowed"
        );
        assert_eq!(budget.held(), 3 * MIB);
        let kept = one.keep(Bytes::from_static(b"body")).slice(1..3);
        drop(one);
        assert_eq!(
            (&kept[..], budget.held()),
            (&b"od"[..], 3 * MIB),
            "somebody still works on it"
        );
        drop(kept);
        assert_eq!(budget.held(), 0);
        other.expect_body(2 * MIB as u64).unwrap();
        let small = budget.share();
        small.add(1).unwrap();
        assert_eq!(other.add(2 * MIB).unwrap_err().kind, Kind::Busy);
        drop(small);
        other.add(2 * MIB).unwrap();
        other.add(9 * MIB).expect("alone it may hold what it must");
        assert_eq!(budget.share().add(1).unwrap_err().kind, Kind::Busy);
    }

    #[tokio::test]
    async fn an_answer_is_held_until_it_is_sent() {
        let budget = Budget::new(4 * MIB, 3 * MIB);
        let answer = |length| {
            budget
                .share()
                .send(Response::new(Body::from(vec![0; length])))
        };
        let small = answer(100).unwrap();
        assert_eq!(budget.held(), 0);
        let large = answer(3 * MIB).unwrap();
        assert_eq!(answer(2 * MIB).unwrap_err().kind, Kind::Busy);
        let bytes = axum::body::to_bytes(large.into_body(), usize::MAX)
            .await
            .unwrap();
        assert_eq!((bytes.len(), budget.held()), (3 * MIB, 3 * MIB));
        drop(bytes);
        assert_eq!(budget.held(), 0);
        drop(small);
    }

    #[tokio::test]
    async fn a_body_counts_once_whether_announced_or_not() {
        let budget = Budget::new(4 * MIB, 3 * MIB);
        let share = budget.share();
        share.expect_body(2 * MIB as u64).unwrap();
        let (body, _) = Counted::around(chunks(2), share.clone(), false);
        read(body).await.unwrap();
        assert_eq!(budget.held(), 2 * MIB);
        // What is refused for its length is thrown away while it is read.
        let (body, unread) = Counted::around(chunks(9), budget.share(), false);
        assert!(read(body).await.is_err() && unread.take().unwrap().overflowed);
        drop(share);
        let (body, unread) = Counted::around(chunks(9), budget.share(), false);
        assert_eq!(read(body).await.unwrap(), 9 * MIB);
        assert!(!unread.take().is_some_and(|rest| rest.overflowed));
    }

    #[tokio::test]
    async fn of_a_stream_of_messages_the_one_that_arrives_is_held_from_its_first_bytes_on() {
        let budget = Budget::new(4 * MIB, 3 * MIB);
        let message = |length: usize| {
            let prefix = [&[0], &(length as u32).to_be_bytes()[..]].concat();
            [prefix, vec![0; length]].concat()
        };
        let bytes = [
            message(2 * MIB),
            message(0),
            message(UNIT),
            message(4 * MIB),
        ]
        .concat();
        // Cut so that the prefixes are, too.
        let (first, rest) = bytes.split_at(3);
        let (second, rest) = rest.split_at(10);
        let (third, rest) = rest.split_at(2 * MIB + 2);
        let parts = [first, second, third, rest].map(|part| Ok::<_, std::io::Error>(part.to_vec()));
        let body = Body::from_stream(futures_util::stream::iter(parts));
        let (body, unread) = Counted::around(body, budget.share(), true);
        let mut body = std::pin::pin!(body);
        // The last is too long, and is refused by whoever reads it.
        for held in [0, 2 * MIB, UNIT, 3 * MIB] {
            let frame = std::future::poll_fn(|context| body.as_mut().poll_frame(context));
            frame.await.unwrap().unwrap();
            assert_eq!(budget.held(), held);
        }
        assert!(!unread.take().is_some_and(|rest| rest.overflowed));
    }
}
