//! What the registry's tests share: images to send, a place to see progress, servers to talk to.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boxwright_files::{Level, Progress, Silent};
use boxwright_oci::registry::{Client, ClientOptions, Credentials, Pushed, Retry};
use boxwright_oci::{
    FileSource, Image, ImageConfig, ImageSet, Layer, Platform, Process, Reference, Result, TarPlan,
};
use tokio_util::sync::CancellationToken;

pub mod debian;
pub mod fake;

/// `len` bytes that don't repeat and don't compress.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A layer that holds one file.
pub fn layer(path: &str, content: Vec<u8>) -> Layer {
    file_layer(path, FileSource::Bytes(content.into()))
}

/// A layer that holds one file, from wherever it is.
pub fn file_layer(path: &str, source: FileSource) -> Layer {
    let plan = TarPlan::builder()
        .mtime(0)
        .file(path, source, 0o644)
        .finish()
        .unwrap();
    Layer::tar(plan, path, None, &Silent, &CancellationToken::new()).unwrap()
}

/// One image of these layers.
pub fn image(architecture: &str, layers: Vec<Layer>) -> Image {
    let platform = Platform::linux(architecture);
    let config = ImageConfig::new(&platform, Process::default());
    Image::new(platform, config, layers, BTreeMap::new())
}

/// Two platforms that share a model of `len` bytes.
pub fn both_platforms(seed: u64, len: usize) -> ImageSet {
    let model = layer("model/model.onnx", noise(seed, len));
    let images = ["amd64", "arm64"].map(|architecture| {
        let runtime = layer(
            "opt/program",
            noise(seed + 1 + architecture.len() as u64, 5000),
        );
        let own = layer("arch", architecture.into());
        image(architecture, vec![own, runtime, model.clone()])
    });
    ImageSet::new(images.to_vec(), BTreeMap::new())
}

/// One image of one layer of `len` bytes.
pub fn one_layer(seed: u64, len: usize) -> ImageSet {
    let layers = vec![layer("model/model.onnx", noise(seed, len))];
    ImageSet::new(vec![image("amd64", layers)], BTreeMap::new())
}

/// Options whose pauses don't keep a test waiting.
pub fn options() -> ClientOptions {
    let retry = Retry {
        first_pause: Duration::from_millis(1),
        ..Retry::default()
    };
    ClientOptions {
        retry,
        ..ClientOptions::default()
    }
}

/// A client that signs in as `me` with `password`.
pub fn client_of(password: &str) -> Client {
    let credentials = Arc::new(Credentials::new("me", password.to_owned()));
    Client::new(ClientOptions {
        credentials,
        ..options()
    })
    .unwrap()
}

pub fn anonymous() -> Client {
    Client::new(options()).unwrap()
}

pub async fn push(client: &Client, set: &ImageSet, to: &str) -> Result<Pushed> {
    let to: Reference = to.parse().unwrap();
    client
        .push(set, &to, &Silent, &CancellationToken::new())
        .await
}

/// Keeps what progress is told.
#[derive(Default)]
pub struct Recorder {
    pub events: Mutex<Vec<Event>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Bytes {
        item: String,
        done: u64,
        total: Option<u64>,
    },
    Reused {
        item: String,
        total: u64,
    },
}

impl Progress for Recorder {
    fn bytes(&self, _: &str, item: &str, done: u64, total: Option<u64>) {
        let item = item.to_owned();
        self.events
            .lock()
            .unwrap()
            .push(Event::Bytes { item, done, total });
    }

    fn reused(&self, _: &str, item: &str, total: u64) {
        self.events.lock().unwrap().push(Event::Reused {
            item: item.to_owned(),
            total,
        });
    }

    fn log(&self, _: Level, _: &str) {}
}
