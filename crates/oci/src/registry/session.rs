//! One registry: requests with its credentials, its redirects followed, its pauses heeded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION};
use reqwest::{Body, Method, Response, StatusCode, Url};

use super::auth::{Auth, Context};
use super::endpoint::{Endpoint, Scheme, scheme_of};
use super::http::{Http, STALLED_AFTER, unreachable};
use super::retry::{Backoff, Fault};
use super::{ClientOptions, answer};
use crate::{Error, Result};

const MAX_REDIRECTS: usize = 8;

/// A request, which may be sent several times.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) payload: Payload<'a>,
    pub(super) access: &'a Access,
    /// For a message: `reading the manifest`.
    pub(super) doing: &'a str,
    /// How long the answer may take; `None` where the caller watches.
    pub(super) patience: Option<Duration>,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, url: Url, access: &'a Access, doing: &'a str) -> Self {
        let (headers, payload) = (Vec::new(), Payload::Empty);
        Self {
            method,
            url,
            headers,
            payload,
            access,
            doing,
            patience: Some(STALLED_AFTER),
        }
    }

    /// The same request with a body, whose progress the caller watches.
    pub(super) fn carrying<'b>(&'b self, payload: Payload<'b>) -> Call<'b> {
        let (method, headers) = (self.method.clone(), self.headers.clone());
        let Self { access, doing, .. } = *self;
        Call {
            method,
            url: self.url.clone(),
            headers,
            payload,
            access,
            doing,
            patience: None,
        }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        // What this crate sends is made of digests, numbers and its own constants.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// What a request carries.
pub(super) enum Payload<'a> {
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

/// A registry that has been found.
pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    pub(super) options: Arc<ClientOptions>,
    http: Arc<Http>,
    auth: Auth,
}

impl Session {
    /// Finds `registry` and asks what it wants for authentication.
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
            match session.knock().await {
                Ok(response) => break Some(response),
                Err(Knock::Busy(fault)) => backoff.wait(fault).await?,
                // One on this machine that speaks something else may want TLS.
                Err(Knock::Garbled(_)) if scheme == Scheme::Local => break None,
                // Nothing has been done yet that would be worth waiting for.
                Err(knock) => return Err(knock.into_error()),
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
                session.knock().await.map_err(Knock::into_error)?
            }
        };
        if response.status() == StatusCode::UNAUTHORIZED {
            let context = session.context();
            let asked = session
                .auth
                .challenged(&context, response.headers(), None, &[])
                .await;
            asked.map_err(|fault| fault.error)?;
        }
        Ok(session)
    }

    async fn knock(&self) -> Result<Response, Knock> {
        let (root, name) = (self.endpoint.root(), &self.endpoint.registry);
        let client = self
            .http
            .client(&root)
            .map_err(|error| Knock::Absent(error.into()))?;
        match tokio::time::timeout(STALLED_AFTER, client.get(root).send()).await {
            Ok(Ok(response)) if answer::is_transient(response.status()) => {
                let fault = answer::fault(name, "the registry", "saying hello", response).await;
                Err(Knock::Busy(fault))
            }
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(Knock::Absent(unreachable(name, &error))),
            Ok(Err(error)) => Err(Knock::Garbled(unreachable(name, &error))),
            Err(_) => Err(Knock::Absent(Fault::stalled(name))),
        }
    }

    /// Sends `call` until the answer is a success, or an error that waiting won't change.
    pub(super) async fn require(&self, call: &Call<'_>) -> Result<Response> {
        let response = self.ask(call).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.fault(call, response).await.error),
        }
    }

    /// Sends `call` until there is an answer that waiting won't change.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Response> {
        let mut backoff = Backoff::new(self.options.retry);
        loop {
            let fault = match self.send(call).await {
                Ok(response) if answer::is_transient(response.status()) => {
                    self.fault(call, response).await
                }
                Ok(response) => return Ok(response),
                Err(fault) => fault,
            };
            backoff.wait(fault).await?;
        }
    }

    /// Sends `call` once; a token that is no longer good is renewed.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response, Fault> {
        let scopes = &call.access.scopes;
        let mut attempts = 0;
        loop {
            let header = self.auth.header(&self.context(), scopes).await?;
            let response = self.follow(call, header.as_ref()).await?;
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
                .challenged(&context, headers, header.as_ref(), scopes)
                .await?
            {
                return Ok(response);
            }
        }
    }

    /// What an answer to `call` that is no success means.
    pub(super) async fn fault(&self, call: &Call<'_>, response: Response) -> Fault {
        let (name, repository) = (&self.endpoint.registry, &call.access.repository);
        let fault = answer::fault(name, repository, call.doing, response).await;
        match fault.error {
            // Who has not signed in is asked to, rather than told that they may not.
            Error::Denied {
                registry, detail, ..
            } if self.auth.is_anonymous().await => {
                Fault::fatal(Error::Unauthorized { registry, detail })
            }
            _ => fault,
        }
    }

    /// Whether the registry has asked for credentials.
    pub(super) async fn asks_for_credentials(&self) -> bool {
        self.auth.was_asked().await
    }

    fn context(&self) -> Context<'_> {
        Context {
            endpoint: &self.endpoint,
            http: &self.http,
            options: &self.options,
        }
    }

    /// Sends `call` once and follows redirects; the credentials don't leave the registry.
    async fn follow(
        &self,
        call: &Call<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Fault> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let authorization = authorization.filter(|_| self.endpoint.owns(&url));
            let response = self.attempt(call, &url, authorization).await?;
            let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            match answer::header(response.headers(), LOCATION.as_str()) {
                Some(location) if is_redirect => url = self.endpoint.follow(&url, location)?,
                _ => return Ok(response),
            }
        }
        Err(Fault::fatal(Error::Failed {
            registry: self.endpoint.registry.clone(),
            what: format!("{} in {}", call.doing, call.access.repository),
            detail: "it redirects without end".into(),
            retryable: false,
        }))
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Fault> {
        let mut request = self
            .http
            .client(url)?
            .request(call.method.clone(), url.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = match &call.payload {
            Payload::Empty if matches!(call.method, Method::GET | Method::HEAD) => request,
            Payload::Empty => request.header(CONTENT_LENGTH, 0),
            Payload::Bytes(bytes) => request.body(bytes.clone()),
            Payload::Stream { open, len } => request.header(CONTENT_LENGTH, *len).body(open()),
        };
        let name = &self.endpoint.registry;
        let sent = match call.patience {
            Some(patience) => match tokio::time::timeout(patience, request.send()).await {
                Ok(sent) => sent,
                Err(_) => return Err(Fault::stalled(name)),
            },
            None => request.send().await,
        };
        sent.map_err(|error| unreachable(name, &error))
    }
}

/// Why a first request failed.
enum Knock {
    /// Nothing is there to talk to.
    Absent(Fault),
    /// What is there does not speak this.
    Garbled(Fault),
    /// It asks to come back later.
    Busy(Fault),
}

impl Knock {
    fn into_error(self) -> Error {
        let (Self::Absent(fault) | Self::Garbled(fault) | Self::Busy(fault)) = self;
        fault.error
    }
}
