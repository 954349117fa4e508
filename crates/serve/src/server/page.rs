//! The page at `/`: one document that loads nothing else, under a content security policy that names its
//! only script and its only style by hash. `page/` holds its parts.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    include_str!("page/script/dom.js"),
    include_str!("page/script/format.js"),
    include_str!("page/script/palette.js"),
    include_str!("page/script/png.js"),
    include_str!("page/script/boxes.js"),
    include_str!("page/script/marks.js"),
    include_str!("page/script/predictions.js"),
    include_str!("page/script/vectors.js"),
    include_str!("page/script/samples.js"),
    include_str!("page/script/cards.js"),
    include_str!("page/script/requests.js"),
    include_str!("page/script/viewer.js"),
    include_str!("page/script/api.js"),
    include_str!("page/script/main.js"),
);

static PAGE: LazyLock<String> = LazyLock::new(|| {
    DOCUMENT
        .replacen("<style></style>", &format!("<style>{STYLE}</style>"), 1)
        .replacen(
            "<script></script>",
            &format!("<script>{SCRIPT}</script>"),
            1,
        )
});

// Images are the user's own, by `blob:`, and the page's icon. No text can become HTML.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
         img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// The page with its policy.
pub fn response() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept"),
    ];
    (headers, Html(PAGE.as_str())).into_response()
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The text of the page's only element of this name, as a browser hashes it.
    fn inside(element: &str) -> &'static str {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        assert_eq!(PAGE.matches(&open).count(), 1, "{element}");
        assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
        assert_eq!(PAGE.matches(&close).count(), 1, "{element}");
        let rest = PAGE.split_once(&open).unwrap().1;
        rest.split_once(&close).unwrap().0
    }

    /// What stands between `open`, which ends no longer word, and the next quotation mark.
    fn named(text: &'static str, open: &str) -> BTreeSet<&'static str> {
        text.match_indices(open)
            .filter(|(place, _)| !text[..*place].ends_with(char::is_alphanumeric))
            .map(|(place, _)| text[place + open.len()..].split_once('"').unwrap().0)
            .collect()
    }

    #[test]
    fn the_policy_lets_run_exactly_what_the_page_holds() {
        for (directive, element) in [("script-src", "script"), ("style-src", "style")] {
            let text = inside(element);
            assert!(text.len() > 1000, "{element}: {text}");
            // A browser reads CR LF as LF before it hashes.
            assert!(!text.contains('\r'), "{element}");
            let expected = format!("{directive} 'sha256-{}';", hash(text));
            assert!(POLICY.contains(&expected), "{} {expected}", *POLICY);
        }
        for forbidden in ["unsafe", "http", "*", "'self' ", "strict-dynamic"] {
            assert!(!POLICY.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside_and_makes_no_html_of_text() {
        for forbidden in [
            "http:",
            "https://",
            "@import",
            "url(",
            "<link rel=\"stylesheet",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            " style=",
            "setAttribute(\"style\"",
            " onclick=",
            " onload=",
            " onerror=",
            "javascript:",
            "eval(",
            "new Function",
        ] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_script_finds_every_element_and_drawing_that_it_names() {
        let (ids, asked) = (named(DOCUMENT, "id=\""), named(SCRIPT, "at(\""));
        assert!(asked.len() > 20, "{asked:?}");
        assert_eq!(asked.difference(&ids).count(), 0, "{asked:?} of {ids:?}");
        for drawing in named(SCRIPT, "icon(\"").union(&named(SCRIPT, "drawing: \"")) {
            assert!(ids.contains(format!("i-{drawing}").as_str()), "{drawing}");
        }
    }

    #[test]
    fn the_page_is_small() {
        assert!(PAGE.len() < 112 << 10, "{} bytes", PAGE.len());
    }

    #[test]
    fn classes_have_the_colours_of_the_studio() {
        let studio = include_str!("../../../../ui/src/tasks/parts/palette.ts");
        let triples = |text: &'static str| -> Vec<&'static str> {
            let list = text
                .split_once("= [")
                .unwrap()
                .1
                .split_once("];")
                .unwrap()
                .0;
            list.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect()
        };
        for name in ["const hues", "const tones"] {
            let theirs = triples(studio.split_once(name).unwrap().1);
            let ours = triples(
                SCRIPT
                    .split_once(&name.to_uppercase().replace("CONST", "const"))
                    .unwrap()
                    .1,
            );
            assert_eq!(ours, theirs, "{name}");
            assert!(ours.len() >= 3, "{ours:?}");
        }
    }
}
