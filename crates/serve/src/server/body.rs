//! Reading a request's body, bounded.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::runtime::Handle;

use super::budget::Share;
use super::http::{SHORT, apart, encoding};
use super::models::MOST_SAMPLES;
use super::problem::Problem;

/// Memory for a body is reserved up to here before anything of it has come.
const RESERVED: usize = 1 << 20;
/// How much of a body that is not wanted is read and thrown away, as a multiple of the limit, and
/// for how long.
const DISCARDED: usize = 4;
const DISCARDING: Duration = Duration::from_secs(5);

/// The whole body, unpacked where it is compressed, if it has at most `limit` bytes. The bytes keep
/// the request's share of the memory for bodies.
pub async fn read(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let encoding = encoding::of(&parts.headers)?;
    let sent = read_sent(&parts.headers, body, limit).await?;
    let share = share(parts)?;
    let sent = share.keep(sent);
    let Some(encoding) = encoding else {
        return Ok(sent);
    };
    let unpack = move || {
        let unpacked = encoding.decode(&sent, limit)?;
        share.add(unpacked.len())?;
        Ok(share.keep(unpacked))
    };
    apart(usize::MAX, unpack).await
}

/// What a request may hold in memory.
pub fn share(parts: &Parts) -> Result<Share, Problem> {
    let share = parts.extensions.get::<Share>().cloned();
    // Every request has a share once it has passed the guard.
    share.ok_or_else(Problem::internal)
}

async fn read_sent(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    // Memory that is never written to is never taken, so that a short body may lie.
    let length = announced.and_then(|length| usize::try_from(length).ok());
    let mut bytes = BytesMut::with_capacity(length.unwrap_or_default().min(RESERVED));
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

/// Reads a body that is not wanted, within bounds.
pub async fn discard(body: Body, limit: usize) {
    let mut chunks = body.into_data_stream();
    let mut left = limit.saturating_mul(DISCARDED);
    let rest = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARDING, rest).await;
}

/// The pictures of a request: its multipart parts in order, or its body as one.
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
    match length <= SHORT {
        true => parts.await,
        // All of it is there: whoever reads it waits for nothing, and lets nobody else run.
        false => apart(length, move || Handle::current().block_on(parts)).await,
    }
}

async fn multipart(whole: Request) -> Result<Vec<Bytes>, Problem> {
    let mut multipart = Multipart::from_request(whole, &())
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
        if pictures.len() == MOST_SAMPLES {
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
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("multipart/")
        })
}
