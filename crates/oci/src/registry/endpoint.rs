//! Where a registry is, and which other places may be trusted with what.

use std::net::IpAddr;

use reqwest::Url;

use super::options::ClientOptions;
use crate::error::printable;
use crate::{Error, Result};

/// The address of a registry's API.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// As in a reference.
    pub(super) registry: String,
    base: Url,
    plain_http: Vec<String>,
}

impl Endpoint {
    /// The address of `registry`, by plain HTTP if `plain`.
    pub(super) fn new(registry: &str, plain: bool, options: &ClientOptions) -> Result<Self> {
        let host = if registry == "docker.io" {
            "registry-1.docker.io"
        } else {
            registry
        };
        let scheme = if plain { "http" } else { "https" };
        let base = format!("{scheme}://{host}/v2/");
        let base = Url::parse(&base).map_err(|_| Error::RegistryInvalid {
            given: registry.to_owned(),
            reason: "no address can be made of it",
            proposal: None,
        })?;
        let plain_http = options.plain_http.clone();
        Ok(Self {
            registry: registry.to_owned(),
            base,
            plain_http,
        })
    }

    /// The root of the API, `…/v2/`.
    pub(super) fn root(&self) -> Url {
        self.base.clone()
    }

    /// `path` below `/v2/`. Its parts are names, tags and digests, which need no escaping.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{path}"));
        url
    }

    /// Whether `url` is this very server: only it gets credentials.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// The URL of the `Location` header that `from` sent.
    ///
    /// # Errors
    /// `Failed` when it leads nowhere, or from TLS to a place without.
    pub(super) fn follow(&self, from: &Url, location: &str) -> Result<Url> {
        let failed = |detail: &str| Error::Failed {
            registry: self.registry.clone(),
            what: "an address that it sent".into(),
            detail: format!(
                "{:?} {detail}",
                printable(location.split('?').next().unwrap_or_default())
            ),
            retryable: false,
        };
        let url = from.join(location).map_err(|_| failed("is no address"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.allows_plain(&url) => Ok(url),
            "http" => Err(failed("would leave TLS")),
            _ => Err(failed("is no web address")),
        }
    }

    /// Plain HTTP goes only from a registry without TLS, and only to hosts that may be without.
    fn allows_plain(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.base.scheme() == "http" && (is_loopback(host) || is_named(&self.plain_http, url))
    }

    /// Whether the token server `realm` may get the password: it speaks the registry's scheme, and
    /// is on the same host or under the same registrable domain; or the user named its host, whose
    /// port is then the scheme's own unless it was named too.
    pub(super) fn trusts(&self, realm: &Url, trusted: &[String]) -> bool {
        let named = |entry: &String| {
            Url::parse(&format!("{}://{entry}/", realm.scheme()))
                .is_ok_and(|url| url.origin() == realm.origin())
        };
        let (Some(registry), Some(host)) = (self.base.host_str(), realm.host_str()) else {
            return false;
        };
        realm.scheme() == self.base.scheme() && are_related(registry, host)
            || trusted.iter().any(named)
    }
}

/// Host, and port where it is not the scheme's own, of `url`.
pub(super) fn authority(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    match origin.split_once("://") {
        Some((_, authority)) => authority.to_owned(),
        None => origin,
    }
}

/// How `registry` is to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By TLS, always.
    Tls,
    /// Without, by the user's word.
    Plain,
    /// On this machine: without, unless it answers that it wants TLS.
    Local,
}

/// How `registry` (host and port) is to be spoken to.
pub(super) fn scheme_of(registry: &str, plain_http: &[String]) -> Scheme {
    let Ok(url) = Url::parse(&format!("http://{registry}/")) else {
        return Scheme::Tls;
    };
    match url.host_str() {
        _ if is_named(plain_http, &url) => Scheme::Plain,
        Some(host) if is_loopback(host) => Scheme::Local,
        _ => Scheme::Tls,
    }
}

/// Whether `host` can only be this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

/// Whether `names` (`host` or `host:port`) hold where `url` leads.
fn is_named(names: &[String], url: &Url) -> bool {
    names.iter().any(|name| {
        Url::parse(&format!("http://{name}/")).is_ok_and(|named| {
            let any_port = named.port().is_none() && !name.ends_with(":80");
            named.host() == url.host()
                && (any_port || named.port_or_known_default() == url.port_or_known_default())
        })
    })
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

fn are_related(a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    if address(a).is_some() || address(b).is_some() {
        return false;
    }
    matches!((psl::domain_str(a), psl::domain_str(b)), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(registry: &str) -> Endpoint {
        let options = ClientOptions {
            plain_http: vec!["lan:5000".into()],
            ..Default::default()
        };
        let plain = scheme_of(registry, &options.plain_http) != Scheme::Tls;
        Endpoint::new(registry, plain, &options).unwrap()
    }

    #[test]
    fn only_this_machine_and_named_hosts_go_without_tls() {
        for (registry, scheme) in [
            ("docker.io", Scheme::Tls),
            ("10.0.0.1:5000", Scheme::Tls),
            ("localhost.example.com", Scheme::Tls),
            ("127.0.0.1.example.com", Scheme::Tls),
            ("localhost:5000", Scheme::Local),
            ("LOCALHOST", Scheme::Local),
            ("127.9.9.9", Scheme::Local),
            ("[::1]:5000", Scheme::Local),
            ("lan:5000", Scheme::Plain),
            ("lan:5001", Scheme::Tls),
            ("box", Scheme::Plain),
            ("box:1234", Scheme::Plain),
        ] {
            assert_eq!(
                scheme_of(registry, &["lan:5000".into(), "box".into()]),
                scheme,
                "{registry}"
            );
        }
    }

    #[test]
    fn the_password_goes_to_the_registrys_own_token_server_only() {
        for (registry, realm, trusted) in [
            ("docker.io", "https://auth.docker.io/token", true),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth", true),
            ("ghcr.io", "https://ghcr.io/token", true),
            ("docker.io", "http://auth.docker.io/token", false),
            ("docker.io", "https://auth.docker.io.evil.com/token", false),
            ("a.co.uk", "https://b.co.uk/token", false),
            ("me.github.io", "https://you.github.io/token", false),
            ("registry.shop.co.uk", "https://auth.shop.co.uk/token", true),
            ("10.0.0.1", "https://10.0.0.2/token", false),
            ("localhost:5000", "http://localhost:5001/token", true),
            ("localhost:5000", "http://127.0.0.1:5001/token", false),
            ("localhost:5000", "https://auth.example.com/token", false),
            ("ghcr.io", "https://my-auth.example.com/token", true),
            ("ghcr.io", "https://my-auth.example.com:444/token", false),
            ("ghcr.io", "https://not-my-auth.example.com/token", false),
            ("lan:5000", "http://lan:5001/token", true),
            ("lan:5000", "https://lan:5001/token", true),
            ("lan:5000", "https://lan:5002/token", false),
            ("127.0.0.1:5000", "http://lan:5001/token", true),
            ("127.0.0.1:5000", "http://lan/token", false),
        ] {
            let own_word = ["my-auth.example.com".to_owned(), "lan:5001".into()];
            let realm_url = Url::parse(realm).unwrap();
            assert_eq!(
                endpoint(registry).trusts(&realm_url, &own_word),
                trusted,
                "{registry} {realm}"
            );
        }
    }

    #[test]
    fn an_authority_is_a_host_with_the_port_that_has_to_be_named() {
        for (url, expected) in [
            ("https://auth.example.com/token?a=b", "auth.example.com"),
            ("https://auth.example.com:444/token", "auth.example.com:444"),
            ("http://me:pw@[::1]:5001/", "[::1]:5001"),
        ] {
            assert_eq!(authority(&Url::parse(url).unwrap()), expected);
        }
    }

    #[test]
    fn locations_are_followed_but_never_out_of_tls() {
        let from = |registry| endpoint(registry).url("a/b/blobs/uploads/");
        let follow = |registry, location| {
            endpoint(registry)
                .follow(&from(registry), location)
                .map(|url| url.to_string())
        };
        assert_eq!(
            follow("ghcr.io", "/v2/x?y=1").unwrap(),
            "https://ghcr.io/v2/x?y=1"
        );
        assert_eq!(
            follow("ghcr.io", "z").unwrap(),
            "https://ghcr.io/v2/a/b/blobs/uploads/z"
        );
        assert_eq!(
            follow("ghcr.io", "https://s3.example/x").unwrap(),
            "https://s3.example/x"
        );
        assert_eq!(
            follow("localhost:5000", "http://127.0.0.1:1/").unwrap(),
            "http://127.0.0.1:1/"
        );
        for (registry, location) in [
            ("ghcr.io", "http://ghcr.io/x"),
            ("ghcr.io", "http://127.0.0.1/x"),
            ("ghcr.io", "file:///etc/passwd"),
            ("ghcr.io", "https://"),
            ("localhost:5000", "http://example.com/"),
        ] {
            let error = follow(registry, location).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Failed {
                        retryable: false,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn docker_hub_has_another_name_on_the_wire() {
        assert_eq!(
            endpoint("docker.io").root().as_str(),
            "https://registry-1.docker.io/v2/"
        );
        assert!(!endpoint("docker.io").owns(&Url::parse("https://docker.io/").unwrap()));
    }
}
