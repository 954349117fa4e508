//! Reading a request's body, within limits.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::runtime::Handle;

use super::content_encoding;
use crate::server::blocking::{INLINE_BYTES, run_blocking};
use crate::server::limits::MAX_SAMPLES;
use crate::server::memory::Reservation;
use crate::server::problem::Problem;

/// The buffer for a body has at most this capacity before anything of the body has arrived.
const MAX_INITIAL_CAPACITY: usize = 1 << 20;

/// The whole body, decompressed, if it has at most `limit` bytes. The bytes hold the request's
/// memory reservation.
///
/// # Errors
/// Where the body is too long, is not compressed as its headers say, or breaks off.
pub async fn read(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let encoding = content_encoding::of(&parts.headers)?;
    let received = receive(&parts.headers, body, limit).await?;
    let reservation = reservation(&parts.extensions)?;
    let received = reservation.attach(received);
    let Some(encoding) = encoding else {
        return Ok(received);
    };
    let decompress = move || {
        let decompressed = encoding.decode(&received, limit)?;
        reservation.reserve(decompressed.len())?;
        Ok(reservation.attach(decompressed))
    };
    // A short body may become a long one.
    run_blocking(usize::MAX, decompress).await
}

/// The request's memory reservation.
///
/// # Errors
/// Never: the request policy gives one to every request.
pub fn reservation(extensions: &Extensions) -> Result<Reservation, Problem> {
    let reservation = extensions.get::<Reservation>().cloned();
    reservation.ok_or_else(Problem::internal)
}

async fn receive(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let content_length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if content_length.is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    // Of a body that is shorter than announced, the system never commits the rest of the buffer.
    let capacity = content_length.and_then(|length| usize::try_from(length).ok());
    let capacity = capacity.unwrap_or_default().min(MAX_INITIAL_CAPACITY);
    let mut bytes = BytesMut::with_capacity(capacity);
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// The pictures of a request: its multipart parts in order, or its body as one.
///
/// # Errors
/// As [`read`], and where there is no picture.
pub async fn pictures(request: Request, limit: usize) -> Result<Vec<Bytes>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(&parts, body, limit).await?;
    if !is_multipart(&parts.headers) {
        if bytes.is_empty() {
            return Err(Problem::bad_request(
                "the request has no picture in its body",
            ));
        }
        return Ok(vec![bytes]);
    }
    let length = bytes.len();
    let parts = multipart(Request::from_parts(parts, Body::from(bytes)));
    match length <= INLINE_BYTES {
        true => parts.await,
        // The body has arrived: reading its parts never waits, and so never yields to other tasks.
        false => run_blocking(length, move || Handle::current().block_on(parts)).await,
    }
}

async fn multipart(request: Request) -> Result<Vec<Bytes>, Problem> {
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| Problem::bad_request(error.body_text()))?;
    let mut pictures = Vec::new();
    let broken = |error: axum::extract::multipart::MultipartError| {
        Problem::bad_request(format!(
            "the multipart body is broken: {}",
            error.body_text()
        ))
    };
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        if pictures.len() == MAX_SAMPLES {
            return Err(Problem::too_many_samples());
        }
        pictures.push(field.bytes().await.map_err(broken)?);
    }
    if pictures.is_empty() {
        return Err(Problem::bad_request("the multipart body has no part"));
    }
    Ok(pictures)
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("multipart/")
        })
}
