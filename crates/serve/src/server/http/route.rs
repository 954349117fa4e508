//! A row of the table of routes.

use axum::handler::Handler;
use axum::routing::{MethodRouter, get, post};

use super::openapi::Operation;
use crate::server::context::Context;

/// A method of a path: what it does, and its handler.
pub struct Route {
    /// As OpenAPI writes it.
    pub path: String,
    /// The method.
    pub method: Method,
    /// What it takes and gives.
    pub operation: Operation,
    /// What answers it.
    pub handler: MethodRouter<Context>,
}

/// A method; GET answers HEAD too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends a body.
    Post,
}

impl Method {
    /// As OpenAPI writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

impl Route {
    /// A route for GET and HEAD.
    pub fn get<T: 'static>(
        path: impl Into<String>,
        operation: Operation,
        handler: impl Handler<T, Context>,
    ) -> Self {
        Self::new(Method::Get, path, operation, get(handler))
    }

    /// A route for POST.
    pub fn post<T: 'static>(
        path: impl Into<String>,
        operation: Operation,
        handler: impl Handler<T, Context>,
    ) -> Self {
        Self::new(Method::Post, path, operation, post(handler))
    }

    fn new(
        method: Method,
        path: impl Into<String>,
        operation: Operation,
        handler: MethodRouter<Context>,
    ) -> Self {
        Self {
            path: path.into(),
            method,
            operation,
            handler,
        }
    }

    /// The path as the router writes it. A router matches whole segments: where a parameter is
    /// only a part of one, as in `{model}:predict`, the handler looks at the rest.
    pub fn pattern(&self) -> &str {
        match self.path.split_once("}:") {
            Some((before, _)) => &self.path[..=before.len()],
            None => &self.path,
        }
    }
}
