//! Error responses of a registry: what each status means, and the registry's own text.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::challenge;
use super::http::{self, header};
use super::retry::RequestError;
use crate::Error;
use crate::error::printable;

const MAX_ERROR_BYTES: u64 = 64 << 10;

/// Whether the same request may succeed a little later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The error that `response`, which is no success, stands for: of `action` in `repository`.
pub(super) async fn failure(
    registry: &str,
    repository: &str,
    action: &str,
    response: Response,
) -> RequestError {
    let status = response.status();
    let headers = response.headers();
    let retry_after = retry_after(headers, SystemTime::now());
    let lacks_scope = challenge::of(headers)
        .iter()
        .any(|challenge| challenge.parameter("error") == Some("insufficient_scope"));
    // Without a readable body, the status alone is reported.
    let body = http::read_body(registry, response, MAX_ERROR_BYTES)
        .await
        .unwrap_or_default();
    let (code, text) = explain(&body);
    let detail = match text.is_empty() {
        true => status.to_string(),
        false => format!("{} ({text})", status.as_u16()),
    };
    let registry = registry.to_owned();
    let denied = lacks_scope || code == "DENIED" || status == StatusCode::FORBIDDEN;
    let error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if denied => Error::Denied {
            registry,
            repository: repository.to_owned(),
            detail,
        },
        StatusCode::UNAUTHORIZED => Error::Unauthorized { registry, detail },
        _ => Error::Failed {
            registry,
            what: format!("{action} in {repository}"),
            detail,
            retryable: is_transient(status),
        },
    };
    RequestError {
        error,
        transient: is_transient(status),
        retry_after,
    }
}

/// The pause that `Retry-After` asks for: seconds, or until a date, relative to the response's own
/// `Date` where it has one. The caller limits it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = header(headers, RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let its_now = header(headers, DATE.as_str());
    let its_now = its_now.and_then(|text| httpdate::parse_http_date(text).ok());
    // A date in the past asks for no pause.
    until.duration_since(its_now.unwrap_or(now)).ok()
}

/// The first error's code, and all errors' text, of the specification's `{"errors": […]}`, of a
/// token server's `{"details"}`, or of whatever short text there is.
fn explain(body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    struct Errors {
        #[serde(default)]
        errors: Vec<One>,
        #[serde(default)]
        details: String,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Errors>(body) else {
        let text = String::from_utf8_lossy(body);
        let is_page = text.trim_start().starts_with('<');
        return (
            String::new(),
            if is_page {
                String::new()
            } else {
                printable(&text)
            },
        );
    };
    let code = answer
        .errors
        .first()
        .map(|one| one.code.clone())
        .unwrap_or_default();
    let mut texts: Vec<String> = answer
        .errors
        .into_iter()
        .map(|one| {
            format!("{}: {}", one.code, one.message)
                .trim_matches([':', ' '])
                .to_owned()
        })
        .collect();
    texts.push(answer.details);
    texts.retain(|text| !text.is_empty());
    (code, printable(&texts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_number_of_seconds_or_a_date_by_the_registrys_clock() {
        let now = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
        for (after, date, seconds) in [
            ("7", "", Some(7)),
            (" 0 ", "", Some(0)),
            ("Sat, 21 Nov 2026 12:00:30 GMT", "", Some(30)),
            ("Saturday, 21-Nov-26 12:00:30 GMT", "", Some(30)),
            ("Sat Nov 21 12:00:30 2026", "", Some(30)),
            // Its clock is an hour behind, or shows nothing.
            (
                "Sat, 21 Nov 2026 11:00:30 GMT",
                "Sat, 21 Nov 2026 11:00:00 GMT",
                Some(30),
            ),
            ("Sat, 21 Nov 2026 12:00:30 GMT", "midday", Some(30)),
            ("Sat, 21 Nov 2026 11:59:59 GMT", "", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", "", Some(251_607_038_399)),
            ("-1", "", None),
            ("soon", "", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if !date.is_empty() {
                headers.insert(DATE, date.parse().unwrap());
            }
            let retry_after = retry_after(&headers, now).map(|retry_after| retry_after.as_secs());
            assert_eq!(retry_after, seconds, "{after} {date}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_registrys_text_is_taken_from_every_shape_and_tamed() {
        for (body, code, text) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"no \u001b[31m\nway","detail":{"x":1}}]}"#,
                "DENIED",
                "DENIED: no [31m way",
            ),
            (r#"{"errors":[{"code":"A"},{"message":"b"}]}"#, "A", "A; b"),
            (
                r#"{"details":"incorrect username or password"}"#,
                "",
                "incorrect username or password",
            ),
            (
                "Client sent an HTTP request",
                "",
                "Client sent an HTTP request",
            ),
            ("<html><body>x</body></html>", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                explain(body.as_bytes()),
                (code.to_owned(), text.to_owned()),
                "{body}"
            );
        }
    }
}
