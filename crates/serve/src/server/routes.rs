//! The one table of what is served by HTTP: the router is made of it, and `/openapi.json`.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use super::http::openapi::{Operation, document};
use super::http::{Server, json, pictures, v1, v2};
use super::life::Life;
use super::metrics::Metrics;
use super::problem::Problem;

/// `GET /openapi.json`.
const OPENAPI: Operation = Operation::new("openapi", "This document").gives(&[(
    200,
    "OpenAPI 3.1",
    &[("application/json", "Document")],
)]);

/// `GET /metrics`.
const METRICS: Operation =
    Operation::new("metrics", "The server's figures, for Prometheus").gives(&[(
        200,
        "OpenMetrics 1.0",
        &[("application/openmetrics-text", "Text")],
    )]);

static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| document(&table()).to_string().into_bytes());

/// A method of a path.
pub struct Route {
    /// As OpenAPI writes it.
    pub path: String,
    /// The method.
    pub verb: Verb,
    /// What it takes and gives.
    pub operation: Operation,
    handler: MethodRouter<Server>,
}

/// A method; GET answers to HEAD too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Asks.
    Get,
    /// Sends a body.
    Post,
}

impl Verb {
    /// As OpenAPI writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

impl Route {
    fn get<T: 'static>(
        path: impl Into<String>,
        operation: Operation,
        handler: impl Handler<T, Server>,
    ) -> Self {
        let (path, handler) = (path.into(), get(handler));
        let verb = Verb::Get;
        Self {
            path,
            verb,
            operation,
            handler,
        }
    }

    fn post<T: 'static>(
        path: impl Into<String>,
        operation: Operation,
        handler: impl Handler<T, Server>,
    ) -> Self {
        let (path, handler) = (path.into(), post(handler));
        let verb = Verb::Post;
        Self {
            path,
            verb,
            operation,
            handler,
        }
    }

    /// The path as the router writes it: what begins in the middle of a segment, as in
    /// `{model}:predict`, is told apart by the handler.
    fn pattern(&self) -> &str {
        match self.path.split_once("}:") {
            Some((before, _)) => &self.path[..=before.len()],
            None => &self.path,
        }
    }
}

/// All that is served.
pub fn table() -> Vec<Route> {
    let mut table = vec![
        Route::get("/", pictures::ROOT, pictures::root),
        Route::post("/predict", pictures::PREDICT, pictures::predict),
        Route::get("/v1/models", v1::MODELS, v1::models),
        Route::get(v1::MODEL_PATH, v1::MODEL, v1::model),
        Route::post(
            format!("{}:predict", v1::MODEL_PATH),
            v1::PREDICT,
            v1::predict,
        ),
        Route::get("/v2", v2::SERVER, v2::server),
        Route::get("/v2/health/live", v2::LIVE, v2::live),
        Route::get("/v2/health/ready", v2::READY, v2::ready),
        Route::get("/v2/models", v2::MODELS, v2::models),
        Route::post("/v2/repository/index", v2::INDEX, v2::index),
        Route::post("/v2/repository/models/{model}/load", v2::LOAD, v2::fixed),
        Route::post(
            "/v2/repository/models/{model}/unload",
            v2::UNLOAD,
            v2::fixed,
        ),
        Route::get("/metrics", METRICS, metrics),
        Route::get("/openapi.json", OPENAPI, async || json(DOCUMENT.clone())),
    ];
    for model in [
        "/v2/models/{model}",
        "/v2/models/{model}/versions/{version}",
    ] {
        table.extend([
            Route::get(model, v2::MODEL, v2::model),
            Route::get(format!("{model}/ready"), v2::MODEL_READY, v2::model_ready),
            Route::get(format!("{model}/config"), v2::CONFIG, v2::config),
            Route::post(format!("{model}/infer"), v2::INFER, v2::infer),
        ]);
    }
    table
}

async fn metrics(State(server): State<Server>) -> Response {
    server.metrics.scrape(server.life.hindrance().is_none())
}

/// All paths.
pub fn router(life: &Arc<Life>, metrics: &Arc<Metrics>, max_body: usize) -> Router {
    let server = Server {
        life: Arc::clone(life),
        metrics: Arc::clone(metrics),
        max_body,
    };
    let routes = table().into_iter().fold(Router::new(), |router, route| {
        let pattern = route.pattern().to_owned();
        router.route(&pattern, route.handler)
    });
    routes
        .fallback(|| async { Problem::not_found("nothing is served at this path") })
        .method_not_allowed_fallback(v1::wrong_method)
        // Every handler that takes a body bounds it by itself.
        .layer(DefaultBodyLimit::disable())
        .with_state(server)
}
