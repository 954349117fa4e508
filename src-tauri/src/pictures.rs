//! `boxwright://localhost/thumb/ID/VERSION`, `/large/ID` and `/heat/ID/RUN`: pictures by opaque ids,
//! as JPEG that the worker made. An original never reaches the web view.

use boxwright_studio::Studio;
use tauri::http::{Request, Response, StatusCode, header};
use tauri::{Manager, UriSchemeContext, UriSchemeResponder, Wry};

/// Answers one request.
pub fn answer(
    context: UriSchemeContext<'_, Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let studio = context.app_handle().state::<Studio>().inner().clone();
    let requested = parse(request.uri().path());
    tauri::async_runtime::spawn(async move {
        let jpeg = match requested {
            Some(PictureRequest::Thumbnail(id)) => studio.thumbnail(id),
            Some(PictureRequest::Large(id)) => studio.large(id).await.ok(),
            Some(PictureRequest::HeatMap(id, run)) => studio.heat_map(id, run),
            None => None,
        };
        responder.respond(response(jpeg));
    });
}

#[derive(Debug, PartialEq, Eq)]
enum PictureRequest {
    Thumbnail(u32),
    Large(u32),
    /// Of a search for a recipe, and its run.
    HeatMap(u32, u32),
}

/// A thumbnail's version only keeps the web view from showing a cached older one.
fn parse(path: &str) -> Option<PictureRequest> {
    let mut words = path.trim_start_matches('/').split('/');
    let kind = words.next()?;
    let id = words.next()?.parse().ok()?;
    match (kind, words.next(), words.next()) {
        ("thumb", Some(_), None) => Some(PictureRequest::Thumbnail(id)),
        ("large", None, None) => Some(PictureRequest::Large(id)),
        ("heat", Some(run), None) => Some(PictureRequest::HeatMap(id, run.parse().ok()?)),
        _ => None,
    }
}

fn response(jpeg: Option<Vec<u8>>) -> Response<Vec<u8>> {
    let (status, body) = match jpeg {
        Some(body) => (StatusCode::OK, body),
        None => (StatusCode::NOT_FOUND, Vec::new()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("image/jpeg"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        header::HeaderValue::from_static("nosniff"),
    );
    if status == StatusCode::OK {
        let cached = header::HeaderValue::from_static("private, max-age=86400");
        headers.insert(header::CACHE_CONTROL, cached);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_addresses_name_a_picture() {
        assert_eq!(parse("/thumb/7/2"), Some(PictureRequest::Thumbnail(7)));
        assert_eq!(parse("/large/7"), Some(PictureRequest::Large(7)));
        assert_eq!(parse("/heat/7/2"), Some(PictureRequest::HeatMap(7, 2)));
        for path in [
            "/",
            "/heat/7",
            "/heat/7/x",
            "/thumb/7",
            "/large/7/1",
            "/thumb/x/1",
            "/thumb/-1/1",
            "/etc/passwd",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn an_unknown_picture_is_not_found() {
        assert_eq!(response(None).status(), StatusCode::NOT_FOUND);
        assert_eq!(
            response(Some(vec![1])).headers()[header::CONTENT_TYPE],
            "image/jpeg"
        );
    }
}
