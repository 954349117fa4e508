//! A token server, as the distribution's token authentication describes it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::certificate::Authority;

/// A server that hands out tokens for name and password; it ends with this value.
#[derive(Debug)]
pub struct TokenServer {
    tokens: Arc<Tokens>,
    address: std::net::SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

/// One request for a token, as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The whole query.
    pub query: String,
    /// The Authorization header.
    pub authorization: Option<String>,
}

#[derive(Debug)]
struct Tokens {
    authority: Authority,
    user: String,
    password: String,
    seconds: u64,
    asked: Mutex<Vec<Asked>>,
}

impl TokenServer {
    /// A server at `host`, a loopback address, for one user. Its tokens are good for `seconds`.
    ///
    /// # Panics
    /// When it can't listen.
    pub fn start(host: Ipv4Addr, user: &str, password: &str, seconds: u64) -> Self {
        let tokens = Arc::new(Tokens {
            authority: Authority::new(),
            user: user.into(),
            password: password.into(),
            seconds,
            asked: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind((host, 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/token", get(token))
            .with_state(tokens.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            tokens,
            address,
            runtime: Some(runtime),
        }
    }

    /// Where tokens are asked for.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.host())
    }

    /// Its address and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The certificate that a registry trusts, in PEM.
    pub fn certificate(&self) -> String {
        self.tokens.authority.pem()
    }

    /// What was asked so far.
    ///
    /// # Panics
    /// After a panic of the server's.
    pub fn asked(&self) -> Vec<Asked> {
        self.tokens.asked.lock().unwrap().clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn token(
    State(tokens): State<Arc<Tokens>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let query = query.unwrap_or_default();
    let authorization = headers
        .get("authorization")
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let right = format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", tokens.user, tokens.password))
    );
    let known = authorization.as_ref().map(|given| *given == right);
    tokens.asked.lock().unwrap().push(Asked {
        query: query.clone(),
        authorization,
    });
    if known == Some(false) {
        let body =
            json!({"errors": [{"code": "UNAUTHORIZED", "message": "wrong name or password"}]});
        return (StatusCode::UNAUTHORIZED, Json(body));
    }
    let access = if known == Some(true) {
        granted(&query)
    } else {
        Vec::new()
    };
    let token = tokens.sign(&access);
    (
        StatusCode::OK,
        Json(json!({"token": token, "expires_in": tokens.seconds})),
    )
}

/// Everything that was asked for: `scope=repository:NAME:pull,push`, many of them.
fn granted(query: &str) -> Vec<Value> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let scopes = pairs
        .filter(|(key, _)| *key == "scope")
        .flat_map(|(_, value)| {
            decode(value)
                .split(' ')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
    let mut access: HashMap<(String, String), Vec<String>> = HashMap::new();
    for scope in scopes {
        if let Some((resource, actions)) = scope.rsplit_once(':')
            && let Some((kind, name)) = resource.split_once(':')
        {
            let actions = actions.split(',').map(str::to_owned);
            access
                .entry((kind.into(), name.into()))
                .or_default()
                .extend(actions);
        }
    }
    access
        .into_iter()
        .map(|((kind, name), actions)| json!({"type": kind, "name": name, "actions": actions}))
        .collect()
}

/// Percent-decodes a query's value.
fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Tokens {
    /// A JSON Web Token, signed with ES256, its certificate in the header.
    fn sign(&self, access: &[Value]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let header = json!({
            "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(self.authority.der())],
        });
        let claims = json!({
            "iss": "test", "sub": self.user, "aud": "test", "access": access,
            "iat": now, "nbf": now - 5, "exp": now + self.seconds, "jti": format!("{now}"),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let random = SystemRandom::new();
        let key = self.authority.key();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random).unwrap();
        let signature = key.sign(&random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
