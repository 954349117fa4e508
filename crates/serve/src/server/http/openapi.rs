//! `/openapi.json`: written from the table of routes that the router is made of.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::server::routes::Route;

/// What the requests and answers look like.
const SCHEMAS: &str = include_str!("schemas.json");

/// Why a request to a model's name may fail.
pub const NAMED: &[u16] = &[404];
/// Why a request may fail that needs the model.
pub const NEEDED: &[u16] = &[404, 503];
/// Why a prediction may fail.
pub const PREDICTS: &[u16] = &[400, 413, 429, 500, 503, 504];
/// Why a prediction of a named model may fail.
pub const RUNS: &[u16] = &[400, 404, 413, 429, 500, 503, 504];

/// A media type, and the name of its schema.
type Media = (&'static str, &'static str);

/// What one method of one path takes and gives.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    id: &'static str,
    summary: &'static str,
    headers: &'static [(&'static str, &'static str)],
    takes: &'static [Media],
    bare: bool,
    gives: &'static [(u16, &'static str, &'static [Media])],
    fails: &'static [u16],
}

impl Operation {
    /// An operation by its unique name, and what it does.
    pub const fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            headers: &[],
            takes: &[],
            bare: false,
            gives: &[],
            fails: &[],
        }
    }

    /// Request headers, each with what it says: a number.
    pub const fn headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    /// The request's body, by media type.
    pub const fn takes(mut self, takes: &'static [Media]) -> Self {
        self.takes = takes;
        self
    }

    /// The request may as well have no body.
    pub const fn or_nothing(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The answers: status, description, and the body by media type.
    pub const fn gives(mut self, gives: &'static [(u16, &'static str, &'static [Media])]) -> Self {
        self.gives = gives;
        self
    }

    /// The statuses of errors to expect; others are described in general.
    pub const fn fails(mut self, fails: &'static [u16]) -> Self {
        self.fails = fails;
        self
    }

    fn described(&self, path: &str) -> Value {
        let mut operation = json!({ "operationId": self.id, "summary": self.summary });
        if path.contains("/versions/") {
            operation["operationId"] = format!("{}OfVersion", self.id).into();
        }
        let in_path = path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.split_once('}')?.0;
            Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        });
        let in_head = self.headers.iter().map(|(name, what)| {
            let schema = json!({ "type": "integer", "minimum": 0 });
            json!({ "name": name, "in": "header", "description": what, "schema": schema })
        });
        let parameters: Vec<Value> = in_path.chain(in_head).collect();
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if !self.takes.is_empty() {
            operation["requestBody"] =
                json!({ "required": !self.bare, "content": content(self.takes) });
        }
        let given = self.gives.iter().map(|(status, description, media)| {
            let response = json!({ "description": description, "content": content(media) });
            (status.to_string(), response)
        });
        let failed = self
            .fails
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

/// The document for these routes.
pub fn document(routes: &[Route]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let path = paths.entry(&route.path).or_default();
        path.insert(
            route.verb.name().into(),
            route.operation.described(&route.path),
        );
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
        "components": { "schemas": schemas(), "responses": errors() },
    })
}

fn schemas() -> Value {
    // A test holds that it is JSON.
    serde_json::from_str(SCHEMAS).unwrap_or_default()
}

/// The answers that tell of an error, by status.
fn errors() -> Map<String, Value> {
    let known = RUNS.iter().chain(&[403, 405]).map(|status| {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::document;
    use crate::server::routes::table;

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
        let document = document(&table());
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
        let document = document(&table());
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
