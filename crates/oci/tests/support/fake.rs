//! A small registry in memory that can be told to misbehave.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use boxwright_files::Silent;
use boxwright_oci::registry::{Client, PulledSet};
use boxwright_oci::{Digest, ImageSet, Reference};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

/// What a rule does instead of the right thing.
#[derive(Debug, Clone)]
pub enum Mischief {
    /// Answers so, with these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Takes so many bytes of the body into the upload, then breaks the connection.
    BreakAfter(usize),
    /// Never answers.
    Hang,
    /// Does the right thing, with this status and these headers in the answer instead.
    Otherwise(Option<u16>, Vec<(&'static str, String)>),
    /// Sends only so many bytes of the blob, then breaks the connection.
    CutAt(usize),
}

/// A rule: for a method and a part of the path, used up after so many requests.
pub struct Rule(pub Method, pub &'static str, pub usize, pub Mischief);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub received: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Default)]
pub struct World {
    pub blobs: BTreeMap<String, Bytes>,
    pub manifests: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, Vec<u8>>,
    pub seen: Vec<Seen>,
    rules: VecDeque<Rule>,
    /// What `Authorization` has to be, and what a request without it is told.
    pub wanted: Option<(String, String)>,
}

#[derive(Clone)]
pub struct Fake {
    pub address: String,
    pub world: Arc<Mutex<World>>,
}

impl Fake {
    pub async fn start(rules: Vec<Rule>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let world = World {
            rules: rules.into(),
            ..World::default()
        };
        let fake = Self {
            address,
            world: Arc::new(Mutex::new(world)),
        };
        let app = Router::new()
            .fallback(respond)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub fn reference(&self) -> String {
        format!("{}/team/net:1", self.address)
    }

    /// The requests of a method whose path has `part` in it.
    pub fn seen(&self, method: Method, part: &str) -> Vec<Seen> {
        let world = self.world.lock().unwrap();
        let wanted = |seen: &&Seen| seen.method == method && seen.path.contains(part);
        world.seen.iter().filter(wanted).cloned().collect()
    }

    pub fn add(&self, rule: Rule) {
        self.world.lock().unwrap().rules.push_back(rule);
    }

    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.world
            .lock()
            .unwrap()
            .blobs
            .contains_key(&digest.to_string())
    }

    /// Uploads that were opened and neither finished nor ended.
    pub fn open_uploads(&self) -> usize {
        self.world.lock().unwrap().uploads.len()
    }

    fn rule(&self, method: &Method, path: &str) -> Option<Mischief> {
        let mut world = self.world.lock().unwrap();
        let at = world
            .rules
            .iter()
            .position(|rule| rule.0 == *method && path.contains(rule.1))?;
        let rule = &mut world.rules[at];
        rule.2 -= 1;
        let mischief = rule.3.clone();
        if rule.2 == 0 {
            world.rules.remove(at);
        }
        Some(mischief)
    }
}

/// An answer of this status and text.
pub fn answer(status: u16, text: &str) -> Mischief {
    Mischief::Answer(status, Vec::new(), text.to_owned())
}

/// The digest of the first layer.
pub fn model(set: &ImageSet) -> Digest {
    *set.images[0].layers[0].blob.digest()
}

/// Pulls [`Fake::reference`] into a folder that is gone afterwards.
pub async fn pull(client: &Client, fake: &Fake) -> boxwright_oci::Result<PulledSet> {
    let folder = tempfile::tempdir().unwrap();
    let reference: Reference = fake.reference().parse().unwrap();
    client
        .pull(
            &reference,
            folder.path(),
            None,
            &Silent,
            &CancellationToken::new(),
        )
        .await
}

fn plain(status: u16) -> Response {
    Response::builder()
        .status(status)
        .body(Body::empty())
        .unwrap()
}

/// Ends the connection: its task has nothing more to say.
fn break_off() -> ! {
    std::panic::resume_unwind(Box::new("the connection is broken on purpose"))
}

async fn respond(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let at = {
        let mut world = fake.world.lock().unwrap();
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        world.seen.push(Seen {
            method,
            path: path.clone(),
            headers,
            received: 0,
        });
        world.seen.len() - 1
    };
    if let Some(refusal) = unauthorized(&fake, &parts.headers, &path) {
        return refusal;
    }
    let mischief = fake.rule(&parts.method, &path);
    let limit = match &mischief {
        Some(Mischief::Hang) => std::future::pending().await,
        Some(Mischief::BreakAfter(limit)) => *limit,
        _ => usize::MAX,
    };
    let body = take(body, limit).await;
    fake.world.lock().unwrap().seen[at].received = body.len();
    if let Some(Mischief::Answer(status, headers, text)) = mischief {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        return response.body(Body::from(text)).unwrap();
    }
    let mut response = serve(
        &fake,
        &parts.method,
        &path,
        &parts.headers,
        body,
        limit < usize::MAX,
    );
    match mischief {
        Some(Mischief::BreakAfter(_)) => break_off(),
        Some(Mischief::Otherwise(status, headers)) => {
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            *response.status_mut() = status.unwrap_or(response.status());
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        Some(Mischief::CutAt(length)) => return cut(response, length).await,
        _ => {}
    }
    response
}

fn unauthorized(fake: &Fake, headers: &HeaderMap, path: &str) -> Option<Response> {
    let world = fake.world.lock().unwrap();
    let (wanted, challenge) = world.wanted.as_ref()?;
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    (!path.starts_with("/token") && given != Some(wanted.as_str())).then(|| {
        let response = Response::builder()
            .status(401)
            .header("www-authenticate", challenge);
        response
            .body(Body::from(
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#,
            ))
            .unwrap()
    })
}

async fn take(body: Body, limit: usize) -> Vec<u8> {
    let (mut stream, mut taken) = (body.into_data_stream(), Vec::new());
    while taken.len() < limit
        && let Some(Ok(piece)) = stream.next().await
    {
        taken.extend_from_slice(&piece);
    }
    taken.truncate(limit);
    taken
}

/// The head and the first bytes of `response`, and then the end of the connection.
async fn cut(response: Response, length: usize) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = take(body, usize::MAX).await;
    let start = Bytes::copy_from_slice(&bytes[..length]);
    let pieces = futures_util::stream::iter([Some(start), None]).then(|piece| async {
        // Lets the server send what it has before the connection ends.
        tokio::task::yield_now().await;
        piece.ok_or_else(|| std::io::Error::other("cut"))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

fn serve(
    fake: &Fake,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Vec<u8>,
    partial: bool,
) -> Response {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let world = &mut *fake.world.lock().unwrap();
    let rest = path.strip_prefix("/v2/").unwrap_or("");
    if let Some((_, id)) = rest.split_once("/blobs/uploads/") {
        return upload(world, method, path, id, query, headers, body, partial);
    }
    if let Some((_, digest)) = rest.split_once("/blobs/") {
        return blob(world.blobs.get(digest), headers);
    }
    if let Some((_, name)) = rest.split_once("/manifests/") {
        if method == Method::PUT {
            let digest = Digest::of(&body).to_string();
            world.manifests.insert(digest.clone(), body.clone().into());
            world.manifests.insert(name.to_owned(), body.into());
            let response = Response::builder()
                .status(201)
                .header("docker-content-digest", digest);
            return response.body(Body::empty()).unwrap();
        }
        return match world.manifests.get(name) {
            Some(bytes) => Response::builder()
                .header("docker-content-digest", Digest::of(bytes).to_string())
                .body(Body::from(bytes.clone()))
                .unwrap(),
            None => plain(404),
        };
    }
    plain(if path == "/v2/" { 200 } else { 404 })
}

fn blob(bytes: Option<&Bytes>, headers: &HeaderMap) -> Response {
    let Some(bytes) = bytes else {
        return plain(404);
    };
    let range = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let Some(start) = range.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')) else {
        return Response::new(Body::from(bytes.clone()));
    };
    let start: usize = start.parse().unwrap();
    let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
    let response = Response::builder()
        .status(206)
        .header(header::CONTENT_RANGE, range);
    response.body(Body::from(bytes.slice(start..))).unwrap()
}

#[allow(clippy::too_many_arguments, reason = "all that a request is made of")]
fn upload(
    world: &mut World,
    method: &Method,
    path: &str,
    id: &str,
    query: &str,
    headers: &HeaderMap,
    body: Vec<u8>,
    partial: bool,
) -> Response {
    if *method == Method::POST {
        let id = world.seen.len().to_string();
        world.uploads.insert(id.clone(), Vec::new());
        let response = Response::builder().status(202);
        let response = response.header(header::LOCATION, format!("{path}{id}"));
        return response.body(Body::empty()).unwrap();
    }
    let Some(content) = world.uploads.get_mut(id) else {
        return plain(404);
    };
    if let Some(range) = headers.get(header::CONTENT_RANGE) {
        let start = range.to_str().unwrap().split('-').next().unwrap();
        if start.parse() != Ok(content.len()) {
            return plain(416);
        }
    }
    content.extend_from_slice(&body);
    let range = format!("0-{}", content.len().saturating_sub(1));
    let answer = |status| {
        let response = Response::builder()
            .status(status)
            .header(header::LOCATION, path);
        response
            .header("range", range.clone())
            .body(Body::empty())
            .unwrap()
    };
    match *method {
        Method::PATCH => answer(202),
        Method::GET => answer(204),
        Method::DELETE => {
            world.uploads.remove(id);
            plain(204)
        }
        Method::PUT if partial => plain(500),
        _ => {
            let content = world.uploads.remove(id).unwrap();
            let digest = Digest::of(&content).to_string();
            if !query.contains(&digest.replace(':', "%3A")) {
                let text = r#"{"errors":[{"code":"DIGEST_INVALID","message":"not the digest"}]}"#;
                return Response::builder()
                    .status(400)
                    .body(Body::from(text))
                    .unwrap();
            }
            world.blobs.insert(digest, content.into());
            plain(StatusCode::CREATED.as_u16())
        }
    }
}
