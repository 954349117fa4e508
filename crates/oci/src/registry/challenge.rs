//! Authentication challenges: the `WWW-Authenticate` header of RFC 9110.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One way to authenticate that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// `bearer`, `basic`: in lower case.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of the parameter `name` (in lower case).
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// All challenges of a response.
pub(super) fn of(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    parse(values.filter_map(|value| value.to_str().ok()))
}

/// All challenges in the header's `values`; what is no challenge is skipped.
fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    for item in values.into_iter().flat_map(items) {
        if let Some(parameter) = parameter(item) {
            // A parameter before any scheme belongs to nothing.
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push(parameter);
            }
            continue;
        }
        let (scheme, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
        if is_token(scheme) {
            let parameters = parameter(rest.trim()).into_iter().collect();
            challenges.push(Challenge {
                scheme: scheme.to_ascii_lowercase(),
                parameters,
            });
        }
    }
    challenges
}

/// The parts between commas that stand in no quotes, without the spaces around them.
fn items(value: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&value[start..]);
    items
        .into_iter()
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

/// `name=value` or `name="value"`.
fn parameter(item: &str) -> Option<(String, String)> {
    let (name, value) = item.split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim_start());
    let value = match value.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => Some(value).filter(|value| is_token(value))?.to_owned(),
    };
    is_token(name).then(|| (name.to_ascii_lowercase(), value))
}

/// What stands before the closing quote, which has to be the end.
fn unquote(text: &str) -> Option<String> {
    let (mut value, mut characters) = (String::new(), text.chars());
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(values: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
        parse(values.iter().copied())
            .into_iter()
            .map(|c| (c.scheme, c.parameters))
            .collect()
    }

    #[test]
    fn challenges_are_read_in_every_shape() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let challenge = parse([hub]).remove(0);
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(
            challenge.parameter("realm"),
            Some("https://auth.docker.io/token")
        );
        assert_eq!(
            challenge.parameter("scope"),
            Some("repository:a/b:pull,push")
        );
        let basic = (
            "basic".to_owned(),
            vec![("realm".to_owned(), "x, \"y\"".to_owned())],
        );
        for values in [
            &[r#"BASIC realm="x, \"y\"""#][..],
            &[r#"Basic  realm = "x, \"y\"" , "#],
            &[r#", Basic realm="x, \"y\"""#],
        ] {
            assert_eq!(parsed(values), std::slice::from_ref(&basic), "{values:?}");
        }
        let schemes = |values: &[&str]| -> Vec<String> {
            parsed(values)
                .into_iter()
                .map(|(scheme, _)| scheme)
                .collect()
        };
        assert_eq!(
            schemes(&[r#"Negotiate, Bearer realm="a", Basic realm="b""#]),
            ["negotiate", "bearer", "basic"]
        );
        assert_eq!(
            schemes(&["Negotiate YWJj==", r#"Basic realm=b"#]),
            ["negotiate", "basic"]
        );
    }

    #[test]
    fn what_is_no_challenge_is_passed_over() {
        for value in ["", ",,", "=", "realm=\"x\"", "\"", "a\"b c", "é x=y"] {
            assert_eq!(parsed(&[value]), [], "{value}");
        }
        assert_eq!(parse(["Bearer realm=\"open"])[0].parameter("realm"), None);
    }

    proptest! {
        #[test]
        fn any_header_is_parsed_without_panic(value in "\\PC{0,200}") {
            for challenge in parse([value.as_str()]) {
                prop_assert!(is_token(&challenge.scheme));
            }
        }

        #[test]
        fn quoted_values_survive(realm in "[ -~]{0,40}", service in "[ -~]{0,40}") {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let value = format!("Bearer realm=\"{}\",service=\"{}\"", quote(&realm), quote(&service));
            let challenges = parse([value.as_str()]);
            prop_assert_eq!(challenges.len(), 1);
            prop_assert_eq!(challenges[0].parameter("realm"), Some(realm.as_str()));
            prop_assert_eq!(challenges[0].parameter("service"), Some(service.as_str()));
        }
    }
}
