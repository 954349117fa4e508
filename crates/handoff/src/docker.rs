//! Running a published image with Docker.

use crate::PublishedImage;

/// The command that runs the image with Docker, to be copied into a shell: pinned to the digest,
/// read-only, without capabilities, reachable from this machine only.
pub fn docker_run(image: &PublishedImage) -> String {
    let image = quoted(&image.pinned().to_string());
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
    use boxwright_oci::Digest;

    use super::*;

    #[test]
    fn the_command_names_the_digest_and_no_tag() {
        let digest: Digest = format!("sha256:{}", "ab".repeat(32))
            .parse()
            .expect("a digest");
        let image = PublishedImage {
            reference: "localhost:5000/cat:1.0".parse().expect("a reference"),
            digest,
            platforms: Vec::new(),
        };
        assert_eq!(
            docker_run(&image),
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
