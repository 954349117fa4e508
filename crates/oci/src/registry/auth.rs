//! Authentication: the scheme that a registry requires, and the tokens and passwords sent to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::credentials::{Credentials, Secret};
use super::endpoint::{Endpoint, authority};
use super::http::{Http, read_body, unreachable};
use super::options::ClientOptions;
use super::retry::{RequestError, STALL_TIMEOUT};
use super::{challenge, error_response};
use crate::Error;

const MAX_TOKEN_BYTES: u64 = 1 << 20;
/// The lifetime of a token without `expires_in`, by the specification.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// A registry's authentication: the scheme that it requires, and the tokens that it issued.
#[derive(Default)]
pub(super) struct Auth {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    scheme: Option<AuthScheme>,
    /// By their scopes.
    tokens: HashMap<String, Token>,
    /// Looked up once: a credential helper is a program that has to be started.
    credentials: Option<Option<Credentials>>,
}

#[derive(Clone)]
enum AuthScheme {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

struct Token {
    header: HeaderValue,
    renew_at: Instant,
}

/// What authentication needs of its registry.
pub(super) struct Context<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) http: &'a Http,
    pub(super) options: &'a Arc<ClientOptions>,
}

impl Auth {
    /// What to send as `Authorization` for `scopes`: nothing where the registry requires nothing. Requests
    /// that need the same token wait for one fetch.
    pub(super) async fn header(
        &self,
        context: &Context<'_>,
        scopes: &[String],
    ) -> Result<Option<HeaderValue>, RequestError> {
        let mut state = self.state.lock().await;
        let Some(scheme) = state.scheme.clone() else {
            return Ok(None);
        };
        let credentials = state.credentials(context).await?;
        match scheme {
            AuthScheme::Basic => credentials.as_ref().map(basic).transpose(),
            AuthScheme::Bearer { realm, service } => {
                let key = scopes.join(" ");
                if let Some(token) = state.tokens.get(&key)
                    && token.renew_at > Instant::now()
                {
                    return Ok(Some(token.header.clone()));
                }
                let ask = TokenRequest {
                    realm,
                    service,
                    scopes,
                };
                let fetched = ask.fetch(context, credentials).await;
                if fetched.is_err() {
                    // The user may sign in meanwhile.
                    state.credentials = None;
                }
                let token = fetched?;
                let header = token.header.clone();
                state.tokens.insert(key, token);
                Ok(Some(header))
            }
        }
    }

    /// Whether the registry requires authentication.
    pub(super) async fn is_required(&self) -> bool {
        self.state.lock().await.scheme.is_some()
    }

    /// Whether the registry requires authentication and there are no credentials.
    pub(super) async fn is_anonymous(&self) -> bool {
        let state = self.state.lock().await;
        state.scheme.is_some() && matches!(state.credentials, Some(None))
    }

    /// Takes in a 401's challenge to a request that was sent with `used`. Whether another attempt
    /// may help.
    pub(super) async fn handle_challenge(
        &self,
        context: &Context<'_>,
        headers: &HeaderMap,
        used: Option<&HeaderValue>,
        scopes: &[String],
    ) -> Result<bool, RequestError> {
        let challenges = challenge::of(headers);
        let of = |scheme| {
            challenges
                .iter()
                .filter(move |challenge| challenge.scheme == scheme)
        };
        let realm = |text: &str| context.endpoint.root().join(text).ok();
        let bearer = of("bearer").find_map(|challenge| {
            let service = challenge.parameter("service").map(str::to_owned);
            Some(AuthScheme::Bearer {
                realm: realm(challenge.parameter("realm")?)?,
                service,
            })
        });
        let mut state = self.state.lock().await;
        let scheme = match bearer {
            Some(bearer) => {
                let key = scopes.join(" ");
                if state
                    .tokens
                    .get(&key)
                    .is_some_and(|token| Some(&token.header) == used)
                {
                    state.tokens.remove(&key);
                }
                bearer
            }
            None if of("basic").next().is_some() => AuthScheme::Basic,
            None if challenges.is_empty() => return Ok(false),
            None => return Err(unsupported(context.endpoint, &challenges[0].scheme)),
        };
        let again = match (&scheme, used) {
            (_, None) => true,
            (AuthScheme::Basic, Some(used)) => {
                let header = state
                    .credentials(context)
                    .await?
                    .as_ref()
                    .map(basic)
                    .transpose()?;
                header.is_some_and(|header| header != used)
            }
            (AuthScheme::Bearer { .. }, Some(_)) => true,
        };
        state.scheme = Some(scheme);
        if !again {
            // The user may sign in meanwhile.
            state.credentials = None;
        }
        Ok(again)
    }
}

impl State {
    async fn credentials(
        &mut self,
        context: &Context<'_>,
    ) -> Result<Option<Credentials>, RequestError> {
        if let Some(known) = &self.credentials {
            return Ok(known.clone());
        }
        let (options, name) = (
            Arc::clone(context.options),
            context.endpoint.registry.clone(),
        );
        let looked_up = tokio::task::spawn_blocking(move || options.credentials.get(&name)).await;
        let found = looked_up.map_err(|_| {
            RequestError::fatal(Error::Options("looking up the credentials failed".into()))
        })?;
        self.credentials = Some(found.clone());
        Ok(found)
    }
}

fn unsupported(endpoint: &Endpoint, scheme: &str) -> RequestError {
    RequestError::fatal(Error::Failed {
        registry: endpoint.registry.clone(),
        what: "signing in".into(),
        detail: format!(
            "it asks for {:?}, which is not supported",
            crate::error::printable(scheme)
        ),
        retryable: false,
    })
}

fn basic(credentials: &Credentials) -> Result<HeaderValue, RequestError> {
    let pair = Secret::new(format!(
        "{}:{}",
        credentials.username,
        credentials.secret.expose()
    ));
    sensitive(&Secret::new(format!(
        "Basic {}",
        STANDARD.encode(pair.expose())
    )))
}

fn sensitive(text: &Secret) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
        RequestError::fatal(Error::Options(
            "the token has characters that no header can hold".into(),
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A request for a token.
struct TokenRequest<'a> {
    realm: Url,
    service: Option<String>,
    scopes: &'a [String],
}

impl TokenRequest<'_> {
    async fn fetch(
        &self,
        context: &Context<'_>,
        credentials: Option<Credentials>,
    ) -> Result<Token, RequestError> {
        let registry = &context.endpoint.registry;
        // The same rule as for any address from a registry: never out of TLS.
        let realm = context.endpoint.follow(&self.realm, self.realm.as_str())?;
        if credentials.is_some()
            && !context
                .endpoint
                .trusts(&realm, &context.options.trusted_realms)
        {
            return Err(RequestError::fatal(Error::RealmUntrusted {
                registry: registry.clone(),
                realm: authority(&realm),
            }));
        }
        let request = self.request(context.http, realm, credentials.as_ref())?;
        let response = match tokio::time::timeout(STALL_TIMEOUT, request.send()).await {
            Ok(response) => response.map_err(|error| unreachable(registry, &error))?,
            Err(_) => return Err(RequestError::stalled(registry)),
        };
        self.read(registry, response).await
    }

    fn request(
        &self,
        http: &Http,
        mut realm: Url,
        credentials: Option<&Credentials>,
    ) -> Result<RequestBuilder, RequestError> {
        let client = http.client(&realm)?;
        match credentials.filter(|credentials| credentials.is_identity_token()) {
            Some(credentials) => {
                let mut form = Url::clone(&realm);
                form.set_query(None);
                self.fill(&mut form, true);
                form.query_pairs_mut()
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("client_id", "boxwright")
                    .append_pair("refresh_token", credentials.secret.expose());
                let body = form.query().unwrap_or_default().to_owned();
                let kind = "application/x-www-form-urlencoded";
                Ok(client.post(realm).header(CONTENT_TYPE, kind).body(body))
            }
            None => {
                self.fill(&mut realm, false);
                let request = client.get(realm);
                Ok(match credentials {
                    Some(credentials) => request.header(AUTHORIZATION, basic(credentials)?),
                    None => request,
                })
            }
        }
    }

    fn fill(&self, url: &mut Url, joined: bool) {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        match joined {
            true => {
                query.append_pair("scope", &self.scopes.join(" "));
            }
            false => self.scopes.iter().for_each(|scope| {
                query.append_pair("scope", scope);
            }),
        }
    }

    async fn read(&self, registry: &str, response: Response) -> Result<Token, RequestError> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<Secret>,
            access_token: Option<Secret>,
            expires_in: Option<u64>,
        }
        let asked_at = Instant::now();
        let status = response.status();
        if !status.is_success() {
            let failure =
                error_response::failure(registry, "the registry", "getting a token", response)
                    .await;
            return Err(match failure.error {
                // A token server that refuses has been given a wrong password.
                Error::Denied {
                    registry, detail, ..
                } => RequestError::fatal(Error::Unauthorized { registry, detail }),
                _ => failure,
            });
        }
        let body = read_body(registry, response, MAX_TOKEN_BYTES).await?;
        let failed = |detail: &str| {
            RequestError::fatal(Error::Failed {
                registry: registry.to_owned(),
                what: "signing in".into(),
                detail: detail.into(),
                retryable: false,
            })
        };
        // The parser's message could quote the token.
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| failed("its token server sent something that is no token"))?;
        let token = answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.expose().is_empty());
        let token = token.ok_or_else(|| failed("its token server sent no token"))?;
        let header = sensitive(&Secret::new(format!("Bearer {}", token.expose())))?;
        let lifetime = answer.expires_in.filter(|seconds| *seconds > 0);
        let lifetime = lifetime.map_or(DEFAULT_LIFETIME, |seconds| {
            Duration::from_secs(seconds.min(86_400))
        });
        // Early enough that a request that starts now still arrives in time.
        let renew_at = asked_at + lifetime - (lifetime / 4).min(Duration::from_secs(10));
        Ok(Token { header, renew_at })
    }
}
