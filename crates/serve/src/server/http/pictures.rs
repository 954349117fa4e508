//! What needs no protocol: the page or a liveness answer at `/`, and pictures to `/predict`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::body;
use super::json::predictions_response;
use super::openapi::{Operation, PREDICTION_ERRORS};
use crate::server::context::Context;
use crate::server::page;
use crate::server::problem::Problem;

/// `GET /`.
pub const ROOT: Operation = Operation::new(
    "root",
    "A page to drop pictures on, for browsers; a liveness answer for anything else",
)
.responses(&[(
    200,
    "Alive",
    &[("application/json", "Alive"), ("text/html", "Text")],
)]);

/// `POST /predict`.
pub const PREDICT: Operation = Operation::new(
    "predict",
    "Predicts pictures: the parts of a multipart body in order, or the body as one picture. \
              A picture that can't be read is an error in its place",
)
.request_body(&[
    ("multipart/form-data", "Pictures"),
    ("image/*", "Picture"),
    ("application/octet-stream", "Picture"),
])
.responses(&[(
    200,
    "One result a picture, in order",
    &[("application/json", "Predictions")],
)])
.errors(PREDICTION_ERRORS);

/// The page for browsers, a liveness answer for others.
pub async fn root(headers: HeaderMap) -> Response {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/html")) {
        return page::response();
    }
    let alive = Json(json!({ "status": "alive" }));
    ([(header::VARY, "Accept")], alive).into_response()
}

/// Predicts pictures.
pub async fn predict(
    State(context): State<Context>,
    request: Request,
) -> Result<Response, Problem> {
    let (engine, _in_flight) = context.state.engine()?;
    let reservation = body::reservation(request.extensions())?;
    let pictures = body::pictures(request, context.max_body).await?;
    let predictions = engine.predict(pictures, &reservation).await?;
    predictions_response(predictions).await
}
