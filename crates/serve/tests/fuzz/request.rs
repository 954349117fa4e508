//! What is sent, and how the corpus keeps it.

use std::path::{Path, PathBuf};

/// A request that its protocol frames: a head of text, and a body. In the corpus the head's lines
/// end with a line feed, and an empty one ends the head; what frames the request is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Over HTTP/1.1 or HTTP/2.
    Http(Request),
    /// Over HTTP/2; the body is messages of gRPC, each after its flag and its length.
    Grpc(Request),
    /// Bytes on a connection of HTTP/1.1, after which nothing more comes.
    Raw(Vec<u8>),
}

/// An input of the corpus, and the status that it has to get: of HTTP by number, of gRPC by name,
/// and `none` where the connection just ends.
#[derive(Debug, Clone)]
pub struct Seed {
    pub file: PathBuf,
    pub expected: String,
    pub input: Input,
}

impl Request {
    fn parse(file: &[u8]) -> Option<Self> {
        let end = file.windows(2).position(|pair| pair == b"\n\n")?;
        let mut lines = file[..end].split(|byte| *byte == b'\n');
        let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let header = |line: &[u8]| {
            let colon = line.windows(2).position(|pair| pair == b": ")?;
            let name = String::from_utf8(line[..colon].to_vec()).ok()?;
            Some((name, line[colon + 2..].to_vec()))
        };
        Some(Self {
            method: method.into(),
            path: path.into(),
            headers: lines.map(header).collect::<Option<_>>()?,
            body: file[end + 2..].to_vec(),
        })
    }

    fn file(&self) -> Vec<u8> {
        let mut file = format!("{} {}\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            file.extend([name.as_bytes(), b": ", value, b"\n"].concat());
        }
        file.push(b'\n');
        file.extend(&self.body);
        file
    }

    /// As HTTP/1.1 has it, on a connection that ends with the answer.
    pub fn on_wire(&self) -> Vec<u8> {
        let Self { method, path, .. } = self;
        let mut wire = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
        for (name, value) in &self.headers {
            wire.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let length = self.body.len();
        wire.extend(format!("Connection: close\r\nContent-Length: {length}\r\n\r\n").into_bytes());
        wire.extend(&self.body);
        wire
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| &value[..])
    }

    /// Puts a header in the place of others of its name.
    pub fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
    }
}

impl Input {
    /// What its protocol frames.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Http(request) | Self::Grpc(request) => Some(request),
            Self::Raw(_) => None,
        }
    }

    /// How its file in the corpus ends.
    pub fn extension(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Grpc(_) => "grpc",
            Self::Raw(_) => "raw",
        }
    }

    /// Its file in the corpus.
    pub fn file(&self) -> Vec<u8> {
        match self {
            Self::Http(request) | Self::Grpc(request) => request.file(),
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

/// The corpus for a package, by file name; only files with one of these extensions.
pub fn corpus(package: &str, extensions: &[&str]) -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(package);
    let mut seeds: Vec<Seed> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|file| {
            extensions
                .iter()
                .any(|kind| file.extension() == Some(kind.as_ref()))
        })
        .map(seed)
        .collect();
    assert!(
        !seeds.is_empty(),
        "{} has no {extensions:?}",
        folder.display()
    );
    seeds.sort_by(|one, other| one.file.cmp(&other.file));
    seeds
}

fn seed(file: PathBuf) -> Seed {
    let bytes = std::fs::read(&file).unwrap();
    let request =
        || Request::parse(&bytes).unwrap_or_else(|| panic!("{} is no request", file.display()));
    let input = match file.extension().and_then(|kind| kind.to_str()) {
        Some("http") => Input::Http(request()),
        Some("grpc") => Input::Grpc(request()),
        _ => Input::Raw(bytes),
    };
    let name = file.file_name().unwrap().to_str().unwrap();
    let expected = name.split('-').next().unwrap().to_owned();
    Seed {
        file,
        expected,
        input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_from_its_file() {
        let request = Request {
            method: "POST".into(),
            path: "/predict".into(),
            headers: vec![("X-Odd".into(), vec![b'a', 0xff]), ("Empty".into(), vec![])],
            body: b"\n\nbody\n\n".to_vec(),
        };
        assert_eq!(Request::parse(&request.file()).unwrap(), request);
    }
}
