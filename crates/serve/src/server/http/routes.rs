//! The one table of what is served by HTTP: the router is made of it, and `/openapi.json`.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use serde_json::Value;

use super::json::json_response;
use super::openapi::{Operation, document};
use super::route::Route;
use super::served::Served;
use super::{pictures, v1, v2};
use crate::server::context::Context;
use crate::server::problem::Problem;

/// `GET /openapi.json`.
const OPENAPI: Operation = Operation::new("openapi", "This document").responses(&[(
    200,
    "OpenAPI 3.1",
    &[("application/json", "Document")],
)]);

/// `GET /metrics`.
const METRICS: Operation = Operation::new("metrics", "The server's metrics, for Prometheus")
    .responses(&[(
        200,
        "OpenMetrics 1.0",
        &[("application/openmetrics-text", "Text")],
    )]);

/// All routes.
fn table() -> Vec<Route> {
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
        Route::post(
            "/v2/repository/models/{model}/load",
            v2::LOAD,
            v2::fixed_repository,
        ),
        Route::post(
            "/v2/repository/models/{model}/unload",
            v2::UNLOAD,
            v2::fixed_repository,
        ),
        Route::get("/metrics", METRICS, metrics),
        Route::get("/openapi.json", OPENAPI, openapi),
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

/// The router for all paths.
pub fn router(context: Context) -> Router {
    let routes = table().into_iter().fold(Router::new(), |router, route| {
        let pattern = route.pattern().to_owned();
        router.route(&pattern, route.handler)
    });
    routes
        .fallback(|| async { Problem::not_found("nothing is served at this path") })
        .method_not_allowed_fallback(v1::wrong_method)
        // Every handler that takes a body limits it by itself.
        .layer(DefaultBodyLimit::disable())
        .with_state(context)
}

async fn metrics(State(context): State<Context>) -> Response {
    context.metrics.scrape(context.state.is_ready())
}

async fn openapi(State(context): State<Context>) -> Response {
    let ready = context.state.engine().ok();
    let served = ready.as_ref().map(|(engine, _in_flight)| Served {
        task: engine.task(),
        signature: engine.signature(),
        batch: engine.batch_axis(),
    });
    json_response(openapi_document(served).to_string().into_bytes())
}

fn openapi_document(served: Option<Served<'_>>) -> Value {
    let routes = table();
    let operations = routes.iter().map(|route| {
        let method = route.method.name();
        (route.path.as_str(), method, &route.operation)
    });
    document(operations, served)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_something_and_every_schema_is_used() {
        let document = openapi_document(None);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{reference}");
        }
        for schema in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            let reference = format!("#/components/schemas/{schema}");
            assert!(found.contains(reference.as_str()), "{schema}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_how_it_ends() {
        let document = openapi_document(None);
        let mut names = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                assert!(
                    names.insert(operation["operationId"].as_str().unwrap()),
                    "{path}"
                );
                let responses = operation["responses"].as_object().unwrap();
                assert!(
                    responses.contains_key("default") && responses.len() > 1,
                    "{path}"
                );
            }
        }
    }
}
