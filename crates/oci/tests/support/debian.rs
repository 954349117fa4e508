//! Debian's registry, started for one test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Json, Router, routing};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// How the registry is set up.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Open,
    /// User `me`, password `secret`.
    Password,
    /// TLS, with a certificate that [`Registry::folder`] has as `cert.pem`.
    Tls,
    /// Bearer tokens, from a token server that knows user `me` with password `secret`.
    Token,
}

/// A running registry; it ends with the value.
pub struct Registry {
    pub address: String,
    pub folder: tempfile::TempDir,
    process: Child,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    /// Starts one; `None`, said aloud, where it is not installed.
    pub async fn start(kind: Kind) -> Option<Self> {
        for program in ["docker-registry", "openssl"] {
            if Command::new(program).arg("--help").output().is_err() {
                println!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.yml");
        std::fs::write(&config, configuration(kind, folder.path()).await).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let address = listening(&mut process);
        Some(Self {
            address,
            folder,
            process,
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits for the line that names the address.
fn listening(process: &mut Child) -> String {
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = lines.by_ref().find_map(|line| {
        let line = line.unwrap();
        let rest = &line[line.find("listening on ")? + "listening on ".len()..];
        Some(rest.split([',', '"', ' ']).next()?.to_owned())
    });
    std::thread::spawn(move || lines.for_each(drop));
    address.expect("the registry ended instead of listening")
}

async fn configuration(kind: Kind, folder: &Path) -> String {
    let mut text = format!(
        "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {0}/storage\n  \
         delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:0\n",
        folder.display()
    );
    let at = folder.display();
    match kind {
        Kind::Open => {}
        Kind::Password => {
            // The lowest cost: this hash guards nothing, and is checked at each request.
            let hash = bcrypt::hash("secret", 4).unwrap();
            std::fs::write(folder.join("htpasswd"), format!("me:{hash}\n")).unwrap();
            write!(
                text,
                "auth:\n  htpasswd:\n    realm: test\n    path: {at}/htpasswd\n"
            )
            .unwrap();
        }
        Kind::Tls => {
            certificate(folder);
            write!(
                text,
                "  tls:\n    certificate: {at}/cert.pem\n    key: {at}/key.pem\n"
            )
            .unwrap();
        }
        Kind::Token => {
            certificate(folder);
            let realm = token_server(folder).await;
            write!(
                text,
                "auth:\n  token:\n    realm: {realm}\n    service: test\n    issuer: test\n    \
                 rootcertbundle: {at}/cert.pem\n"
            )
            .unwrap();
        }
    }
    text
}

fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
        ])
        .args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key.pem",
        ])
        .args(["-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Serves tokens for the scopes that are asked for; its realm.
async fn token_server(folder: &Path) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let realm = format!("http://{}/token", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/token", routing::get(token))
        .with_state(Arc::new(folder.to_owned()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    realm
}

async fn token(
    State(folder): State<Arc<PathBuf>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> impl IntoResponse {
    let expected = format!("Basic {}", STANDARD.encode("me:secret"));
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != expected.as_str())
    {
        let body = serde_json::json!({"details": "incorrect username or password"});
        return (StatusCode::UNAUTHORIZED, Json(body));
    }
    let url = reqwest::Url::parse(&format!("http://x/?{}", query.unwrap_or_default())).unwrap();
    let access: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key == "scope")
        .map(|(_, scope)| {
            let parts: Vec<&str> = scope.split(':').collect();
            serde_json::json!({"type": parts[0], "name": parts[1],
                "actions": parts[2].split(',').collect::<Vec<_>>()})
        })
        .collect();
    (
        StatusCode::OK,
        Json(serde_json::json!({"token": signed(&folder, &access), "expires_in": 300})),
    )
}

fn signed(folder: &Path, access: &[serde_json::Value]) -> String {
    let pem = std::fs::read_to_string(folder.join("cert.pem")).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let head = serde_json::json!({"typ": "JWT", "alg": "RS256", "x5c": [der]});
    let claims = serde_json::json!({"iss": "test", "sub": "me", "aud": "test", "exp": now + 300,
        "nbf": now - 10, "iat": now, "jti": "1", "access": access});
    let [head, claims] = [head, claims].map(|json| URL_SAFE_NO_PAD.encode(json.to_string()));
    let text = format!("{head}.{claims}");
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), &text).unwrap();
    let run = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", "key.pem"])
        .arg(input.path())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(run.status.success());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(run.stdout))
}
