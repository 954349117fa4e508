//! The memory that the bodies of all requests may take together.
//!
//! A request gets a [`Reservation`] before its body is read. It grows with the body and with what is
//! made of the body, and is released when its last clone is dropped: once the request has its answer,
//! or when a thread is done with the bytes of a request that was given up.

pub mod metered_body;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// The bytes that one of the semaphore's permits stands for.
const PERMIT_BYTES: usize = 4 << 10;
/// Responses shorter than this are copied into the connection's buffer, which every connection has.
const MIN_RESERVED_RESPONSE: u64 = 16 << 10;

/// The memory for all requests.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    free: Arc<Semaphore>,
    permits: usize,
    max_body: usize,
}

/// The part of the budget that one request holds.
#[derive(Debug, Clone)]
pub struct Reservation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: MemoryBudget,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Bytes of the body.
    body: usize,
    /// Bytes of what was made of it.
    derived: usize,
    permits: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// `bytes` for all requests; none has a body of more than `max_body`.
    pub fn new(bytes: usize, max_body: usize) -> Self {
        let permits = bytes.div_ceil(PERMIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(permits)),
            permits,
            max_body,
        }
    }

    /// Bytes that are reserved at the moment.
    pub fn reserved(&self) -> usize {
        (self.permits - self.free.available_permits().min(self.permits)) * PERMIT_BYTES
    }

    /// Bytes that can be reserved.
    pub fn total(&self) -> usize {
        self.permits * PERMIT_BYTES
    }

    /// A reservation of nothing yet.
    pub fn reservation(&self) -> Reservation {
        Reservation(Arc::new(Inner {
            budget: self.clone(),
            held: Mutex::default(),
        }))
    }

    /// `missing` permits for a request that owns `owned`. Where no other request owns any, it gets all
    /// that there are: what is too much even then would be no less later.
    fn acquire(&self, missing: usize, owned: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let missing = u32::try_from(missing).map_err(|_| Problem::out_of_memory())?;
        let acquire = |permits| Arc::clone(&self.free).try_acquire_many_owned(permits);
        acquire(missing)
            .or_else(|error| {
                let is_alone = self.free.available_permits() + owned == self.permits;
                let rest = u32::try_from(self.permits - owned).unwrap_or(u32::MAX);
                if is_alone { acquire(rest) } else { Err(error) }
            })
            .map_err(|_| Problem::out_of_memory())
    }
}

impl Reservation {
    /// Reserves a body of `bytes` before it arrives. Nothing is reserved for one that is longer than
    /// allowed: whoever reads it refuses it.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn reserve_body(&self, bytes: u64) -> Result<(), Problem> {
        match usize::try_from(bytes) {
            Ok(bytes) if bytes <= self.0.budget.max_body => self.grow_body(bytes),
            _ => Ok(()),
        }
    }

    /// Reserves `bytes` that are made of the body: unpacked, decoded, copied.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn reserve(&self, bytes: usize) -> Result<(), Problem> {
        self.update(|held| held.derived = held.derived.saturating_add(bytes))
    }

    /// Reserves `bytes` of a result. The first of a request is let in as [`Reservation::reserve`] does;
    /// with others the request must not take more than there is for all requests.
    ///
    /// # Errors
    /// As [`Reservation::reserve`], and where this request alone takes too much.
    pub fn reserve_result(&self, bytes: usize, is_first: bool) -> Result<(), Problem> {
        let held = {
            let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.body.saturating_add(held.derived)
        };
        if !is_first && held.saturating_add(bytes) > self.0.budget.total() {
            return Err(Problem::results_too_large());
        }
        self.reserve(bytes)
    }

    /// Bytes that keep the reservation as long as they, or slices of them, exist: also on a thread
    /// that goes on with a request whose caller hung up.
    pub fn attach(&self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Attached(bytes, self.clone()))
    }

    /// Reserves a response, and keeps the reservation until it is sent or its connection is gone.
    ///
    /// # Errors
    /// Where the other requests leave too little.
    pub fn attach_to_response(&self, mut response: Response) -> Result<Response, Problem> {
        match response.body().size_hint().exact() {
            Some(small) if small < MIN_RESERVED_RESPONSE => return Ok(response),
            Some(large) => {
                self.reserve(usize::try_from(large).unwrap_or(usize::MAX))?;
                // A body whose frames are mapped does not know its length any more.
                response.headers_mut().insert(CONTENT_LENGTH, large.into());
            }
            // A stream of messages: each has a reservation of its own.
            None => {}
        }
        let reservation = self.clone();
        Ok(response.map(|body| {
            Body::new(body.map_frame(move |frame| frame.map_data(|data| reservation.attach(data))))
        }))
    }

    /// A separate reservation from the same budget, for one of the messages of a stream.
    pub fn separate(&self) -> Self {
        self.0.budget.reservation()
    }

    /// The longest body that is allowed, in bytes.
    fn max_body(&self) -> usize {
        self.0.budget.max_body
    }

    /// The body has at least `bytes`.
    fn grow_body(&self, bytes: usize) -> Result<(), Problem> {
        self.update(|held| held.body = held.body.max(bytes))
    }

    /// The part of the body that is in memory has `bytes`.
    fn resize_body(&self, bytes: usize) -> Result<(), Problem> {
        self.update(|held| held.body = bytes)
    }

    /// Changes what is held, and acquires or releases permits accordingly.
    fn update(&self, change: impl FnOnce(&mut Held)) -> Result<(), Problem> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut held);
        let needed = held
            .body
            .saturating_add(held.derived)
            .div_ceil(PERMIT_BYTES);
        let owned = held
            .permits
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        if let Some(permits) = &mut held.permits {
            drop(permits.split(owned.saturating_sub(needed)));
        }
        if needed <= owned {
            return Ok(());
        }
        let acquired = self.0.budget.acquire(needed - owned, owned)?;
        match &mut held.permits {
            Some(permits) => permits.merge(acquired),
            none => *none = Some(acquired),
        }
        Ok(())
    }
}

/// Bytes with the reservation that counts them.
struct Attached(
    Bytes,
    #[expect(dead_code, reason = "is dropped with the bytes")] Reservation,
);

impl AsRef<[u8]> for Attached {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
