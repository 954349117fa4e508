//! One registry: authenticated requests, redirects, and retries at the pace that it asks for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION};
use reqwest::{Body, Method, Response, StatusCode, Url};

use super::auth::{Auth, Context};
use super::endpoint::{Endpoint, Scheme, scheme_of};
use super::error_response;
use super::http::{self, Http, unreachable};
use super::options::ClientOptions;
use super::retry::{Backoff, RequestError, STALL_TIMEOUT};
use crate::{Error, Result};

const MAX_REDIRECTS: usize = 8;

/// A request, which may be sent several times.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: RequestBody<'a>,
    pub(super) access: &'a Access,
    /// For a message: `reading the manifest`.
    pub(super) action: &'a str,
    /// How long the response may take; `None` where the caller times it.
    pub(super) timeout: Option<Duration>,
}

impl<'a> Request<'a> {
    pub(super) fn new(method: Method, url: Url, access: &'a Access, action: &'a str) -> Self {
        let (headers, body) = (Vec::new(), RequestBody::Empty);
        Self {
            method,
            url,
            headers,
            body,
            access,
            action,
            timeout: Some(STALL_TIMEOUT),
        }
    }

    /// The same request with a body, which the caller times.
    pub(super) fn with_body<'b>(&'b self, body: RequestBody<'b>) -> Request<'b> {
        let (method, headers) = (self.method.clone(), self.headers.clone());
        let Self { access, action, .. } = *self;
        Request {
            method,
            url: self.url.clone(),
            headers,
            body,
            access,
            action,
            timeout: None,
        }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        // What this crate sends is made of digests, numbers and its own constants.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// What a request carries.
pub(super) enum RequestBody<'a> {
    Empty,
    Bytes(Bytes),
    /// A body of `len` bytes, opened anew for every attempt.
    Stream {
        open: &'a (dyn Fn() -> Body + Send + Sync),
        len: u64,
    },
}

/// A repository, and what is to be done there.
pub(super) struct Access {
    pub(super) repository: String,
    pub(super) scopes: Vec<String>,
}

impl Access {
    /// To the registry itself.
    pub(super) fn registry() -> Self {
        Self {
            repository: "the registry".into(),
            scopes: Vec::new(),
        }
    }

    pub(super) fn pull(repository: &str) -> Self {
        let scopes = vec![format!("repository:{repository}:pull")];
        Self {
            repository: repository.into(),
            scopes,
        }
    }

    /// To end uploads, for which some registries want more than for starting them.
    pub(super) fn delete(repository: &str) -> Self {
        let scopes = vec![format!("repository:{repository}:pull,push,delete")];
        Self {
            repository: repository.into(),
            scopes,
        }
    }

    /// To push, and to mount blobs from other repositories.
    pub(super) fn push(repository: &str, mount_from: &[String]) -> Self {
        let mut scopes = vec![format!("repository:{repository}:pull,push")];
        scopes.extend(
            mount_from
                .iter()
                .map(|from| format!("repository:{from}:pull")),
        );
        Self {
            repository: repository.into(),
            scopes,
        }
    }
}

/// A registry that was reached, and its authentication.
pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    pub(super) options: Arc<ClientOptions>,
    http: Arc<Http>,
    auth: Auth,
}

impl Session {
    /// Connects to `registry` and learns which authentication it requires.
    pub(super) async fn open(
        registry: &str,
        http: Arc<Http>,
        options: Arc<ClientOptions>,
    ) -> Result<Self> {
        let scheme = scheme_of(registry, &options.plain_http);
        let endpoint = Endpoint::new(registry, scheme != Scheme::Tls, &options)?;
        let mut session = Self {
            endpoint,
            options,
            http,
            auth: Auth::default(),
        };
        let mut backoff = Backoff::new(session.options.retry);
        let response = loop {
            match session.probe().await {
                Ok(response) => break Some(response),
                Err(ProbeError::Busy(failure)) => backoff.wait(failure).await?,
                // A local registry that does not answer in plain HTTP may want TLS.
                Err(ProbeError::NotHttp(_)) if scheme == Scheme::Local => break None,
                // A registry that can't be reached at the start is reported at once.
                Err(probe) => return Err(probe.into_error()),
            }
        };
        let response = match response {
            Some(r) if scheme == Scheme::Local && r.status() == StatusCode::BAD_REQUEST => None,
            other => other,
        };
        let response = match response {
            Some(response) => response,
            None => {
                session.endpoint = Endpoint::new(registry, false, &session.options)?;
                session.probe().await.map_err(ProbeError::into_error)?
            }
        };
        if response.status() == StatusCode::UNAUTHORIZED {
            let context = session.context();
            let asked = session
                .auth
                .handle_challenge(&context, response.headers(), None, &[])
                .await;
            asked.map_err(|failure| failure.error)?;
        }
        Ok(session)
    }

    async fn probe(&self) -> Result<Response, ProbeError> {
        let (root, name) = (self.endpoint.root(), &self.endpoint.registry);
        let client = self
            .http
            .client(&root)
            .map_err(|error| ProbeError::Unreachable(error.into()))?;
        match tokio::time::timeout(STALL_TIMEOUT, client.get(root).send()).await {
            Ok(Ok(response)) if error_response::is_transient(response.status()) => {
                let failure =
                    error_response::failure(name, "the registry", "saying hello", response).await;
                Err(ProbeError::Busy(failure))
            }
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => {
                Err(ProbeError::Unreachable(unreachable(name, &error)))
            }
            Ok(Err(error)) => Err(ProbeError::NotHttp(unreachable(name, &error))),
            Err(_) => Err(ProbeError::Unreachable(RequestError::stalled(name))),
        }
    }

    /// As [`Session::send_retrying`], where only a success will do.
    pub(super) async fn send_for_success(&self, request: &Request<'_>) -> Result<Response> {
        let response = self.send_retrying(request).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.failure(request, response).await.error),
        }
    }

    /// Sends `request`, and repeats it after transient errors.
    pub(super) async fn send_retrying(&self, request: &Request<'_>) -> Result<Response> {
        let mut backoff = Backoff::new(self.options.retry);
        loop {
            let failure = match self.send(request).await {
                Ok(response) if error_response::is_transient(response.status()) => {
                    self.failure(request, response).await
                }
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            backoff.wait(failure).await?;
        }
    }

    /// Sends `request` once; a token that is no longer good is renewed.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Response, RequestError> {
        let scopes = &request.access.scopes;
        let mut attempts = 0;
        loop {
            let header = self.auth.header(&self.context(), scopes).await?;
            let response = self.send_following(request, header.as_ref()).await?;
            attempts += 1;
            let refused = response.status() == StatusCode::UNAUTHORIZED
                && self.endpoint.owns(response.url())
                && attempts <= 2;
            if !refused {
                return Ok(response);
            }
            let context = self.context();
            let headers = response.headers();
            if !self
                .auth
                .handle_challenge(&context, headers, header.as_ref(), scopes)
                .await?
            {
                return Ok(response);
            }
        }
    }

    /// The error that a response to `request`, which is no success, stands for.
    pub(super) async fn failure(&self, request: &Request<'_>, response: Response) -> RequestError {
        let (name, repository) = (&self.endpoint.registry, &request.access.repository);
        let failure = error_response::failure(name, repository, request.action, response).await;
        match failure.error {
            // Who has not signed in is asked to, rather than told that they may not.
            Error::Denied {
                registry, detail, ..
            } if self.auth.is_anonymous().await => {
                RequestError::fatal(Error::Unauthorized { registry, detail })
            }
            _ => failure,
        }
    }

    /// Whether the registry has asked for credentials.
    pub(super) async fn requires_credentials(&self) -> bool {
        self.auth.is_required().await
    }

    fn context(&self) -> Context<'_> {
        Context {
            endpoint: &self.endpoint,
            http: &self.http,
            options: &self.options,
        }
    }

    /// Sends `request` once and follows redirects; the credentials don't leave the registry.
    async fn send_following(
        &self,
        request: &Request<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RequestError> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let authorization = authorization.filter(|_| self.endpoint.owns(&url));
            let response = self.send_to(request, &url, authorization).await?;
            let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            match http::header(response.headers(), LOCATION.as_str()) {
                Some(location) if is_redirect => url = self.endpoint.follow(&url, location)?,
                _ => return Ok(response),
            }
        }
        Err(RequestError::fatal(Error::Failed {
            registry: self.endpoint.registry.clone(),
            what: format!("{} in {}", request.action, request.access.repository),
            detail: "it redirects without end".into(),
            retryable: false,
        }))
    }

    async fn send_to(
        &self,
        request: &Request<'_>,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RequestError> {
        let client = self.http.client(url)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        let builder = match &request.body {
            RequestBody::Empty if matches!(request.method, Method::GET | Method::HEAD) => builder,
            RequestBody::Empty => builder.header(CONTENT_LENGTH, 0),
            RequestBody::Bytes(bytes) => builder.body(bytes.clone()),
            RequestBody::Stream { open, len } => builder.header(CONTENT_LENGTH, *len).body(open()),
        };
        let name = &self.endpoint.registry;
        let sent = match request.timeout {
            Some(timeout) => match tokio::time::timeout(timeout, builder.send()).await {
                Ok(sent) => sent,
                Err(_) => return Err(RequestError::stalled(name)),
            },
            None => builder.send().await,
        };
        sent.map_err(|error| unreachable(name, &error))
    }
}

/// Why the first request failed.
enum ProbeError {
    /// There is no connection.
    Unreachable(RequestError),
    /// The server does not speak HTTP with this scheme.
    NotHttp(RequestError),
    /// A transient error.
    Busy(RequestError),
}

impl ProbeError {
    fn into_error(self) -> Error {
        let (Self::Unreachable(failure) | Self::NotHttp(failure) | Self::Busy(failure)) = self;
        failure.error
    }
}
