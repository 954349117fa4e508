//! The crate's door: a package, ready to predict.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use boxwright_files::FileStamp;
use boxwright_model::package::{hash_files, model_digest};
use boxwright_model::pipeline::Task;
use boxwright_model::prediction::{DeviceUsed, Timing};
use boxwright_model::{Device, DeviceKind, LoadedPackage};
use boxwright_tensor::{BatchAxis, Signature};
use bytes::Bytes;

use crate::batch_size::{BatchSize, BatchTimes};
use crate::concurrency::{Concurrency, MultiThreadedSession, affords_second_session, threads};
use crate::device::Session;
use crate::error::{Error, Result};
use crate::machine::processor;
use crate::output_cache::OutputCache;
use crate::pipeline::{Kind, Pipeline};
use crate::prediction::{Prediction, Want};
use crate::scratch::{Run, Sample, Scratch};

/// How a package is loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// ONNX Runtime's shared library. A process loads one; another is refused.
    pub library: PathBuf,
    /// What is asked for.
    pub device: Device,
    /// Threads that predict; 0 for one a core, by the control group's quota.
    pub threads: usize,
    /// Most pixels that a picture may have; judged from its header, before it is decoded. Every
    /// thread may hold one such picture, at 3 bytes a pixel and about as much again while it is
    /// decoded or turned.
    pub max_pixels: u64,
}

impl Options {
    /// The default limit on a picture's pixels: 100 million.
    pub const MAX_PIXELS: u64 = 100_000_000;

    /// `auto`, a thread a core, 100 million pixels.
    pub fn new(library: impl Into<PathBuf>) -> Self {
        Self {
            library: library.into(),
            device: Device::Auto,
            threads: 0,
            max_pixels: Self::MAX_PIXELS,
        }
    }
}

/// Where a sample's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, read when its turn comes.
    Path(PathBuf),
    /// The encoded sample.
    Bytes(Bytes),
}

/// The model, loaded once for all pipelines around it.
pub(crate) struct Loaded {
    pub session: Session,
    /// For runs that have the machine for themselves, where that was found to be faster.
    pub multi_threaded: OnceLock<MultiThreadedSession>,
    pub batch_axis: BatchAxis,
    device: DeviceUsed,
    digest: String,
    /// SHA-256 of each file.
    hashes: Vec<String>,
    load_ms: f64,
    batch_times: BatchTimes,
    pub files: Vec<FileStamp>,
    pub max_pixels: u64,
    pub threads: usize,
}

/// A package on a device: the model's session, shared by all threads, and the pipeline around it.
pub struct Predictor {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) pipeline: Pipeline,
    alone: AtomicBool,
    cache: Arc<OutputCache>,
    /// The buffers that no thread uses.
    scratch: Mutex<Vec<Scratch>>,
}

impl Predictor {
    /// Loads the library, the model and the pipeline.
    ///
    /// # Errors
    /// [`Error::Library`], [`Error::Device`], [`Error::Model`] and [`Error::Read`] for what can't
    /// be loaded, [`Error::Package`] and [`Error::Unsupported`] for a pipeline that doesn't fit, or
    /// a file that is not the one that the package was saved with.
    pub fn load(package: LoadedPackage, options: &Options) -> Result<Self> {
        Ok(Self::with_second_session(package, options, false)?.0)
    }

    /// Loads the library, the model and the pipeline, runs the model once on zeros, and measures how
    /// runs should share the cores.
    ///
    /// # Errors
    /// Those of [`Predictor::load`], and [`Error::Run`] where a model of pictures fails on zeros.
    pub fn load_to_serve(package: LoadedPackage, options: &Options) -> Result<(Self, Concurrency)> {
        let (predictor, multi_threaded) = Self::with_second_session(package, options, true)?;
        predictor.warm_up()?;
        let concurrency = predictor.tune(multi_threaded);
        Ok((predictor, concurrency))
    }

    /// Also loads a session of all threads where that is `wanted`, and useful, and its memory there.
    fn with_second_session(
        package: LoadedPackage,
        options: &Options,
        wanted: bool,
    ) -> Result<(Self, Option<Session>)> {
        let device = device(options.device)?;
        let threads = threads(options.threads);
        let model = package.files.first().ok_or_else(|| Error::Package {
            reason: "model.files is empty".into(),
            hint: "Name the model file in model.files.".into(),
        })?;
        let files = stamps(&package)?;
        let started = Instant::now();
        let load = |threads| Session::load(&options.library, model, threads);
        let (session, multi_threaded, hashes) = std::thread::scope(|scope| {
            let hashes = scope.spawn(|| hash_files(&package.files, &mut |_| {}));
            let multi_threaded = (wanted && affords_second_session(threads, &files))
                .then(|| scope.spawn(move || load(threads)));
            let session = load(1);
            (
                session,
                multi_threaded.map(ScopedJoinHandle::join),
                hashes.join(),
            )
        });
        let load_ms = started.elapsed().as_secs_f64() * 1000.0;
        let hashes = hashes.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        // Says more of a damaged file than that it can't be loaded.
        package.check_hashes(&hashes)?;
        let session = session?;
        // Where it can't be had, the other one serves.
        let multi_threaded = multi_threaded.and_then(|joined| joined.ok()?.ok());
        let pipeline = Pipeline::new(&package, &session.signature, options.max_pixels)?;
        let loaded = Loaded {
            multi_threaded: OnceLock::new(),
            batch_axis: BatchAxis::of_signature(
                &session.signature,
                matches!(pipeline.kind, Kind::Image(_)),
            ),
            session,
            device,
            digest: digest(&package, &hashes),
            hashes,
            load_ms,
            batch_times: BatchTimes::default(),
            files,
            max_pixels: options.max_pixels,
            threads,
        };
        let cache = Arc::default();
        Ok((
            Self::around(Arc::new(loaded), pipeline, cache),
            multi_threaded,
        ))
    }

    /// Another pipeline around the same model files; shares the session, and the outputs that were
    /// kept where the pipeline only makes something else of them.
    ///
    /// # Errors
    /// [`Error::Package`] where the files are others, or have changed since they were loaded
    /// (then load anew), or where the pipeline doesn't fit the model.
    pub fn with_pipeline(&self, package: LoadedPackage) -> Result<Self> {
        if !self.serves(&package) {
            return Err(Error::Package {
                reason: "its model files are not the ones that are loaded".into(),
                hint: "Load the package anew.".into(),
            });
        }
        package.check_hashes(&self.loaded.hashes)?;
        let signature = &self.loaded.session.signature;
        let pipeline = Pipeline::new(&package, signature, self.loaded.max_pixels)?;
        let cache = match pipeline.runs_like(&self.pipeline) {
            true => Arc::clone(&self.cache),
            false => Arc::default(),
        };
        Ok(Self::around(Arc::clone(&self.loaded), pipeline, cache))
    }

    /// Whether the package's model files are the ones that are loaded, unchanged.
    pub fn serves(&self, package: &LoadedPackage) -> bool {
        stamps(package).is_ok_and(|files| files == self.loaded.files)
    }

    fn around(loaded: Arc<Loaded>, pipeline: Pipeline, cache: Arc<OutputCache>) -> Self {
        // Rows of several pictures could not be told apart.
        let alone = pipeline.has_rows_alone(&loaded.session.signature);
        Self {
            loaded,
            pipeline,
            alone: AtomicBool::new(alone),
            cache,
            scratch: Mutex::default(),
        }
    }

    /// The device that runs the model.
    pub fn device(&self) -> &DeviceUsed {
        &self.loaded.device
    }

    /// What the model takes and gives, as ONNX Runtime sees it.
    pub fn signature(&self) -> &Signature {
        &self.loaded.session.signature
    }

    /// What the model's outputs mean.
    pub fn task(&self) -> &Task {
        &self.pipeline.task
    }

    /// Digest of the model's files, `sha256:…`.
    pub fn model_digest(&self) -> &str {
        &self.loaded.digest
    }

    /// Time to read the model and create the session, in milliseconds.
    pub fn load_ms(&self) -> f64 {
        self.loaded.load_ms
    }

    /// Predicts samples on all threads. `each` gets every sample's index and prediction as they
    /// come, from several threads at once; after `cancel` is set, no further sample is begun.
    ///
    /// Every thread takes the next few samples, decodes and preprocesses them into a batch, runs
    /// it, and hands out the results: so all stages overlap, and no core waits for another.
    pub fn predict_many(
        &self,
        samples: Vec<Source>,
        want: &Want,
        batch_size: BatchSize,
        cancel: &AtomicBool,
        each: &(dyn Fn(usize, Prediction) + Sync),
    ) -> Timing {
        let started = Instant::now();
        let samples: Vec<Sample<'_>> = samples.iter().map(Source::borrow).collect();
        let threads = self.loaded.threads.min(samples.len()).max(1);
        let (next, done) = (Mutex::new(0), AtomicUsize::new(0));
        let counted = |index: usize, prediction: Prediction| {
            done.fetch_add(1, Ordering::Relaxed);
            each(index, prediction);
        };
        let work = || {
            let mut scratch = self.scratch();
            // One thread a run: parallelism comes from running several batches at once, which
            // overlaps with decoding and needs no hand-over inside the operators.
            let run = self.run(&self.loaded.session, want, cancel, &counted);
            while let Some(range) = self.take(&next, samples.len(), threads, batch_size)
                && !cancel.load(Ordering::Relaxed)
            {
                scratch.run(run, range.start, &samples[range]);
            }
            let timing = std::mem::take(&mut scratch.timing);
            self.give_back(scratch);
            timing
        };
        let all = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut all = vec![work()];
            all.extend(others.into_iter().filter_map(|other| other.join().ok()));
            all
        });
        let wall = started.elapsed().as_secs_f64();
        let sum = |part: fn(&Timing) -> f64| all.iter().map(part).sum();
        Timing {
            load_ms: self.loaded.load_ms,
            decode_ms: sum(|timing| timing.decode_ms),
            preprocess_ms: sum(|timing| timing.preprocess_ms),
            infer_ms: sum(|timing| timing.infer_ms),
            postprocess_ms: sum(|timing| timing.postprocess_ms),
            wall_ms: wall * 1000.0,
            images_per_second: done.into_inner() as f64 / wall.max(1e-9),
        }
    }

    /// The next samples for a thread: batches while there is much left, fewer towards the end,
    /// so that all threads end together.
    fn take(
        &self,
        next: &Mutex<usize>,
        count: usize,
        threads: usize,
        batch_size: BatchSize,
    ) -> Option<Range<usize>> {
        let most = self.most_together(batch_size.most());
        let most = self.loaded.batch_times.choose(batch_size, most);
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        let left = count - *next;
        let share = left.div_ceil(2 * threads).min(most);
        let range = *next..*next + share;
        *next += share;
        (share > 0).then_some(range)
    }

    /// The most samples to run together where `wanted` would be.
    pub fn most_together(&self, wanted: usize) -> usize {
        self.pipeline
            .most_together(wanted, self.alone.load(Ordering::Relaxed))
    }

    pub(crate) fn run<'a>(
        &'a self,
        session: &'a Session,
        want: &'a Want,
        cancel: &'a AtomicBool,
        each: &'a (dyn Fn(usize, Prediction) + Sync),
    ) -> Run<'a> {
        Run {
            session,
            pipeline: &self.pipeline,
            alone: &self.alone,
            batch_times: &self.loaded.batch_times,
            cache: want.keep.then_some(&*self.cache),
            want,
            cancel,
            each,
        }
    }

    /// Buffers for the calling thread.
    pub(crate) fn scratch(&self) -> Scratch {
        let free = self.free_scratch().pop();
        free.unwrap_or_else(|| Scratch::new(self.loaded.max_pixels))
    }

    /// Keeps buffers for the next call.
    pub(crate) fn give_back(&self, mut scratch: Scratch) {
        scratch.trim();
        self.free_scratch().push(scratch);
    }

    fn free_scratch(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn borrow(&self) -> Sample<'_> {
        match self {
            Self::Path(path) => Sample::Path(path),
            Self::Bytes(bytes) => Sample::Bytes(bytes),
        }
    }
}

fn digest(package: &LoadedPackage, hashes: &[String]) -> String {
    let files = package.package.model.files.iter().zip(hashes);
    let listed: Vec<(String, String)> = files
        .map(|(file, hash)| (file.path.clone(), hash.clone()))
        .collect();
    model_digest(&listed)
}

fn stamps(package: &LoadedPackage) -> Result<Vec<FileStamp>> {
    let stamp = |path: &PathBuf| {
        let read = |error| boxwright_model::Error::io(path, "read", error);
        Ok(FileStamp::of(path).map_err(read)?)
    };
    package.files.iter().map(stamp).collect()
}

/// The only device so far, by its own name.
fn device(asked: Device) -> Result<DeviceUsed> {
    let reason = match asked {
        Device::CPU => "It was asked for.",
        Device::Auto => "No GPU runtime is installed.",
        Device::Of(..) => {
            return Err(Error::Device {
                device: asked,
                reason: "its runtime is not installed".into(),
            });
        }
    };
    Ok(DeviceUsed {
        kind: DeviceKind::Cpu,
        name: processor(),
        reason: reason.into(),
    })
}
