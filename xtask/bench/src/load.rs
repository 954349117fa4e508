//! Callers that each send their next request once they have the answer to the last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::failed::Failed;

/// What is sent.
pub struct Request {
    /// From the first slash on.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Sent in turn, by whichever caller is next.
    pub bodies: Vec<Vec<u8>>,
}

/// What came of it.
pub struct Load {
    /// Answers a second.
    pub per_second: f64,
    /// Median time to the answer, in milliseconds.
    pub p50_ms: f64,
    /// The time that 99 of 100 answers took at most, in milliseconds.
    pub p99_ms: f64,
}

/// One answer's body; any but a 200 is a failure.
pub fn ask(port: u16, request: &Request, body: &[u8]) -> Result<Vec<u8>, Failed> {
    Ok(sent(&agent(), port, request, body)?)
}

fn agent() -> Agent {
    Agent::config_builder().timeout_global(None).build().into()
}

fn sent(agent: &Agent, port: u16, request: &Request, body: &[u8]) -> Result<Vec<u8>, ureq::Error> {
    let mut call = agent.post(format!("http://127.0.0.1:{port}{}", request.path));
    for (name, value) in &request.headers {
        call = call.header(*name, value);
    }
    call.send(body)?.body_mut().read_to_vec()
}

/// `callers` callers for so long, after each has had one answer. Any answer but a 200 is a failure.
pub fn run(
    port: u16,
    request: &Request,
    callers: usize,
    duration: Duration,
) -> Result<Load, Failed> {
    let next = AtomicUsize::new(0);
    let caller = || -> Result<(Vec<f64>, f64), ureq::Error> {
        let agent = agent();
        let ask = || -> Result<(), ureq::Error> {
            let body = &request.bodies[next.fetch_add(1, Ordering::Relaxed) % request.bodies.len()];
            sent(&agent, port, request, body).map(drop)
        };
        ask()?;
        let mut times = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < duration {
            let asked = Instant::now();
            ask()?;
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        Ok((times, begun.elapsed().as_secs_f64()))
    };
    let done = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(caller)).collect();
        let joined = callers.into_iter().map(|caller| {
            caller
                .join()
                .map_err(|_| Failed::from("a caller panicked"))?
                .map_err(Failed::from)
        });
        joined.collect::<Result<Vec<_>, Failed>>()
    })?;
    let mut times: Vec<f64> = done.iter().flat_map(|(times, _)| times.clone()).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = (times.len() as f64 * part) as usize;
        times
            .get(place.min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0.0)
    };
    // Every caller's own pace: the last answers of some come when others have ended.
    let per_second = done
        .iter()
        .map(|(times, seconds)| times.len() as f64 / seconds)
        .sum();
    Ok(Load {
        per_second,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    })
}
