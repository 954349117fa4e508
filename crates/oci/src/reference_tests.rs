use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn references_are_read_as_docker_reads_them() {
    for (text, full) in [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("me/net:1", "docker.io/me/net:1"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/me/a", "docker.io/me/a"),
        ("localhost/a", "localhost/a"),
        ("localhost:5000/a/b:x", "localhost:5000/a/b:x"),
        ("127.0.0.1:5000/a", "127.0.0.1:5000/a"),
        ("[::1]:5000/a:b", "[::1]:5000/a:b"),
        ("[2001:db8::1]/a", "[2001:db8::1]/a"),
        ("ghcr.io/Org/a".to_lowercase().as_str(), "ghcr.io/org/a"),
        ("Registry.Example.com/a", "Registry.Example.com/a"),
        (
            "example.com/a__b/c---d/e.f_g:V_1.0-x",
            "example.com/a__b/c---d/e.f_g:V_1.0-x",
        ),
    ] {
        assert_eq!(
            text.parse::<Reference>().unwrap().to_string(),
            full,
            "{text}"
        );
    }
    let both = format!("example.com/a:1@{DIGEST}")
        .parse::<Reference>()
        .unwrap();
    assert_eq!(
        (both.tag(), both.digest().unwrap().to_string().as_str()),
        (Some("1"), DIGEST)
    );
}

#[test]
fn what_is_wrong_is_said_and_the_right_form_proposed() {
    for (text, reason, proposal) in [
        ("", "empty", None),
        (
            "https://ghcr.io/me/a:1",
            "no scheme",
            Some("ghcr.io/me/a:1"),
        ),
        (
            "ghcr.io/Me/MyNet:1",
            "lower case",
            Some("ghcr.io/me/mynet:1"),
        ),
        ("MyOrg/Net", "lower case", Some("myorg/net")),
        (
            "ghcr.io/me/my net:1",
            "no part of",
            Some("ghcr.io/me/my-net:1"),
        ),
        ("ghcr.io/me//a", "no part of", Some("ghcr.io/me/a")),
        ("ghcr.io/me/a/", "no part of", Some("ghcr.io/me/a")),
        (
            "ghcr.io/me/a:",
            "tag behind the colon",
            Some("ghcr.io/me/a"),
        ),
        ("ghcr.io/me/a:-v 1", "no tag", Some("ghcr.io/me/a:v-1")),
        ("ghcr.io/me/a..b", "no part of", Some("ghcr.io/me/a--b")),
        ("ghcr.io/me/_a", "no part of", Some("ghcr.io/me/a")),
        ("ghcr.io/../etc", "no part of", Some("ghcr.io/etc")),
        ("ghcr.io/me/a@sha256:12", "64 lower-case", None),
        ("ghcr.io/me/a@md5:12", "not supported", None),
        ("localhost:5000", "no repository", None),
        ("example.com:99999/a", "no registry", None),
        ("example.com:/a", "no registry", None),
        ("-bad.example/a", "no registry", None),
        ("[::1/a", "no registry", None),
        ("[::g]:1/a", "no registry", None),
        (&"a".repeat(64), "64 hex", None),
        ("日本/モデル", "no part of", None),
    ] {
        let Err(Error::ReferenceInvalid {
            reason: said,
            proposal: proposed,
            ..
        }) = text.parse::<Reference>()
        else {
            panic!("{text} was accepted");
        };
        assert!(said.contains(reason), "{text}: {said}");
        if proposal.is_some() {
            assert_eq!(proposed.as_deref(), proposal, "{text}");
        }
    }
}

#[test]
fn a_pasted_url_is_no_registry_but_its_host_is_proposed() {
    assert!(check_registry("ghcr.io").is_ok());
    assert!(check_registry("localhost:5000").is_ok());
    for (text, said, hint) in [
        ("https://ghcr.io/v2/", "it is no host", "Use ghcr.io"),
        (" ghcr.io", "it is no host", "Use ghcr.io"),
        ("ghcr.io:port", "it is no host", "ghcr.io or localhost:5000"),
        (
            "",
            "\"\" is no registry: it is empty",
            "ghcr.io or localhost:5000",
        ),
        (" ", "it is empty", "ghcr.io or localhost:5000"),
    ] {
        let error = check_registry(text).unwrap_err();
        assert!(matches!(error, Error::RegistryInvalid { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().contains(hint), "{}", error.hint());
    }
}

#[test]
fn tag_and_digest_can_be_exchanged() {
    let reference: Reference = "example.com/a:1".parse().unwrap();
    assert_eq!(
        reference.with_tag("1-gpu").unwrap().to_string(),
        "example.com/a:1-gpu"
    );
    assert!(reference.with_tag("no tag").is_err());
    let digest = DIGEST.parse().unwrap();
    assert_eq!(
        reference.with_digest(digest).to_string(),
        format!("example.com/a@{DIGEST}")
    );
}

proptest! {
    #[test]
    fn what_is_accepted_survives_writing_and_reading(
        host in "([a-z0-9]{1,5}\\.[a-z]{2,3}|localhost|\\[::1\\])(:[0-9]{1,4})?",
        path in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,3}){0,2}",
        tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}"),
    ) {
        let mut text = format!("{host}/{path}");
        if let Some(tag) = &tag {
            text = format!("{text}:{tag}");
        }
        let reference: Reference = text.parse().unwrap();
        prop_assert_eq!(reference.to_string(), text);
        prop_assert_eq!(reference.tag(), tag.as_deref());
        prop_assert_eq!(reference.repository(), path);
    }

    #[test]
    fn any_text_is_parsed_or_refused_and_a_proposal_is_acceptable(text in "\\PC{0,60}") {
        match text.parse::<Reference>() {
            Ok(reference) => {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
            Err(Error::ReferenceInvalid { proposal: Some(proposal), .. }) => {
                prop_assert!(proposal.parse::<Reference>().is_ok(), "{}", proposal);
            }
            Err(_) => {}
        }
    }
}
