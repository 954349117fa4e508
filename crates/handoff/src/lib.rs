//! Hands a published image over to what runs it.

#![cfg_attr(test, allow(clippy::expect_used, reason = "a test may fail"))]

use boxwright_oci::{Digest, Reference};

/// The command that runs a published image with Docker, to be copied into a shell: pinned to the
/// digest, read-only, without capabilities, reachable from this machine only.
pub fn docker_run(reference: &Reference, digest: &Digest) -> String {
    let image = reference.with_digest(*digest).to_string();
    let image = quoted(&image);
    format!("docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 {image}")
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_digest_and_no_tag() {
        let reference: Reference = "localhost:5000/cat:1.0".parse().expect("a reference");
        let digest: Digest = format!("sha256:{}", "ab".repeat(32))
            .parse()
            .expect("a digest");
        assert_eq!(
            docker_run(&reference, &digest),
            format!(
                "docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 \
                 localhost:5000/cat@{digest}"
            )
        );
    }

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        for (text, expected) in [
            (
                "localhost:5000/cat@sha256:ab",
                "localhost:5000/cat@sha256:ab",
            ),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
