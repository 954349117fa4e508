//! What is counted and measured, in the words of Prometheus.
//!
//! Every label has few values: paths are those of the routes, never those that callers write, and
//! the only model's name is the package's.

mod process;

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use boxwright_model::prediction::Timing;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::budget::Budget;
use super::problem::Problem;

/// The text format of OpenMetrics 1.0, which Prometheus reads.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds, from a small model on a large machine to the longest that a request may take.
const SECONDS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
const ROWS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The server's figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    budget: Budget,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    errors: Family<Failed, Counter>,
    in_flight: Gauge,
    connections: Gauge,
    queue_depth: Gauge,
    queue_wait: Histogram,
    batch_size: Histogram,
    stages: Family<Stage, Histogram>,
    items: Family<Item, Counter>,
    held: Gauge,
    ready: Gauge,
    model: Family<ModelLabels, Gauge>,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP with JSON, pictures or binary tensors.
    Http,
    /// gRPC.
    Grpc,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    /// The protocol.
    pub protocol: Protocol,
    /// The HTTP method, or `other`.
    pub method: &'static str,
    /// The route's template or the gRPC method's path, or `other`.
    pub path: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    protocol: Protocol,
    method: &'static str,
    path: Arc<str>,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    protocol: Protocol,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Item {
    result: &'static str,
}

/// What is served, and what runs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelLabels {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The model digest.
    pub digest: String,
    /// The kind of the device.
    pub device: String,
    /// The version of ONNX Runtime.
    pub onnxruntime: String,
}

impl EncodeLabelValue for Protocol {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        };
        name.encode(encoder)
    }
}

impl Metrics {
    /// Figures of a server whose queue holds `queue_size` rows, and whose bodies come out of
    /// `budget`.
    pub fn new(queue_size: usize, budget: &Budget) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            budget: budget.clone(),
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds),
            errors: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            queue_depth: Gauge::default(),
            queue_wait: seconds(),
            batch_size: Histogram::new(ROWS),
            stages: Family::new_with_constructor(seconds),
            items: Family::default(),
            held: Gauge::default(),
            ready: Gauge::default(),
            model: Family::default(),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process::new()));
        let ours = registry.sub_registry_with_prefix("boxwright");
        metrics.register_requests(ours);
        metrics.register_predictions(ours);
        constant(ours, "queue_capacity", "Rows that may wait", queue_size);
        constant(
            ours,
            "body_memory_limit_bytes",
            "Bytes that the bodies of all requests may hold",
            budget.total(),
        );
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build.get_or_create(&version.to_vec()).set(1);
        ours.register("build_info", "The program", build);
        metrics.registry = registry;
        metrics
    }

    fn register_requests(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests that were answered; status 499 or CANCELLED where the caller hung up first",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "errors",
            "Requests that were refused or failed, by kind",
            self.errors.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests without an answer yet",
            self.in_flight.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "body_memory_bytes",
            "Bytes that the bodies of requests, and what is made of them, hold",
            self.held.clone(),
        );
        registry.register(
            "ready",
            "1 once the model answers, 0 before and while the server ends",
            self.ready.clone(),
        );
    }

    fn register_predictions(&self, registry: &mut Registry) {
        registry.register("queue_depth", "Rows that wait", self.queue_depth.clone());
        registry.register_with_unit(
            "queue_wait",
            "How long a sample or a piece of tensors waited for its batch",
            Unit::Seconds,
            self.queue_wait.clone(),
        );
        registry.register(
            "batch_size",
            "Rows that ran together",
            self.batch_size.clone(),
        );
        registry.register_with_unit(
            "stage_duration",
            "What a batch spent in each stage of the pipeline",
            Unit::Seconds,
            self.stages.clone(),
        );
        registry.register(
            "items",
            "Samples and pieces of tensors that ran; one that can't be read is an error in its place",
            self.items.clone(),
        );
        registry.register(
            "model_info",
            "The model, and what runs it",
            self.model.clone(),
        );
    }

    /// A request has come.
    pub fn asked(&self) {
        self.in_flight.inc();
    }

    /// A request has its answer, or will get none; `kind` is that of the problem, if there was one.
    pub fn answered(
        &self,
        route: &Route,
        status: String,
        kind: Option<&'static str>,
        took: Duration,
    ) {
        self.in_flight.dec();
        self.durations
            .get_or_create(route)
            .observe(took.as_secs_f64());
        let Route {
            protocol,
            method,
            path,
        } = route.clone();
        let answered = Answered {
            protocol,
            method,
            path,
            status,
        };
        self.requests.get_or_create(&answered).inc();
        if let Some(kind) = kind {
            self.errors.get_or_create(&Failed { protocol, kind }).inc();
        }
    }

    /// Counts a connection until it is dropped.
    pub fn connection(self: &Arc<Self>) -> Connection {
        self.connections.inc();
        Connection(Arc::clone(self))
    }

    /// The model is loaded.
    pub fn model_is(&self, labels: &ModelLabels) {
        self.model.get_or_create(labels).set(1);
    }

    /// So many rows wait now.
    pub fn queue_holds(&self, rows: usize) {
        self.queue_depth.set(gauge(rows));
    }

    /// A batch of `rows` ran, whose pieces had waited so long.
    pub fn batch_ran(&self, rows: usize, waits: &[Duration], timing: &Timing) {
        self.batch_size.observe(rows as f64);
        waits
            .iter()
            .for_each(|wait| self.queue_wait.observe(wait.as_secs_f64()));
        let stages = [
            ("decode", timing.decode_ms),
            ("preprocess", timing.preprocess_ms),
            ("infer", timing.infer_ms),
            ("postprocess", timing.postprocess_ms),
        ];
        // Tensors go to the model as they are: a stage that was not gone through has no time.
        for (stage, ms) in stages.into_iter().filter(|(_, ms)| *ms > 0.0) {
            self.stages
                .get_or_create(&Stage { stage })
                .observe(ms / 1000.0);
        }
    }

    /// A sample or a piece of tensors was answered, with a result or an error.
    pub fn item_ran(&self, succeeded: bool) {
        let result = if succeeded { "ok" } else { "error" };
        self.items.get_or_create(&Item { result }).inc();
    }

    /// The answer to a scrape.
    pub fn scrape(&self, ready: bool) -> Response {
        self.ready.set(ready.into());
        self.held.set(gauge(self.budget.held()));
        let mut page = String::new();
        match text::encode(&mut page, &self.registry) {
            Ok(()) => ([(CONTENT_TYPE, FORMAT)], page).into_response(),
            Err(_) => Problem::internal().into_response(),
        }
    }
}

/// An open connection, as long as it lives.
pub struct Connection(Arc<Metrics>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn gauge(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn constant(registry: &mut Registry, name: &str, help: &str, value: usize) {
    let metric: Gauge = Gauge::default();
    metric.set(gauge(value));
    registry.register(name, help, metric);
}

#[cfg(test)]
mod tests;
