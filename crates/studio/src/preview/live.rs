//! The window's preview: a task that keeps one worker warm and does what the samples' state says
//! is left to do. Whatever changes that state wakes it; it then stops what it does and looks anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_build::DataDir;
use boxwright_model::package::Task;
use boxwright_model::prediction::{DeviceUsed, Timing};
use boxwright_model::{LoadedPackage, Outcome};
use boxwright_worker::{FromWorkerResult, Loaded, Want, Worker};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::engine::{Engine, RunOptions, Travel, next_batch, outcome};
use super::samples::{Result as SampleDone, Work};
use crate::failure::{Code, Failure};
use crate::samples::SampleFile;

/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 320;
/// The longer side of a large picture, in pixels.
const LARGE: u32 = 1600;
/// How often results go out.
const TICK: Duration = Duration::from_millis(200);

/// What the task asks of the window's state, and tells it.
pub trait Keeper: Send + Sync + 'static {
    /// What is left to do; `None` when no run is on.
    fn work(&self) -> Option<ToDo>;
    /// The package is loaded.
    fn loaded(&self, run: u32, device: DeviceUsed, model_digest: String);
    /// Results came; `timing` is that of the run up to now.
    fn results(&self, run: u32, results: Vec<SampleDone>, timing: Timing);
    /// Nothing is left to do.
    fn finished(&self, run: u32, timing: Timing);
    /// The run can't go on.
    fn failed(&self, run: u32, failure: Failure);
}

/// What is left to do.
pub struct ToDo {
    /// The package to preview with.
    pub package: LoadedPackage,
    /// How it is run.
    pub options: RunOptions,
    /// Samples in one run of the model; 0 for the package's.
    pub batch_size: usize,
    /// The samples.
    pub work: Work,
}

/// The handle of the task.
#[derive(Clone)]
pub struct Live {
    wake: Arc<Notify>,
    closing: Arc<AtomicBool>,
    large: mpsc::Sender<Large>,
}

/// A large picture is wanted.
struct Large {
    file: SampleFile,
    package: LoadedPackage,
    options: RunOptions,
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

impl Live {
    /// Starts the task on `runtime`.
    pub fn start(
        runtime: &tokio::runtime::Handle,
        share: &DataDir,
        keeper: Arc<dyn Keeper>,
    ) -> Self {
        let (wake, closing) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (large, wanted) = mpsc::channel(16);
        let desk = Desk {
            keeper,
            wake: Arc::clone(&wake),
            closing: Arc::clone(&closing),
            run: 0,
            timing: Timing::default(),
            done: 0,
        };
        runtime.spawn(run(Engine::new(share), desk, wanted));
        Self {
            wake,
            closing,
            large,
        }
    }

    /// The state has changed: look at it anew.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the worker, whatever it does; the next work starts a new one.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A sample's picture, made by the worker.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if it is no picture, and what the worker fails with.
    pub async fn large(
        &self,
        file: SampleFile,
        package: LoadedPackage,
        options: RunOptions,
    ) -> Result<Vec<u8>, Failure> {
        let (answer, answered) = oneshot::channel();
        let gone = || Failure::internal("the preview has ended");
        let wanted = Large {
            file,
            package,
            options,
            answer,
        };
        self.large.send(wanted).await.map_err(|_| gone())?;
        self.wake.notify_one();
        answered.await.map_err(|_| gone())?
    }
}

async fn run(mut engine: Engine, mut desk: Desk, mut wanted: mpsc::Receiver<Large>) {
    loop {
        if desk.closing.swap(false, Ordering::Relaxed) {
            engine.kill();
        }
        while let Ok(large) = wanted.try_recv() {
            desk.show(&mut engine, large).await;
        }
        if let Some(todo) = desk.keeper.work() {
            let run = todo.work.run;
            if let Err(failure) = desk.work(&mut engine, todo).await {
                desk.keeper.failed(run, failure);
            }
            continue;
        }
        tokio::select! {
            () = desk.wake.notified() => {}
            next = wanted.recv() => match next {
                Some(large) => desk.show(&mut engine, large).await,
                None => return,
            },
        }
    }
}

/// What a run has come to.
struct Desk {
    keeper: Arc<dyn Keeper>,
    wake: Arc<Notify>,
    closing: Arc<AtomicBool>,
    run: u32,
    /// Where the time of the run went up to now.
    timing: Timing,
    /// Samples of the run that are done.
    done: usize,
}

impl Desk {
    /// Answers with a large picture, unless nobody waits for it any more (it was scrolled by), or
    /// all is to end.
    async fn show(&self, engine: &mut Engine, large: Large) {
        let Large {
            file,
            package,
            options,
            mut answer,
        } = large;
        if answer.is_closed() {
            return;
        }
        let mut making = std::pin::pin!(picture(engine, &file, &package, &options));
        let mut woken = false;
        let made = loop {
            tokio::select! {
                made = &mut making => break Some(made),
                () = answer.closed() => break None,
                () = self.wake.notified() => {
                    woken = true;
                    if self.closing.load(Ordering::Relaxed) {
                        break None;
                    }
                }
            }
        };
        if woken {
            // Whatever it was is looked at next.
            self.wake.notify_one();
        }
        if let Some(made) = made {
            let _ = answer.send(made);
        }
    }

    /// Does what is left, until all is done or something else is wanted.
    async fn work(&mut self, engine: &mut Engine, todo: ToDo) -> Result<(), Failure> {
        let ToDo {
            package,
            options,
            batch_size,
            work,
        } = todo;
        let run = work.run;
        if self.run != run {
            (self.run, self.timing, self.done) = (run, Timing::default(), 0);
        }
        let Some(loaded) = self.load(engine, &package, &options).await? else {
            engine.kill();
            return Ok(());
        };
        let (worker, loaded) = loaded;
        self.keeper.loaded(run, loaded.device, loaded.model_digest);
        self.timing.load_ms = loaded.load_ms;
        let tensor = package.package.postprocess.task == Task::Raw;
        for (samples, thumbnail) in [
            (work.with_thumbnail, THUMBNAIL),
            (work.without_thumbnail, 0),
        ] {
            let want = Want {
                tensor,
                thumbnail,
                ..Want::default()
            };
            if !self.predict(worker, &samples, &want, batch_size).await? {
                // What was interrupted goes on when the state says so.
                return Ok(());
            }
        }
        let left = self.keeper.work();
        if left.is_some_and(|left| left.work.run == run && left.work.is_empty()) {
            self.keeper.finished(run, self.timing);
        }
        Ok(())
    }

    /// Loads the package; `None` when nobody wants it any more.
    async fn load<'a>(
        &self,
        engine: &'a mut Engine,
        package: &LoadedPackage,
        options: &RunOptions,
    ) -> Result<Option<(&'a mut Worker, Loaded)>, Failure> {
        let mut loading = std::pin::pin!(engine.load(package, options));
        let mut woken = false;
        loop {
            tokio::select! {
                loaded = &mut loading => {
                    if woken {
                        // Whatever it was is looked at before anything is predicted.
                        self.wake.notify_one();
                    }
                    return loaded.map(Some);
                }
                () = self.wake.notified() => {
                    // An edit of the same package waits: loading it again keeps the session.
                    let wanted = self.keeper.work();
                    let same = wanted.is_some_and(|todo| todo.package.root == package.root);
                    if !same || self.closing.load(Ordering::Relaxed) {
                        return Ok(None);
                    }
                    woken = true;
                }
            }
        }
    }

    /// Predicts samples; whether it came to their end.
    async fn predict(
        &mut self,
        worker: &mut Worker,
        samples: &[(u64, SampleFile)],
        want: &Want,
        batch_size: usize,
    ) -> Result<bool, Failure> {
        let mut rest = samples;
        while !rest.is_empty() {
            let batch = next_batch(&mut rest, Travel::Paths).await;
            let outbox = Outbox::default();
            for (id, error) in batch.unreadable {
                outbox.push(id, Outcome::Error(error));
            }
            let cancel = CancellationToken::new();
            let mut each = |result: FromWorkerResult| outbox.done(result);
            let size = (batch_size > 0).then_some(batch_size);
            let predicting = worker.predict(
                batch.items,
                batch.body,
                want.clone(),
                size,
                &cancel,
                &mut each,
            );
            let finished = self.follow(predicting, &cancel, &outbox).await;
            let results = outbox.take();
            self.done += results.1;
            let finished = finished.map(|(timing, cancelled)| {
                add(&mut self.timing, &timing, self.done);
                !cancelled
            });
            self.keeper.results(self.run, results.0, self.timing);
            if !finished? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands results on while they come, and stops the request when something else is wanted.
    async fn follow<T>(
        &self,
        predicting: impl Future<Output = T>,
        cancel: &CancellationToken,
        outbox: &Outbox,
    ) -> T {
        let started = Instant::now();
        let mut predicting = std::pin::pin!(predicting);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                result = &mut predicting => return result,
                _ = tick.tick() => {
                    let (results, count) = outbox.take();
                    if !results.is_empty() {
                        let mut timing = self.timing;
                        let wall_ms = started.elapsed().as_secs_f64() * 1000.0;
                        let part = Timing { wall_ms, ..Timing::default() };
                        add(&mut timing, &part, self.done + count);
                        self.keeper.results(self.run, results, timing);
                    }
                }
                () = self.wake.notified(), if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    }
}

async fn picture(
    engine: &mut Engine,
    file: &SampleFile,
    package: &LoadedPackage,
    options: &RunOptions,
) -> Result<Vec<u8>, Failure> {
    let (worker, _) = engine.load(package, options).await?;
    let samples = [(0, file.clone())];
    let batch = next_batch(&mut samples.as_slice(), Travel::Paths).await;
    let want = Want {
        thumbnail: LARGE,
        picture_only: true,
        ..Want::default()
    };
    let mut found = None;
    let mut each = |result: FromWorkerResult| found = result.thumbnail;
    worker
        .predict(
            batch.items,
            batch.body,
            want,
            None,
            &CancellationToken::new(),
            &mut each,
        )
        .await?;
    found.map(|bytes| bytes.to_vec()).ok_or_else(|| {
        Failure::new(
            Code::SampleUnreadable,
            format!("{} can't be shown", file.name),
            "Its card says what is wrong with it.",
        )
    })
}

/// Results that have not been handed on, and how many there were in all.
#[derive(Default)]
struct Outbox(Mutex<(Vec<SampleDone>, usize)>);

impl Outbox {
    fn push(&self, id: u64, outcome: Outcome) {
        self.add(SampleDone {
            id: short(id),
            outcome,
            picture: None,
            thumbnail: None,
        });
    }

    fn done(&self, result: FromWorkerResult) {
        let (picture, thumbnail) = (result.picture, result.thumbnail.clone());
        let id = short(result.sample);
        self.add(SampleDone {
            id,
            picture,
            thumbnail,
            outcome: outcome(result),
        });
    }

    fn add(&self, result: SampleDone) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0.push(result);
        inner.1 += 1;
    }

    /// The results since the last time, and how many there were in all.
    fn take(&self) -> (Vec<SampleDone>, usize) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut inner.0), inner.1)
    }
}

/// Ids go out as `u32` and come back as they went.
fn short(id: u64) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

fn add(sum: &mut Timing, part: &Timing, samples: usize) {
    sum.decode_ms += part.decode_ms;
    sum.preprocess_ms += part.preprocess_ms;
    sum.infer_ms += part.infer_ms;
    sum.postprocess_ms += part.postprocess_ms;
    sum.wall_ms += part.wall_ms;
    if sum.wall_ms > 0.0 {
        sum.images_per_second = samples as f64 * 1000.0 / sum.wall_ms;
    }
}
