//! What stands around every door, whatever its protocol: who may ask, how much memory and time a
//! request may take, what a panic costs.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Version, header, uri::Authority};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;

use super::budget::{Budget, Counted, Share};
use super::metrics::{Metrics, Protocol};
use super::problem::{Kind, Problem};
use super::watch::{self, Watched};
use super::{body, grpc};

/// Marks a request that came when there were more connections than there may be.
#[derive(Debug, Clone, Copy)]
pub struct Crowded;

/// The rules for all requests.
#[derive(Clone)]
pub struct Guard {
    /// Refuse requests that name another host than this machine.
    pub only_local: bool,
    /// How long an answer may take; `None` for as long as it takes.
    pub longest: Option<Duration>,
    /// Longest body, in bytes.
    pub max_body: usize,
    /// The memory for all bodies.
    pub budget: Budget,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

impl Guard {
    /// Stands around the routes of a protocol.
    pub fn around(&self, protocol: Protocol, router: Router) -> Router {
        router.layer(from_fn_with_state((self.clone(), protocol), pass))
    }

    /// Answers a request. What nobody read of its body is thrown away, within bounds: a client of
    /// HTTP/1 that is still sending would not see its answer. One of HTTP/2 does, and one that asked
    /// first has sent nothing.
    async fn admit(
        self,
        request: Request,
        next: Next,
        protocol: Protocol,
    ) -> Result<Response, Problem> {
        if request.extensions().get::<Crowded>().is_some() && !watch::is_probe(&request, protocol) {
            return Err(Problem::crowded());
        }
        let discards = request.version() < Version::HTTP_2;
        let asks_first = request.headers().contains_key(header::EXPECT);
        let share = self.budget.share();
        let (parts, body) = request.into_parts();
        let (body, unread) = Counted::around(body, share.clone(), protocol == Protocol::Grpc);
        let answer = self
            .run(Request::from_parts(parts, body), next, share)
            .await;
        match unread.take() {
            None => answer,
            Some(rest) => {
                let answer = match rest.overflowed {
                    true => Err(Problem::full()),
                    false => answer,
                };
                if discards && (rest.begun || !asks_first) {
                    body::discard(rest.body, self.max_body).await;
                }
                answer
            }
        }
    }

    /// Lets a request through to its handler once there is memory for its body. What the handler
    /// makes of the body it adds to the [`Share`] among the request's extensions.
    async fn run(
        &self,
        mut request: Request,
        next: Next,
        share: Share,
    ) -> Result<Response, Problem> {
        if self.only_local && !names_this_machine(&request) {
            let message = "this server is for this machine only; call it by http://127.0.0.1";
            return Err(Problem::new(Kind::Forbidden, message));
        }
        share.expect_body(length(request.headers()).unwrap_or(0))?;
        request.extensions_mut().insert(share.clone());
        share.send(next.run(request).await)
    }

    /// The time for a request: ours, or less where a caller of gRPC gives it less.
    fn time(&self, headers: &HeaderMap, protocol: Protocol) -> Option<Duration> {
        let given = match protocol {
            Protocol::Http => None,
            Protocol::Grpc => headers
                .get("grpc-timeout")
                .and_then(|text| grpc_timeout(text.to_str().ok()?)),
        };
        [self.longest, given].into_iter().flatten().min()
    }
}

async fn pass(
    State((guard, protocol)): State<(Guard, Protocol)>,
    request: Request,
    next: Next,
) -> Response {
    let watched = Watched::begin(&guard.metrics, protocol, &request);
    let time = guard.time(request.headers(), protocol);
    let answer = guard.admit(request, next, protocol);
    let in_time = async {
        match time {
            // Dropping the handler frees its places in the queue.
            Some(time) => tokio::time::timeout(time, answer)
                .await
                .unwrap_or_else(|_| Err(Problem::timeout(time))),
            None => answer.await,
        }
    };
    let answer = AssertUnwindSafe(in_time)
        .catch_unwind()
        .instrument(watched.span())
        .await;
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => refuse(protocol, problem),
        Err(_) => refuse(protocol, Problem::internal()),
    };
    watched.answered(response)
}

fn refuse(protocol: Protocol, problem: Problem) -> Response {
    match protocol {
        Protocol::Http => problem.into_response(),
        Protocol::Grpc => grpc::refuse(problem),
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// What the header `grpc-timeout` says: up to eight digits and a unit.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// A page elsewhere can smuggle requests here by pointing its own name at this machine (DNS
/// rebinding); a server that listens to this machine only is only ever called by its names.
fn names_this_machine(request: &Request) -> bool {
    let host = request.headers().get(header::HOST);
    let host = host.map(|host| host.to_str().unwrap_or_default());
    let authority = request.uri().authority().map(Authority::as_str);
    [host, authority].into_iter().flatten().all(is_local)
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
