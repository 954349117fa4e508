//! The worker's session: the loaded package, and the answers to requests.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use boxwright_model::prediction::{SampleError, Timing};
use boxwright_model::{LoadedPackage, Outcome, Package};
use boxwright_predict::{BatchSize, Error, Options, Prediction, Predictor, Source};
use boxwright_worker::message::{TensorBytes, slice};
use boxwright_worker::{FromWorker, Item, ToWorker, Want};
use bytes::Bytes;

use super::recipe::{self, Question};

/// Sends a message and its body.
pub type SendMessage<'a> = dyn Fn(FromWorker, Vec<u8>) + Sync + 'a;

/// The only session of a worker.
pub struct Session {
    library: PathBuf,
    loaded: Option<Loaded>,
}

struct Loaded {
    predictor: Predictor,
    options: Options,
    batch_size: usize,
    /// Whether the last `load` succeeded. Where it failed, the predictor is kept for the next `load`, but
    /// predicts nothing.
    current: bool,
}

impl Session {
    /// A session without a package.
    pub fn new(library: PathBuf) -> Self {
        Self {
            library,
            loaded: None,
        }
    }

    /// Answers a request; `send` takes the messages before the answer itself.
    pub fn answer(
        &mut self,
        message: ToWorker,
        body: &Bytes,
        cancel: &AtomicBool,
        send: &SendMessage<'_>,
    ) -> FromWorker {
        match message {
            ToWorker::Load {
                package,
                inline,
                device,
                threads,
                max_pixels,
            } => {
                let max_pixels = max_pixels.unwrap_or(Options::MAX_PIXELS);
                let options = Options {
                    library: self.library.clone(),
                    device,
                    threads,
                    max_pixels,
                };
                let package = open(Path::new(&package), inline);
                match package.and_then(|package| self.load(package, options)) {
                    Ok(predictor) => describe(predictor),
                    Err(error) => failure(&error),
                }
            }
            ToWorker::Predict {
                items,
                want,
                batch_size,
            } => self.predict(items, body, &want, batch_size, cancel, send),
            ToWorker::Match {
                photos,
                evidence,
                files,
                layout,
                max_pixels,
            } => {
                let question = Question {
                    photos,
                    evidence,
                    files,
                    layout,
                    max_pixels: max_pixels.unwrap_or(Options::MAX_PIXELS),
                };
                let predictor = self.loaded.as_ref().filter(|loaded| loaded.current);
                let predictor = predictor.map(|loaded| &loaded.predictor);
                match recipe::answer(&question, predictor, body, cancel) {
                    Ok((message, body)) => {
                        send(message, body);
                        FromWorker::Done {
                            timing: Timing::default(),
                            cancelled: false,
                        }
                    }
                    Err(error) => failure(&error),
                }
            }
            ToWorker::Cancel | ToWorker::Shutdown => internal(
                "this request has no answer",
                "This is a fault of Boxwright.",
            ),
        }
    }

    fn load(&mut self, package: LoadedPackage, options: Options) -> Result<&Predictor, Error> {
        let batch_size = package.package.batch.max_size;
        // A predictor that can't be reused is dropped first, so that its memory is free for the next one.
        let reusable = self
            .loaded
            .take()
            .filter(|loaded| loaded.has_options(&options) && loaded.predictor.serves(&package));
        let predictor = match &reusable {
            Some(loaded) => loaded.predictor.with_pipeline(package),
            None => Predictor::load(package, &options),
        };
        match predictor {
            Ok(predictor) => {
                let loaded = Loaded {
                    predictor,
                    options,
                    batch_size,
                    current: true,
                };
                Ok(&self.loaded.insert(loaded).predictor)
            }
            Err(error) => {
                self.loaded = reusable.map(|loaded| Loaded {
                    current: false,
                    ..loaded
                });
                Err(error)
            }
        }
    }

    fn predict(
        &self,
        items: Vec<Item>,
        body: &Bytes,
        want: &Want,
        batch_size: Option<usize>,
        cancel: &AtomicBool,
        send: &SendMessage<'_>,
    ) -> FromWorker {
        let Some(loaded) = self.loaded.as_ref().filter(|loaded| loaded.current) else {
            return internal("no package is loaded", "Send `load` before `predict`.");
        };
        let (ids, samples) = sources(items, body, send);
        let want = boxwright_predict::Want {
            top_k: want.top_k,
            thumbnail: want.thumbnail,
            tensor: want.tensor,
            picture_only: want.picture_only,
            keep: want.keep,
        };
        let batch_size = match batch_size {
            Some(size) => BatchSize::Exactly(size),
            None => BatchSize::AtMost(loaded.batch_size),
        };
        let answered: Vec<AtomicBool> = ids.iter().map(|_| AtomicBool::new(false)).collect();
        let each = |index: usize, prediction| {
            answered[index].store(true, Ordering::Relaxed);
            let (message, body) = encode(ids[index], prediction);
            send(message, body);
        };
        let timing = loaded
            .predictor
            .predict_many(samples, &want, batch_size, cancel, &each);
        let cancelled = cancel.load(Ordering::Relaxed);
        for (id, answered) in ids.into_iter().zip(answered) {
            // The samples of a thread that panicked have no answer.
            if !cancelled && !answered.into_inner() {
                let message = "predicting this sample failed inside; the log says where";
                send(sample_error(id, "Internal", message.into()), Vec::new());
            }
        }
        FromWorker::Done { timing, cancelled }
    }
}

impl Loaded {
    /// Whether these options are those that it was loaded with.
    fn has_options(&self, options: &Options) -> bool {
        let relevant = |options: &Options| (options.device, options.threads, options.max_pixels);
        relevant(&self.options) == relevant(options)
    }
}

fn open(path: &Path, inline: Option<Box<Package>>) -> Result<LoadedPackage, Error> {
    Ok(match inline {
        Some(package) => {
            let root = if path.is_dir() {
                path
            } else {
                path.parent().unwrap_or(path)
            };
            LoadedPackage::from_parts(*package, root)?
        }
        None => crate::package::open(path)?,
    })
}

fn describe(predictor: &Predictor) -> FromWorker {
    FromWorker::Loaded {
        device: predictor.device().clone(),
        reason: predictor.device().reason.clone(),
        signature: predictor.signature().clone(),
        model_digest: predictor.model_digest().to_owned(),
        load_ms: predictor.load_ms(),
    }
}

/// The samples that can be read, with their ids; the errors of the others are sent.
fn sources(items: Vec<Item>, body: &Bytes, send: &SendMessage<'_>) -> (Vec<u64>, Vec<Source>) {
    let (mut ids, mut sources) = (Vec::new(), Vec::new());
    for item in items {
        match source(&item, body) {
            Ok(source) => {
                ids.push(item.id);
                sources.push(source);
            }
            Err(message) => {
                send(
                    sample_error(item.id, "SampleUnreadable", message),
                    Vec::new(),
                );
            }
        }
    }
    (ids, sources)
}

fn source(item: &Item, body: &Bytes) -> Result<Source, String> {
    match (&item.path, item.bytes) {
        (Some(path), None) => Ok(Source::Path(path.into())),
        (None, Some(span)) => slice(body, span).map(Source::Bytes).ok_or_else(|| {
            format!(
                "the sample's bytes {span:?} lie outside the {} that were sent",
                body.len()
            )
        }),
        _ => Err("a sample is named by a path or by its bytes: one of the two".into()),
    }
}

fn sample_error(sample: u64, code: &str, message: String) -> FromWorker {
    let code = code.into();
    FromWorker::Result {
        sample,
        outcome: Outcome::Error(SampleError { code, message }),
        picture: None,
        details: None,
        thumbnail: None,
        tensors: BTreeMap::new(),
    }
}

/// A result as a message, and its body: the thumbnail and the tensors, one after the other.
fn encode(sample: u64, prediction: Prediction) -> (FromWorker, Vec<u8>) {
    let Prediction {
        outcome,
        picture,
        details,
        thumbnail,
        tensors,
    } = prediction;
    let mut body = Vec::new();
    let mut add = |bytes: &[u8]| {
        let offset = body.len() as u64;
        body.extend_from_slice(bytes);
        [offset, bytes.len() as u64]
    };
    let thumbnail = thumbnail.map(|jpeg| add(&jpeg));
    let tensors = tensors
        .into_iter()
        .map(|tensor| {
            let bytes = TensorBytes {
                shape: tensor.shape,
                datatype: tensor.datatype,
                bytes: add(&tensor.data),
            };
            (tensor.name, bytes)
        })
        .collect();
    (
        FromWorker::Result {
            sample,
            outcome,
            picture,
            details,
            thumbnail,
            tensors,
        },
        body,
    )
}

/// An error as the answer to a request.
pub fn failure(error: &Error) -> FromWorker {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source())
        .map(ToString::to_string)
        .collect();
    FromWorker::Error {
        code: error.code().into(),
        message: error.to_string(),
        hint: error.hint(),
        causes,
        retryable: false,
    }
}

/// An error that the input did not cause.
pub fn internal(message: impl Into<String>, hint: &str) -> FromWorker {
    FromWorker::Error {
        code: "Internal".into(),
        message: message.into(),
        hint: hint.into(),
        causes: Vec::new(),
        retryable: false,
    }
}
