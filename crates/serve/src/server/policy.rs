//! The request policy, which every request of every protocol passes before its handler: admission
//! control, the limits on memory and time, and what becomes of a panic.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Version, header, uri::Authority};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures_util::FutureExt;
use tracing::Instrument;

use super::access_log::RequestRecord;
use super::memory::metered_body::MeteredBody;
use super::memory::{MemoryBudget, Reservation};
use super::metrics::Metrics;
use super::problem::{Kind, Problem};
use super::protocol::{Protocol, is_probe};

/// Marks a request on a connection beyond the limit: only health checks and scrapes are answered.
#[derive(Debug, Clone, Copy)]
pub struct OverConnectionLimit;

/// The rules for all requests.
#[derive(Clone)]
pub struct RequestPolicy {
    /// Refuse requests whose Host is not this machine.
    pub local_only: bool,
    /// How long an answer may take; `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// Longest body, in bytes.
    pub max_body: usize,
    /// The memory for all bodies.
    pub memory: MemoryBudget,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
}

impl RequestPolicy {
    /// Applies the policy to all routes of a protocol.
    pub fn layer(&self, protocol: Protocol, router: Router) -> Router {
        router.layer(from_fn_with_state((self.clone(), protocol), handle))
    }

    /// Admits a request or refuses it. What its handler leaves of the body is read and thrown away,
    /// within bounds: a client of HTTP/1 that is still sending would not see its answer. One of HTTP/2
    /// does, and one that waits for `100 Continue` has sent nothing.
    async fn admit(
        self,
        request: Request,
        next: Next,
        protocol: Protocol,
    ) -> Result<Response, Problem> {
        let over_limit = request.extensions().get::<OverConnectionLimit>().is_some();
        if over_limit && !is_probe(protocol.route(&request)) {
            return Err(Problem::too_many_connections());
        }
        let is_http1 = request.version() < Version::HTTP_2;
        let expects_continue = request.headers().contains_key(header::EXPECT);
        let reservation = self.memory.reservation();
        let (parts, body) = request.into_parts();
        let (body, unread) =
            MeteredBody::around(body, reservation.clone(), protocol == Protocol::Grpc);
        let request = Request::from_parts(parts, body);
        let answer = self.forward(request, next, reservation).await;
        let Some(unread) = unread.take() else {
            return answer;
        };
        let answer = match unread.over_budget {
            true => Err(Problem::out_of_memory()),
            false => answer,
        };
        if is_http1 && (unread.started || !expects_continue) {
            unread.discard(self.max_body).await;
        }
        answer
    }

    /// Passes a request on to its handler once there is memory for its body. The handler finds the
    /// [`Reservation`] among the request's extensions, and adds to it what it makes of the body.
    async fn forward(
        &self,
        mut request: Request,
        next: Next,
        reservation: Reservation,
    ) -> Result<Response, Problem> {
        if self.local_only && !is_for_this_machine(&request) {
            let message = "this server is for this machine only; call it by http://127.0.0.1";
            return Err(Problem::new(Kind::Forbidden, message));
        }
        reservation.reserve_body(content_length(request.headers()).unwrap_or(0))?;
        request.extensions_mut().insert(reservation.clone());
        reservation.attach_to_response(next.run(request).await)
    }

    /// How long a request may take: the server's limit, or the caller's where that is shorter.
    fn timeout_for(&self, headers: &HeaderMap, protocol: Protocol) -> Option<Duration> {
        let requested = protocol.requested_timeout(headers);
        [self.timeout, requested].into_iter().flatten().min()
    }
}

async fn handle(
    State((policy, protocol)): State<(RequestPolicy, Protocol)>,
    request: Request,
    next: Next,
) -> Response {
    let record = RequestRecord::start(&policy.metrics, protocol, &request);
    let timeout = policy.timeout_for(request.headers(), protocol);
    let answer = policy.admit(request, next, protocol);
    let answer_in_time = async {
        match timeout {
            // Dropping the handler frees its places in the queue.
            Some(timeout) => tokio::time::timeout(timeout, answer)
                .await
                .unwrap_or_else(|_| Err(Problem::timeout(timeout))),
            None => answer.await,
        }
    };
    let result = AssertUnwindSafe(answer_in_time)
        .catch_unwind()
        .instrument(record.span())
        .await;
    let response = match result {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => protocol.error_response(problem),
        Err(_panic) => protocol.error_response(Problem::internal()),
    };
    record.complete(response)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Whether a request names this machine as its host. A page elsewhere can send requests here by
/// pointing its own name at this machine (DNS rebinding), but not under one of the machine's names.
fn is_for_this_machine(request: &Request) -> bool {
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
mod tests;
