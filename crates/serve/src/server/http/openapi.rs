//! `/openapi.json`, from the operations of all routes.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::results;
use super::served::Served;

/// What the requests and answers look like.
const SCHEMAS: &str = include_str!("schemas.json");

/// Errors of a request that names a model.
pub const NAME_ERRORS: &[u16] = &[404];
/// Errors of a request that names a model which has to be ready.
pub const READY_ERRORS: &[u16] = &[404, 503];
/// Errors of a prediction.
pub const PREDICTION_ERRORS: &[u16] = &[400, 413, 429, 500, 503, 504];
/// Errors of a prediction by a model that the request names.
pub const MODEL_PREDICTION_ERRORS: &[u16] = &[400, 404, 413, 429, 500, 503, 504];

/// A media type, and the name of its schema.
type Media = (&'static str, &'static str);

/// One method of one path: its request, its responses and its errors.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    id: &'static str,
    summary: &'static str,
    request_headers: &'static [(&'static str, &'static str)],
    request_body: &'static [Media],
    body_optional: bool,
    responses: &'static [(u16, &'static str, &'static [Media])],
    errors: &'static [u16],
}

impl Operation {
    /// An operation by its unique name, and what it does.
    pub const fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            request_headers: &[],
            request_body: &[],
            body_optional: false,
            responses: &[],
            errors: &[],
        }
    }

    /// Request headers, each with what it says: a number.
    pub const fn request_headers(
        mut self,
        request_headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.request_headers = request_headers;
        self
    }

    /// The request's body, by media type.
    pub const fn request_body(mut self, request_body: &'static [Media]) -> Self {
        self.request_body = request_body;
        self
    }

    /// The request may have no body.
    pub const fn body_optional(mut self) -> Self {
        self.body_optional = true;
        self
    }

    /// The answers: status, description, and the body by media type.
    pub const fn responses(
        mut self,
        responses: &'static [(u16, &'static str, &'static [Media])],
    ) -> Self {
        self.responses = responses;
        self
    }

    /// The statuses of errors to expect; others are described in general.
    pub const fn errors(mut self, errors: &'static [u16]) -> Self {
        self.errors = errors;
        self
    }

    fn describe(&self, path: &str) -> Value {
        let mut operation = json!({ "operationId": self.id, "summary": self.summary });
        if path.contains("/versions/") {
            operation["operationId"] = format!("{}OfVersion", self.id).into();
        }
        let in_path = path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.split_once('}')?.0;
            Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        });
        let in_head = self.request_headers.iter().map(|(name, what)| {
            let schema = json!({ "type": "integer", "minimum": 0 });
            json!({ "name": name, "in": "header", "description": what, "schema": schema })
        });
        let parameters: Vec<Value> = in_path.chain(in_head).collect();
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if !self.request_body.is_empty() {
            operation["requestBody"] =
                json!({ "required": !self.body_optional, "content": content(self.request_body) });
        }
        let given = self.responses.iter().map(|(status, description, media)| {
            let response = json!({ "description": description, "content": content(media) });
            (status.to_string(), response)
        });
        let failed = self
            .errors
            .iter()
            .map(u16::to_string)
            .chain(["default".to_owned()]);
        let failed = failed.map(|status| {
            let response = json!({ "$ref": format!("#/components/responses/{status}") });
            (status, response)
        });
        operation["responses"] = given.chain(failed).collect::<Map<_, _>>().into();
        operation
    }
}

/// The document of operations, each by its path and its method in lower case, with the results of the
/// package that is served.
pub fn document<'a>(
    operations: impl Iterator<Item = (&'a str, &'static str, &'a Operation)>,
    served: Option<Served<'_>>,
) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (path, method, operation) in operations {
        let methods = paths.entry(path).or_default();
        methods.insert(method.into(), operation.describe(path));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Boxwright",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A package is served as two models: NAME takes encoded samples through \
                            the whole pipeline, NAME-tensor takes and gives the model's own tensors.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas(served), "responses": errors() },
    })
}

fn schemas(served: Option<Served<'_>>) -> Map<String, Value> {
    // A test holds that it is JSON.
    let mut all: Map<String, Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    all.extend(results::schemas(served));
    all
}

/// The answers that tell of an error, by status.
fn errors() -> Map<String, Value> {
    let known = MODEL_PREDICTION_ERRORS
        .iter()
        .chain(&[403, 405])
        .map(|status| {
            let reason = StatusCode::from_u16(*status)
                .ok()
                .and_then(|status| status.canonical_reason());
            (status.to_string(), reason.unwrap_or("An error").to_owned())
        });
    let all = known.chain([("default".to_owned(), "An error".to_owned())]);
    all.map(|(status, description)| {
        let content = content(&[("application/json", "Error")]);
        (
            status,
            json!({ "description": description, "content": content }),
        )
    })
    .collect()
}

fn content(media: &[Media]) -> Map<String, Value> {
    let described = media.iter().map(|(kind, schema)| {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        ((*kind).to_owned(), json!({ "schema": schema }))
    });
    described.collect()
}
