//! The metrics of the server, for Prometheus.
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

use super::memory::MemoryBudget;
use super::problem::Problem;
use super::protocol::Protocol;

/// The text format of OpenMetrics 1.0, which Prometheus reads.
const CONTENT_TYPE_OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Buckets in seconds, from a small model on a large machine to the default limit on a request.
const SECONDS_BUCKETS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
/// Buckets of batch sizes.
const ROWS_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The server's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    memory: MemoryBudget,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    errors: Family<ErrorLabels, Counter>,
    in_flight: Gauge,
    connections: Gauge,
    queue_depth: Gauge,
    queue_wait: Histogram,
    batch_size: Histogram,
    stages: Family<StageLabels, Histogram>,
    items: Family<ItemLabels, Counter>,
    body_memory: Gauge,
    ready: Gauge,
    model: Family<ModelLabels, Gauge>,
}

/// The labels of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The protocol.
    pub protocol: Protocol,
    /// The HTTP method, or `other`.
    pub method: &'static str,
    /// The route's template or the gRPC method's path, or `other`.
    pub path: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    protocol: Protocol,
    method: &'static str,
    path: Arc<str>,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    protocol: Protocol,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ItemLabels {
    result: &'static str,
}

/// The labels of the model that is served.
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
        self.name().encode(encoder)
    }
}

impl Metrics {
    /// Metrics of a server whose queue holds `queue_size` rows, and whose request bodies share
    /// `memory`.
    pub fn new(queue_size: usize, memory: &MemoryBudget) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            memory: memory.clone(),
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds),
            errors: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            queue_depth: Gauge::default(),
            queue_wait: seconds(),
            batch_size: Histogram::new(ROWS_BUCKETS),
            stages: Family::new_with_constructor(seconds),
            items: Family::default(),
            body_memory: Gauge::default(),
            ready: Gauge::default(),
            model: Family::default(),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process::new()));
        let ours = registry.sub_registry_with_prefix("boxwright");
        metrics.register_requests(ours);
        metrics.register_predictions(ours);
        constant(
            ours,
            "queue_capacity",
            "The most rows that the queue holds",
            queue_size,
        );
        constant(
            ours,
            "body_memory_limit_bytes",
            "The most memory that request bodies may take",
            memory.total(),
        );
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build.get_or_create(&version.to_vec()).set(1);
        ours.register("build_info", "The version of the server", build);
        metrics.registry = registry;
        metrics
    }

    fn register_requests(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests by status; 499 or CANCELLED where the client disconnected before the response",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from the head of a request to its response",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "errors",
            "Requests that failed, by kind of error",
            self.errors.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that have no response yet",
            self.in_flight.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "body_memory_bytes",
            "Memory that request bodies, and what is decoded from them, take",
            self.body_memory.clone(),
        );
        registry.register(
            "ready",
            "1 while the server accepts requests for predictions, else 0",
            self.ready.clone(),
        );
    }

    fn register_predictions(&self, registry: &mut Registry) {
        registry.register("queue_depth", "Rows in the queue", self.queue_depth.clone());
        registry.register_with_unit(
            "queue_wait",
            "Time that a sample or a batch of tensors spent in the queue",
            Unit::Seconds,
            self.queue_wait.clone(),
        );
        registry.register("batch_size", "Rows of a batch", self.batch_size.clone());
        registry.register_with_unit(
            "stage_duration",
            "Time that a batch spent in each stage of the pipeline",
            Unit::Seconds,
            self.stages.clone(),
        );
        registry.register(
            "items",
            "Samples and batches of tensors by result; a sample that can't be read is an error",
            self.items.clone(),
        );
        registry.register(
            "model_info",
            "The model and its runtime",
            self.model.clone(),
        );
    }

    /// A request has arrived.
    pub fn request_started(&self) {
        self.in_flight.inc();
    }

    /// A request has its response, or will get none; `kind` is that of the problem, if there was one.
    pub fn request_completed(
        &self,
        route: &RouteLabels,
        status: String,
        kind: Option<&'static str>,
        took: Duration,
    ) {
        self.in_flight.dec();
        self.durations
            .get_or_create(route)
            .observe(took.as_secs_f64());
        let RouteLabels {
            protocol,
            method,
            path,
        } = route.clone();
        let labels = RequestLabels {
            protocol,
            method,
            path,
            status,
        };
        self.requests.get_or_create(&labels).inc();
        if let Some(kind) = kind {
            self.errors
                .get_or_create(&ErrorLabels { protocol, kind })
                .inc();
        }
    }

    /// Counts a connection until it is dropped.
    pub fn connection(self: &Arc<Self>) -> OpenConnection {
        self.connections.inc();
        OpenConnection(Arc::clone(self))
    }

    /// The model is loaded.
    pub fn model_loaded(&self, labels: &ModelLabels) {
        self.model.get_or_create(labels).set(1);
    }

    /// This many rows are in the queue now.
    pub fn set_queue_depth(&self, rows: usize) {
        self.queue_depth.set(gauge(rows));
    }

    /// A batch of `rows` ran, whose items had spent `waits` in the queue.
    pub fn batch_completed(&self, rows: usize, waits: &[Duration], timing: &Timing) {
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
        // Tensors skip the stages around the model: those have no time.
        for (stage, ms) in stages.into_iter().filter(|(_, ms)| *ms > 0.0) {
            self.stages
                .get_or_create(&StageLabels { stage })
                .observe(ms / 1000.0);
        }
    }

    /// A sample or a batch of tensors has a result or an error.
    pub fn item_completed(&self, succeeded: bool) {
        let result = if succeeded { "ok" } else { "error" };
        self.items.get_or_create(&ItemLabels { result }).inc();
    }

    /// The response to a scrape.
    pub fn scrape(&self, ready: bool) -> Response {
        self.ready.set(ready.into());
        self.body_memory.set(gauge(self.memory.reserved()));
        let mut body = String::new();
        match text::encode(&mut body, &self.registry) {
            Ok(()) => ([(CONTENT_TYPE, CONTENT_TYPE_OPENMETRICS)], body).into_response(),
            Err(_) => Problem::internal().into_response(),
        }
    }
}

/// A connection, counted until it is dropped.
pub struct OpenConnection(Arc<Metrics>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS_BUCKETS)
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
