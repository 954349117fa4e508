//! The sample package, the program, and a small HTTP client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use boxwright_model::Package;
use boxwright_model::prediction::ClassPrediction;
use serde_json::{Value, json};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_boxwright-serve");
/// No step here takes longer on any machine that is fit to build on.
pub const TIMEOUT: Duration = Duration::from_secs(60);
pub const PHOTOS: [&str; 5] = [
    "cat.jpg",
    "coffee.jpg",
    "flower.jpg",
    "motorcycle.jpg",
    "rocket.jpg",
];

/// The sample in a folder of its own, with the package file that belongs to it.
pub struct Sample {
    pub library: PathBuf,
    folder: tempfile::TempDir,
}

impl Sample {
    /// `None`, said aloud, where ONNX Runtime's library is not installed.
    pub fn find() -> Option<Self> {
        let sample = Self::empty()?;
        for file in ["model.onnx", "labels.txt"] {
            std::fs::copy(source().join(file), sample.folder.path().join(file)).unwrap();
        }
        let package = toml::to_string(&sample.package()).unwrap();
        std::fs::write(sample.package_file(), package).unwrap();
        Some(sample)
    }

    /// Another model in place of the sample, which takes and gives tensors.
    pub fn of_tensors(model: &[u8]) -> Option<Self> {
        let sample = Self::empty()?;
        std::fs::write(sample.folder.path().join("model.onnx"), model).unwrap();
        let package = toml::to_string(&json!({
            "format": 2,
            "package": { "name": "tiny", "version": "1.2" },
            "model": { "files": [{ "path": "model.onnx" }] },
            "input": [{ "name": "x", "kind": "tensor" }],
            "postprocess": { "task": "raw" },
        }));
        std::fs::write(sample.package_file(), package.unwrap()).unwrap();
        Some(sample)
    }

    fn empty() -> Option<Self> {
        let Some(library) = library() else {
            // Past the test harness, which would swallow it.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no libonnxruntime.so: name it with BOXWRIGHT_ONNXRUNTIME, or run `cargo xtask dist`"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        Some(Self { library, folder })
    }

    pub fn package_file(&self) -> PathBuf {
        self.folder.path().join("boxwright.toml")
    }

    pub fn package(&self) -> Package {
        serde_json::from_value(json!({
            "format": 2,
            "package": { "name": "efficientnet-lite0", "version": "0.0.1" },
            "model": { "files": [{ "path": "model.onnx" }] },
            "input": [{ "name": "images", "kind": "image", "width": 224, "height": 224 }],
            "preprocess": {
                "resize": "short-side", "size": 256, "filter": "bicubic", "crop": "center",
                "mean": [127.0, 127.0, 127.0], "std": [128.0, 128.0, 128.0],
            },
            "postprocess": { "task": "classification" },
            "labels": { "file": "labels.txt" },
        }))
        .unwrap()
    }
}

fn source() -> PathBuf {
    root().join("samples/efficientnet-lite0")
}

fn root() -> PathBuf {
    std::fs::canonicalize("../..").unwrap()
}

fn library() -> Option<PathBuf> {
    let named = std::env::var_os("BOXWRIGHT_ONNXRUNTIME").map(PathBuf::from);
    let home = std::env::var_os("BOXWRIGHT_HOME").map(PathBuf::from);
    let shares = home
        .into_iter()
        .chain([root().join("dist/share/boxwright")]);
    named
        .into_iter()
        .chain(shares.map(|share| share.join("lib/libonnxruntime.so")))
        .find(|path| path.is_file())
}

pub fn photo(name: &str) -> PathBuf {
    source().join("images").join(name)
}

pub fn photo_bytes(name: &str) -> Vec<u8> {
    std::fs::read(photo(name)).unwrap()
}

/// Holds `result` to what the notebook computed: the same order, scores within 0.002.
pub fn assert_is_reference(name: &str, result: &Value) {
    let text = std::fs::read_to_string(source().join("reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let classes = |result: &Value| -> Vec<ClassPrediction> {
        serde_json::from_value(result["classPredictions"].clone())
            .unwrap_or_else(|_| panic!("{name} has no classes: {result}"))
    };
    let (ours, theirs) = (classes(result), classes(&reference["images"][name]));
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.class, theirs.class, "{name}");
        assert!(
            (ours.score - theirs.score).abs() <= 0.002,
            "{name}: {ours:?} and {theirs:?}"
        );
    }
}

/// A running server; dropping it kills it.
pub struct Server {
    pub child: Child,
    pub port: u16,
    /// The log's lines before the server listened.
    pub said: Vec<String>,
    log: Receiver<String>,
}

impl Server {
    /// Starts the server on a free port with the sample, in an empty environment.
    pub fn with(sample: &Sample, more: &[(&str, &str)]) -> Self {
        let package = sample.package_file();
        let mut environment = vec![
            ("BOXWRIGHT_ONNXRUNTIME", sample.library.to_str().unwrap()),
            ("MODEL", package.to_str().unwrap()),
        ];
        environment.extend(more);
        let mut server = Self::start(&environment);
        server.wait_for("ready on");
        server
    }

    /// Starts the server on a free port, in exactly this environment.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .env("PORT", "0")
            .envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut server = Self {
            child,
            port: 0,
            said: Vec::new(),
            log,
        };
        let line = loop {
            let line = server.wait_for("");
            if line.contains("listening on http://") {
                break line;
            }
            server.said.push(line);
        };
        server.port = line
            .rsplit_once(':')
            .unwrap()
            .1
            .trim_end_matches(['"', '}'])
            .parse()
            .unwrap();
        server
    }

    /// The first further line of the log that holds `text`.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(TIMEOUT).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub fn get(&self, path: &str) -> Answer {
        ask(
            self.port,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"),
            b"",
        )
    }

    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> Answer {
        post(self.port, path, kind, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert!(
            self.head.contains("content-type: application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The message of an error, which has to be JSON with this one key.
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        assert_eq!(json.as_object().unwrap().len(), 1, "{self:?}");
        json["error"].as_str().unwrap().to_owned()
    }
}

pub fn post(port: u16, path: &str, kind: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
        body.len()
    );
    ask(port, &head, body)
}

/// Sends a request on a connection of its own; `head` lacks the empty line.
pub fn ask(port: u16, head: &str, body: &[u8]) -> Answer {
    let (status, head, body) = exchange(port, head, body);
    let body = String::from_utf8(body).unwrap();
    Answer { status, head, body }
}

/// As [`ask`], for an answer whose body is no text: the status, the head in lower case, the body.
pub fn exchange(port: u16, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
        .write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
        .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(end.expect("a head") + 4);
    let head = String::from_utf8(answer).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body)
}

pub const MULTIPART: &str = "multipart/form-data; boundary=frontier";

/// A multipart body of these parts.
pub fn multipart(parts: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{index}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    body
}
