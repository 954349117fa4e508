//! Image references, by the grammar of the distribution project.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Error, Result};

const DOCKER_HUB: &str = "docker.io";

/// Names an image in a registry: `registry/repository[:tag][@digest]`.
///
/// A name without a registry is Docker Hub's, as every Docker user expects: `alpine` is
/// `docker.io/library/alpine`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Host and port, `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry, without tag or digest.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one is named. It counts more than the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The tag that is meant where none and no digest is named: `latest`.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The same repository under another tag, without a digest.
    ///
    /// # Errors
    /// `ReferenceInvalid` when `tag` is none.
    pub fn with_tag(&self, tag: &str) -> Result<Self> {
        check_tag(tag).map_err(|reason| invalid(tag, reason, propose_tag(tag)))?;
        Ok(Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// The same repository at `digest`, without a tag.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self {
            tag: None,
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// The same repository, without tag and digest.
    pub fn without_tag(&self) -> Self {
        Self {
            tag: None,
            digest: None,
            ..self.clone()
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).map_err(|reason| invalid(text, reason, propose(text)))
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Checks host and port as a person types them into a sign-in.
///
/// # Errors
/// `RegistryInvalid` with a proposal, such as the host alone for a pasted URL.
pub fn check_registry(text: &str) -> Result<()> {
    if check_host(text).is_ok() {
        return Ok(());
    }
    let bare = without_scheme(text.trim());
    let bare = bare.split('/').next().unwrap_or_default();
    let proposal = Some(bare).filter(|bare| *bare != text && check_host(bare).is_ok());
    Err(Error::RegistryInvalid {
        given: given(text),
        reason: match text.trim() {
            "" => "it is empty",
            _ => "it is no host, with or without a port",
        },
        proposal: proposal.map(str::to_owned),
    })
}

fn invalid(text: &str, reason: String, proposal: Option<String>) -> Error {
    Error::ReferenceInvalid {
        given: given(text),
        reason,
        proposal,
    }
}

/// What was given, as far as it is shown.
fn given(text: &str) -> String {
    text.chars().take(300).collect()
}

type Checked<T = ()> = std::result::Result<T, String>;

fn parse(text: &str) -> Checked<Reference> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text != without_scheme(text) {
        return Err("a reference has no scheme like https://".into());
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (
            name,
            Some(
                digest
                    .parse::<Digest>()
                    .map_err(|error| error.to_string())?,
            ),
        ),
        None => (text, None),
    };
    let (name, tag) = split_tag(name);
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    let (registry, path) = split_registry(name);
    if let (None, "localhost", Some(port)) = (registry, path, tag)
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return Err("it names a registry, but no repository in it".into());
    }
    let registry = registry.unwrap_or(DOCKER_HUB);
    check_host(registry)?;
    check_repository(path)?;
    let registry = if registry == "index.docker.io" {
        DOCKER_HUB
    } else {
        registry
    };
    let repository = match registry == DOCKER_HUB && !path.contains('/') {
        true => format!("library/{path}"),
        false => path.to_owned(),
    };
    Ok(Reference {
        registry: registry.into(),
        repository,
        tag: tag.map(str::to_owned),
        digest,
    })
}

fn without_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// The colon of a tag stands behind the last slash; one before it belongs to a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    let path_at = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[path_at..].find(':') {
        Some(colon) => (&name[..path_at + colon], Some(&name[path_at + colon + 1..])),
        None => (name, None),
    }
}

/// The first component is a registry if it could not be part of a repository of Docker Hub.
fn split_registry(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn check_host(registry: &str) -> Checked {
    let wrong = || format!("{:?} is no registry (a host, or host:port)", clip(registry));
    let (host, port) = match registry.rfind(']') {
        Some(end) => (&registry[..=end], registry[end + 1..].strip_prefix(':')),
        None => registry
            .split_once(':')
            .map_or((registry, None), |(h, p)| (h, Some(p))),
    };
    let rest = registry.len() - host.len();
    if rest > 0 && port.is_none_or(|port| port.parse::<u16>().is_err() || port.starts_with('+')) {
        return Err(wrong());
    }
    let good = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.len() <= 253 && host.split('.').all(is_host_label),
    };
    if good { Ok(()) } else { Err(wrong()) }
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn check_repository(path: &str) -> Checked {
    if path.is_empty() {
        return Err("the repository's name is missing".into());
    }
    if path.len() > 255 {
        return Err("a repository's name has at most 255 characters".into());
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("a repository's name is written in lower case".into());
    }
    if path.len() == 64 && path.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("64 hex digits alone are an image's id, not its name".into());
    }
    match path.split('/').find(|component| !is_component(component)) {
        None => Ok(()),
        Some(bad) => Err(format!(
            "{:?} is no part of a repository's name (lower-case letters and digits, with single . _ or - between them)",
            clip(bad)
        )),
    }
}

/// Runs of `[a-z0-9]` with one of `.`, `_`, `__` or any number of `-` between them.
fn is_component(component: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| is_word(*first) && is_word(*last))
        && bytes
            .split(|b| is_word(*b))
            .all(|gap| matches!(gap, b"" | b"." | b"_" | b"__") || gap.iter().all(|b| *b == b'-'))
}

fn check_tag(tag: &str) -> Checked {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match tag.as_bytes() {
        [] => Err("the tag behind the colon is missing".into()),
        [_, rest @ ..] if rest.len() > 127 => Err("a tag has at most 128 characters".into()),
        [first, rest @ ..]
            if word(*first) && rest.iter().all(|b| word(*b) || b".-".contains(b)) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "{:?} is no tag (letters, digits, _ . and -, not starting with . or -)",
            clip(tag)
        )),
    }
}

fn clip(text: &str) -> String {
    text.chars().take(100).collect()
}

/// What was probably meant, if that would be accepted.
fn propose(text: &str) -> Option<String> {
    let text = without_scheme(text.trim());
    let (name, digest) = text
        .split_once('@')
        .map_or((text, None), |(n, d)| (n, Some(d)));
    let (name, tag) = split_tag(name.trim_end_matches('/'));
    // A first component in upper case is read as a registry; without a dot or a port, it was none.
    let (registry, path) = match split_registry(name) {
        (Some(first), _) if first != "localhost" && !first.contains(['.', ':']) => (None, name),
        split => split,
    };
    let mut proposal = registry.map(|host| format!("{host}/")).unwrap_or_default();
    proposal += &path
        .split('/')
        .filter_map(propose_component)
        .collect::<Vec<_>>()
        .join("/");
    if let Some(tag) = tag.and_then(propose_tag) {
        proposal = format!("{proposal}:{tag}");
    }
    if let Some(digest) = digest {
        proposal = format!("{proposal}@{}", digest.to_ascii_lowercase());
    }
    parse(&proposal).is_ok().then_some(proposal)
}

fn propose_component(component: &str) -> Option<String> {
    let lower = component.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    let joined = words
        .map(|word| word.trim_matches(['.', '_']))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    let single = if is_component(&joined) {
        joined
    } else {
        joined.replace(['.', '_'], "-")
    };
    Some(single).filter(|component| is_component(component))
}

fn propose_tag(tag: &str) -> Option<String> {
    let plain: String = tag
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let start = plain.trim_start_matches(['.', '-']);
    let tag: String = start.chars().take(128).collect();
    check_tag(&tag).is_ok().then_some(tag)
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
