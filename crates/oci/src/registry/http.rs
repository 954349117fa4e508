//! The HTTP clients, and the errors of requests that got no response.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, Url};

use super::endpoint::is_loopback;
use super::retry::{RequestError, STALL_TIMEOUT};
use crate::error::{NO_TLS, printable};
use crate::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Pools of connections: with TLS and without, by the system's proxy and past it.
pub(super) struct Http {
    certificates: Vec<Certificate>,
    plain: OnceLock<Client>,
    direct: OnceLock<Client>,
    proxied: OnceLock<Client>,
}

impl Http {
    pub(super) fn new(ca_file: Option<&PathBuf>) -> Result<Self> {
        // Fails only when the program has chosen a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = ca_file.map(|file| read_certificates(file)).transpose()?;
        Ok(Self {
            certificates: certificates.unwrap_or_default(),
            plain: OnceLock::new(),
            direct: OnceLock::new(),
            proxied: OnceLock::new(),
        })
    }

    /// The pool for `url`. The system's certificates are read when TLS is first needed.
    pub(super) fn client(&self, url: &Url) -> Result<&Client> {
        let local = url.host_str().is_some_and(is_loopback);
        let (pool, builder) = match (url.scheme(), local) {
            ("http", _) => (&self.plain, Client::builder().no_proxy().tls_certs_only([])),
            (_, true) => (&self.direct, self.tls().no_proxy()),
            (_, false) => (&self.proxied, self.tls()),
        };
        if let Some(client) = pool.get() {
            return Ok(client);
        }
        let client = builder
            .user_agent(concat!("boxwright/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| Error::Options(format!("TLS cannot be used: {}", reason(&error))))?;
        Ok(pool.get_or_init(|| client))
    }

    fn tls(&self) -> ClientBuilder {
        Client::builder().tls_certs_merge(self.certificates.iter().cloned())
    }
}

fn read_certificates(file: &Path) -> Result<Vec<Certificate>> {
    let pem = std::fs::read(file).map_err(|error| Error::read(file, error))?;
    let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if certificates.is_empty() {
        return Err(Error::Options(format!(
            "{} has no PEM certificate in it",
            file.display()
        )));
    }
    Ok(certificates)
}

/// Why `registry` could not be reached. A broken certificate stays broken; the rest may pass.
pub(super) fn unreachable(registry: &str, error: &reqwest::Error) -> RequestError {
    let tls = tls_error(error);
    let detail = match tls {
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            NO_TLS.to_owned()
        }
        _ => reason(error),
    };
    let failure = RequestError::transient(Error::Unreachable {
        registry: registry.to_owned(),
        detail,
    });
    if tls.is_some() {
        failure.into_final()
    } else {
        failure
    }
}

/// The innermost causes, without the address, whose query may be confidential.
fn reason(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    // The outer ones only say that sending failed.
    let start = causes.len().saturating_sub(2);
    match causes.is_empty() {
        true => {
            if error.is_timeout() {
                "it does not answer".into()
            } else {
                "no connection".into()
            }
        }
        false => printable(&causes[start..].join(": ")),
    }
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // What an I/O error wraps is not its source.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The header's value as text, if it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The next piece of a response's body.
pub(super) async fn next_piece(
    registry: &str,
    response: &mut Response,
) -> Result<Option<Bytes>, RequestError> {
    match tokio::time::timeout(STALL_TIMEOUT, response.chunk()).await {
        Ok(piece) => piece.map_err(|error| unreachable(registry, &error)),
        Err(_) => Err(RequestError::stalled(registry)),
    }
}

/// The whole body, where it has at most `limit` bytes.
pub(super) async fn read_body(
    registry: &str,
    mut response: Response,
    limit: u64,
) -> Result<Bytes, RequestError> {
    let too_long = || {
        RequestError::fatal(Error::ContentInvalid {
            what: format!("an answer of {registry}"),
            detail: format!("it has more than {limit} bytes"),
        })
    };
    let mut body = BytesMut::new();
    while let Some(piece) = next_piece(registry, &mut response).await? {
        if body.len() as u64 + piece.len() as u64 > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
