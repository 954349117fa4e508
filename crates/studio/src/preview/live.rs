//! The window's preview: a task that keeps one worker running and predicts the samples that have no
//! outcome yet. Every change of the window's state wakes the task: it stops what it does, and asks
//! for the pending samples again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_build::DataDir;
use boxwright_model::LoadedPackage;
use boxwright_model::package::Task;
use boxwright_model::prediction::{DeviceUsed, Timing};
use boxwright_worker::{FromWorkerResult, Loaded, Want, WorkerError};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::outcome::outcome;
use super::samples::{PendingSamples, SampleUpdate};
use crate::failure::{Code, Failure};
use crate::samples::SampleFile;
use crate::worker_session::{
    Completion, PredictEvent, RunOptions, SampleRequest, Transport, WorkerSession, add_timing,
};

/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 320;
/// The longer side of a large picture, in pixels.
const LARGE: u32 = 1600;
/// When the first results of a request are passed to the delegate. After each time it is twice as long
/// until the next, up to [`TICK`]: results that come at once are seen at once.
const FIRST_TICK: Duration = Duration::from_millis(12);
/// How often results are passed to the delegate.
const TICK: Duration = Duration::from_millis(200);

/// Results that are passed on at a time: 300 boxes each are some megabytes for the page.
const MOST_RESULTS: usize = 100;
/// What the page gets to paint in between.
const PAUSE: Duration = Duration::from_millis(30);
/// How long an edit has to stay before the samples out of sight follow it.
const SETTLED: Duration = Duration::from_millis(250);

/// The owner of the state that the task works for.
pub trait PreviewDelegate: Send + Sync + 'static {
    /// What is to be predicted; `None` when no run goes on.
    fn pending(&self) -> Option<PendingRun>;
    /// The package is loaded.
    fn loaded(&self, run: u32, device: DeviceUsed, model_digest: String);
    /// Samples have results; `timing` is that of the run up to now.
    fn results(&self, run: u32, results: Vec<SampleUpdate>, timing: Timing);
    /// All samples have results.
    fn finished(&self, run: u32, timing: Timing);
    /// The run has failed.
    fn failed(&self, run: u32, failure: Failure);
}

/// What is to be predicted, and how.
pub struct PendingRun {
    /// The package to predict with.
    pub package: LoadedPackage,
    /// How it is run.
    pub options: RunOptions,
    /// Samples in one run of the model; 0 for the package's.
    pub batch_size: usize,
    /// The samples.
    pub samples: PendingSamples,
}

/// The handle of the task.
#[derive(Clone)]
pub struct LivePreview {
    wake: Arc<Notify>,
    closing: Arc<AtomicBool>,
    large: mpsc::Sender<LargePictureRequest>,
}

/// A request for a large picture.
struct LargePictureRequest {
    file: SampleFile,
    package: LoadedPackage,
    options: RunOptions,
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

impl LivePreview {
    /// Starts the task on `runtime`.
    pub fn start(
        runtime: &tokio::runtime::Handle,
        data_dir: &DataDir,
        delegate: Arc<dyn PreviewDelegate>,
    ) -> Self {
        let (wake, closing) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (large, requests) = mpsc::channel(16);
        let task = PreviewTask {
            delegate,
            wake: Arc::clone(&wake),
            closing: Arc::clone(&closing),
            run: 0,
            timing: Timing::default(),
            done: 0,
        };
        runtime.spawn(task.run(WorkerSession::new(data_dir), requests));
        Self {
            wake,
            closing,
            large,
        }
    }

    /// Makes the task ask for the pending samples again.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Kills the worker; the next run starts a new one.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A sample's picture as JPEG, made by the worker.
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
        let ended = || Failure::internal("the preview has ended");
        let request = LargePictureRequest {
            file,
            package,
            options,
            answer,
        };
        self.large.send(request).await.map_err(|_| ended())?;
        self.wake.notify_one();
        answered.await.map_err(|_| ended())?
    }
}

/// The task and the progress of its run.
struct PreviewTask {
    delegate: Arc<dyn PreviewDelegate>,
    wake: Arc<Notify>,
    closing: Arc<AtomicBool>,
    run: u32,
    /// The timing of the run up to now.
    timing: Timing,
    /// Samples of the run that have results.
    done: usize,
}

impl PreviewTask {
    async fn run(
        mut self,
        mut session: WorkerSession,
        mut requests: mpsc::Receiver<LargePictureRequest>,
    ) {
        loop {
            if self.closing.swap(false, Ordering::Relaxed) {
                session.kill();
            }
            while let Ok(request) = requests.try_recv() {
                self.answer(&mut session, request).await;
            }
            if let Some(pending) = self.delegate.pending() {
                let run = pending.samples.run;
                if let Err(failure) = self.predict_pending(&mut session, pending).await {
                    self.delegate.failed(run, failure);
                }
                continue;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                next = requests.recv() => match next {
                    Some(request) => self.answer(&mut session, request).await,
                    None => return,
                },
            }
        }
    }

    /// Answers a request for a large picture. It is dropped when the requester no longer waits (the
    /// picture was scrolled out of view), or the worker is to be closed.
    async fn answer(&self, session: &mut WorkerSession, request: LargePictureRequest) {
        let LargePictureRequest {
            file,
            package,
            options,
            mut answer,
        } = request;
        if answer.is_closed() {
            return;
        }
        let mut making = std::pin::pin!(large_picture(session, &file, &package, &options));
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
            // The main loop handles the change.
            self.wake.notify_one();
        }
        if let Some(made) = made {
            let _ = answer.send(made);
        }
    }

    /// Predicts the pending samples, until all are done or the state changes.
    async fn predict_pending(
        &mut self,
        session: &mut WorkerSession,
        pending: PendingRun,
    ) -> Result<(), Failure> {
        let PendingRun {
            package,
            options,
            batch_size,
            samples,
        } = pending;
        let run = samples.run;
        if self.run != run {
            (self.run, self.timing, self.done) = (run, Timing::default(), 0);
        }
        let Some(loaded) = self.load(session, &package, &options).await? else {
            session.kill();
            return Ok(());
        };
        self.delegate
            .loaded(run, loaded.device, loaded.model_digest);
        self.timing.load_ms = loaded.load_ms;
        let tensor = package.package.postprocess.task == Task::Raw;
        let (on_screen, others) = samples.without_thumbnail.split_at(samples.on_screen);
        for (samples, thumbnail) in [
            (&*samples.with_thumbnail, THUMBNAIL),
            (on_screen, 0),
            (others, 0),
        ] {
            let want = Want {
                tensor,
                thumbnail,
                keep: true,
                ..Want::default()
            };
            let request = SampleRequest {
                samples,
                transport: Transport::Paths,
                want,
                batch_size: (batch_size > 0).then_some(batch_size),
            };
            if !self.predict(session, &request).await? {
                // Interrupted: the main loop continues with what is then pending.
                return Ok(());
            }
            // While a slider moves, only the samples on screen follow it.
            let is_rerun = !on_screen.is_empty() && std::ptr::eq(samples, on_screen);
            if is_rerun && !others.is_empty() && !self.rested(SETTLED).await {
                return Ok(());
            }
        }
        let left = self.delegate.pending();
        if left.is_some_and(|left| left.samples.run == run && left.samples.is_empty()) {
            self.delegate.finished(run, self.timing);
        }
        Ok(())
    }

    /// Waits, and returns whether the state stayed as it was.
    async fn rested(&self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            () = self.wake.notified() => {
                self.wake.notify_one();
                false
            }
        }
    }

    /// Loads the package; `None` when it is no longer the one to predict with.
    async fn load(
        &self,
        session: &mut WorkerSession,
        package: &LoadedPackage,
        options: &RunOptions,
    ) -> Result<Option<Loaded>, Failure> {
        let load = options.load(package)?;
        let mut loading = std::pin::pin!(session.load(&load));
        let mut woken = false;
        loop {
            tokio::select! {
                loaded = &mut loading => {
                    if woken {
                        // The change is handled before anything is predicted.
                        self.wake.notify_one();
                    }
                    return Ok(Some(loaded?));
                }
                () = self.wake.notified() => {
                    // After an edit of the same package loading goes on: the next load then keeps
                    // the worker's session.
                    let pending = self.delegate.pending();
                    let same = pending.is_some_and(|next| next.package.root == package.root);
                    if !same || self.closing.load(Ordering::Relaxed) {
                        return Ok(None);
                    }
                    woken = true;
                }
            }
        }
    }

    /// Predicts samples, and returns whether all of them were predicted.
    async fn predict(
        &mut self,
        session: &mut WorkerSession,
        request: &SampleRequest<'_>,
    ) -> Result<bool, Failure> {
        if request.samples.is_empty() {
            return Ok(true);
        }
        let (buffer, cancel) = (ResultBuffer::default(), CancellationToken::new());
        let mut on_event = |event| buffer.add(event);
        let predicting = session.predict(request, &cancel, &mut on_event);
        let completion = self.forward_results(predicting, &cancel, &buffer).await;
        self.done += buffer.count();
        add_with_speed(&mut self.timing, &buffer.timing(), self.done);
        let mut most = MOST_RESULTS;
        loop {
            let results = buffer.take(most);
            let is_last = results.len() < most;
            self.delegate.results(self.run, results, self.timing);
            if is_last {
                break;
            }
            if !self.rested(PAUSE).await {
                // Another run drops what is left of this one.
                most = usize::MAX;
            }
        }
        Ok(!completion?.cancelled)
    }

    /// Passes results on while they come, and cancels the request when the state changes.
    async fn forward_results(
        &self,
        predicting: impl Future<Output = Result<Completion, WorkerError>>,
        cancel: &CancellationToken,
        buffer: &ResultBuffer,
    ) -> Result<Completion, WorkerError> {
        let started = Instant::now();
        let mut predicting = std::pin::pin!(predicting);
        let mut pause = FIRST_TICK;
        let mut tick = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                completion = &mut predicting => return completion,
                () = &mut tick => {
                    pause = TICK.min(pause * 2);
                    tick.as_mut().reset(tokio::time::Instant::now() + pause);
                    let (results, part) = (buffer.take(MOST_RESULTS), buffer.timing());
                    if !results.is_empty() {
                        let wall_ms = started.elapsed().as_secs_f64() * 1000.0;
                        let part = Timing { wall_ms, ..part };
                        let mut timing = self.timing;
                        add_with_speed(&mut timing, &part, self.done + buffer.count());
                        self.delegate.results(self.run, results, timing);
                    }
                }
                () = self.wake.notified(), if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    }
}

async fn large_picture(
    session: &mut WorkerSession,
    file: &SampleFile,
    package: &LoadedPackage,
    options: &RunOptions,
) -> Result<Vec<u8>, Failure> {
    session.load(&options.load(package)?).await?;
    let request = SampleRequest {
        samples: &[(0, file.clone())],
        transport: Transport::Paths,
        want: Want {
            thumbnail: LARGE,
            picture_only: true,
            ..Want::default()
        },
        batch_size: None,
    };
    let results = session
        .predict_in_order(&request, &CancellationToken::new(), &mut |_| {})
        .await?;
    let picture = results.into_iter().flatten().find_map(|one| one.thumbnail);
    picture.map(|bytes| bytes.to_vec()).ok_or_else(|| {
        Failure::new(
            Code::SampleUnreadable,
            format!("{} can't be shown", file.name),
            "Its card says what is wrong with it.",
        )
    })
}

/// Results that have not been passed on yet.
#[derive(Default)]
struct ResultBuffer(Mutex<Buffered>);

#[derive(Default)]
struct Buffered {
    results: Vec<SampleUpdate>,
    /// Results in all, with those that were passed on.
    count: usize,
    /// The timing of what the worker has completed.
    timing: Timing,
}

impl ResultBuffer {
    fn add(&self, event: PredictEvent) {
        match event {
            PredictEvent::Timing(timing) => self.lock().timing = timing,
            PredictEvent::Result(result) => {
                let update = sample_update(result);
                let mut buffered = self.lock();
                buffered.results.push(update);
                buffered.count += 1;
            }
        }
    }

    /// Takes the first `most` results out.
    fn take(&self, most: usize) -> Vec<SampleUpdate> {
        let mut buffered = self.lock();
        let count = buffered.results.len().min(most);
        buffered.results.drain(..count).collect()
    }

    /// The timing up to now.
    fn timing(&self) -> Timing {
        self.lock().timing
    }

    fn count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buffered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sample_update(result: FromWorkerResult) -> SampleUpdate {
    SampleUpdate {
        // Ids are sent as `u32` and come back unchanged.
        id: u32::try_from(result.sample).unwrap_or(u32::MAX),
        picture: result.picture,
        details: result.details.clone(),
        thumbnail: result.thumbnail.clone(),
        outcome: outcome(result),
    }
}

fn add_with_speed(sum: &mut Timing, part: &Timing, samples: usize) {
    add_timing(sum, part);
    if sum.wall_ms > 0.0 {
        sum.images_per_second = samples as f64 * 1000.0 / sum.wall_ms;
    }
}
