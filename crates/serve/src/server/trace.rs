//! Which request this is: its own id, and its place in a trace that began elsewhere.

use axum::http::HeaderMap;

/// The header with a request's id, in the request and in the answer.
pub const REQUEST_ID: &str = "x-request-id";
const LONGEST_ID: usize = 128;

/// The caller's id for the request, where it is one that can stand in a log and in a header: up to
/// 128 letters, digits and `-._~:/+=@`; else a new one.
pub fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(sane) {
        Some(id) => id.to_owned(),
        None => uuid::Uuid::new_v4().to_string(),
    }
}

/// The caller's place in its trace, from the header `traceparent` of W3C Trace Context
/// (<https://www.w3.org/TR/trace-context/>). This server calls nobody, so it hands it on to its log
/// only; the recommendation has no header for answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// The caller's span, 16 hexadecimal digits.
    pub span_id: String,
}

impl TraceParent {
    /// What the headers say; `None` where there is nothing, or nothing valid: a broken header is to
    /// be treated as if it were not there.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        Self::parse(value.to_str().ok()?.trim())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, '-');
        let mut field = |length| {
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            fields
                .next()
                .filter(|field| field.len() == length && field.bytes().all(hex))
        };
        let (version, trace_id, span_id, _flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        // A later version may have more fields; what this one has stands at the same place.
        let more = fields.next().is_some();
        let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        let invalid =
            version == "ff" || (version == "00" && more) || is_zero(trace_id) || is_zero(span_id);
        (!invalid).then(|| Self {
            trace_id: trace_id.into(),
            span_id: span_id.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_static(value));
        values.fold(HeaderMap::new(), |mut headers, value| {
            headers.append(name, value);
            headers
        })
    }

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        let id = |value| request_id(&headers(REQUEST_ID, &[value]));
        for sane in [
            "7",
            "0e1c6f5a-4c11-4d0b-9f4e-2f0d3f0c7e11",
            "a/b:c=d@e+f~g_h.i",
        ] {
            assert_eq!(id(sane), sane);
        }
        let long: &'static str = "x".repeat(129).leak();
        for other in ["", " ", "a b", "\"quoted\"", "{}", "a\tb", long] {
            let made = id(other);
            assert_ne!(made, other);
            assert_eq!(made.len(), 36);
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }

    #[test]
    fn a_valid_parent_is_read_and_any_other_ignored() {
        let parent = |value| TraceParent::of(&headers("traceparent", &[value]));
        let expected = TraceParent {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            span_id: "00f067aa0ba902b7".into(),
        };
        for valid in [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later",
        ] {
            assert_eq!(parent(valid), Some(expected.clone()), "{valid}");
        }
        for invalid in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01",
        ] {
            assert_eq!(parent(invalid), None, "{invalid}");
        }
        let one = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::of(&headers("traceparent", &[one, one])), None);
    }
}
