//! What needs no protocol: a page or a sign of life at `/`, and pictures to `/predict`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::openapi::{Operation, PREDICTS};
use super::{Server, predicted};
use crate::server::problem::Problem;
use crate::server::{body, page};

/// `GET /`.
pub const ROOT: Operation = Operation::new(
    "root",
    "A page to drop pictures on, for browsers; a sign of life for anything else",
)
.gives(&[(
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
.takes(&[
    ("multipart/form-data", "Pictures"),
    ("image/*", "Picture"),
    ("application/octet-stream", "Picture"),
])
.gives(&[(
    200,
    "One result a picture, in order",
    &[("application/json", "Predictions")],
)])
.fails(PREDICTS);

/// A page for browsers, a sign of life for others.
pub async fn root(headers: HeaderMap) -> Response {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/html")) {
        return page::answer();
    }
    let alive = Json(json!({ "status": "alive" }));
    ([(header::VARY, "Accept")], alive).into_response()
}

/// Predicts pictures.
pub async fn predict(State(server): State<Server>, request: Request) -> Result<Response, Problem> {
    let (engine, _in_flight) = server.life.engine()?;
    let pictures = body::pictures(request, server.max_body).await?;
    let predictions = engine.predict(pictures).await?;
    predicted(predictions).await
}
