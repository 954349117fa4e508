//! Sends inputs: over connections that are kept, by HTTP/1.1 and HTTP/2 without TLS, or as bytes.

use std::fmt;
use std::time::Duration;

use axum::http::{self, HeaderMap, HeaderValue};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::request::{Input, Request};

/// No input takes a server longer than this on any machine that is fit to build on.
const TIMEOUT: Duration = Duration::from_secs(20);

/// When nothing comes back for so long, a connection of bytes is closed on this side.
const ENOUGH: Duration = Duration::from_millis(500);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Also those of gRPC, where it answers with a head alone.
    pub trailers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not in time.
    Silent,
    /// The connection, or the stream, ended without a whole answer.
    Dropped(String),
    /// Nobody listens.
    Refused(String),
    /// An answer that should not be.
    Wrong(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => write!(f, "no answer within {} s", TIMEOUT.as_secs()),
            Self::Dropped(why) => write!(f, "dropped without an answer: {why}"),
            Self::Refused(why) => write!(f, "nobody listens any more: {why}"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// A client's connections to a server.
pub struct Client {
    port: u16,
    one: Option<http1::SendRequest<Full<Bytes>>>,
    two: Option<http2::SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn new(port: u16) -> Self {
        Self {
            port,
            one: None,
            two: None,
        }
    }

    /// Sends an input, and gives the answer; `None` where there need not be one, or where the
    /// protocol can't carry the input.
    pub async fn ask(&mut self, input: &Input, http_2: bool) -> Result<Option<Answer>, Fault> {
        let sent = async {
            match input {
                Input::Raw(bytes) => raw(self.port, bytes).await,
                Input::Http(request) => self.framed(request, http_2).await,
                Input::Grpc(request) => self.framed(request, true).await,
            }
        };
        let answer = tokio::time::timeout(TIMEOUT, sent).await;
        answer.unwrap_or_else(|_| {
            *self = Self::new(self.port);
            Err(Fault::Silent)
        })
    }

    async fn framed(&mut self, request: &Request, http_2: bool) -> Result<Option<Answer>, Fault> {
        // A connection that was kept may have ended meanwhile; a fresh one may not.
        if self.connected(http_2)
            && let Ok(answer) = self.send(request, http_2).await
        {
            return Ok(answer);
        }
        self.connect(http_2).await?;
        self.send(request, http_2).await
    }

    fn connected(&self, http_2: bool) -> bool {
        match http_2 {
            true => self.two.as_ref().is_some_and(|two| !two.is_closed()),
            false => self.one.as_ref().is_some_and(|one| !one.is_closed()),
        }
    }

    async fn connect(&mut self, http_2: bool) -> Result<(), Fault> {
        let refused = |error: std::io::Error| Fault::Refused(error.to_string());
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await;
        let stream = stream.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let stream = TokioIo::new(stream);
        let dropped =
            |error: hyper::Error| Fault::Dropped(format!("the handshake failed: {error:?}"));
        if http_2 {
            let (two, connection) = http2::handshake(TokioExecutor::new(), stream)
                .await
                .map_err(dropped)?;
            tokio::spawn(connection);
            self.two = Some(two);
        } else {
            let (one, connection) = http1::handshake(stream).await.map_err(dropped)?;
            tokio::spawn(connection);
            self.one = Some(one);
        }
        Ok(())
    }

    async fn send(&mut self, request: &Request, http_2: bool) -> Result<Option<Answer>, Fault> {
        let Some(request) = ready(request, http_2) else {
            return Ok(None);
        };
        let dropped = |error: hyper::Error| Fault::Dropped(format!("{error:?}"));
        let response = match (http_2, &mut self.one, &mut self.two) {
            (true, _, Some(two)) => {
                two.ready().await.map_err(dropped)?;
                two.send_request(request).await
            }
            (false, Some(one), _) => {
                one.ready().await.map_err(dropped)?;
                one.send_request(request).await
            }
            _ => return Ok(None),
        };
        let (head, body) = response.map_err(dropped)?.into_parts();
        let collected = body.collect().await.map_err(dropped)?;
        let trailers = collected.trailers().cloned();
        Ok(Some(Answer {
            status: head.status.as_u16(),
            trailers: trailers.unwrap_or_else(|| head.headers.clone()),
            headers: head.headers,
            body: collected.to_bytes().to_vec(),
        }))
    }
}

/// The request as the library sends it; `None` where it would not.
fn ready(request: &Request, http_2: bool) -> Option<http::Request<Full<Bytes>>> {
    let uri = match http_2 {
        true => format!("http://localhost{}", request.path),
        false => request.path.clone(),
    };
    let mut ready = http::Request::builder()
        .method(request.method.as_str())
        .uri(uri);
    if !http_2 {
        ready = ready.header("host", "localhost");
    }
    for (name, value) in &request.headers {
        // Anything else would be no request of HTTP/2 (RFC 9113, 8.2.2).
        if http_2 && name.eq_ignore_ascii_case("te") && value != b"trailers" {
            return None;
        }
        ready = ready.header(name, HeaderValue::from_bytes(value).ok()?);
    }
    ready.body(Full::from(request.body.clone())).ok()
}

async fn raw(port: u16, bytes: &[u8]) -> Result<Option<Answer>, Fault> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.map_err(|error| Fault::Refused(error.to_string()))?;
    let mut answer = Vec::new();
    let (mut reader, mut writer) = stream.split();
    let read = async {
        // A server that has read enough may hang up while more comes.
        let _ = reader.read_to_end(&mut answer).await;
    };
    let write = async {
        let _ = writer.write_all(bytes).await;
        // Whoever still waits then waits for more.
        tokio::time::sleep(ENOUGH).await;
        let _ = writer.shutdown().await;
    };
    tokio::pin!(read, write);
    tokio::select! {
        () = &mut read => {}
        () = &mut write => read.await,
    }
    let text = String::from_utf8_lossy(&answer);
    let Some(status) = text
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok())
    else {
        return Ok(None);
    };
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(Some(Answer {
        status,
        headers: HeaderMap::new(),
        trailers: HeaderMap::new(),
        body: body.into(),
    }))
}
