//! Batches that a server puts together, each on the thread that asks.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_model::prediction::Timing;
use bytes::Bytes;
use ort::value::DynValue;

use crate::error::{Error, Result};
use crate::lane::Sample;
use crate::machine::memory_limit;
use crate::pipeline::Kind;
use crate::predictor::{Prediction, Predictor, Want};
use crate::session::Session;
use crate::tensors::{Rows, Tensor, TensorBatch};

/// A second session may take this part of the memory.
const SECOND_SESSION: u64 = 8;
/// A run that takes longer is not measured again.
const LONG: Duration = Duration::from_millis(300);

/// How runs share the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Threads that should call at once.
    pub lanes: usize,
    /// Threads that a run takes when it has the machine for itself.
    pub lone_threads: usize,
}

/// The session whose runs take all threads.
pub(crate) struct Wide {
    session: Session,
    /// It is the faster one also when there is work for every core.
    always: bool,
}

impl Predictor {
    /// Measures whether runs of one thread each, or one run of all threads, serve this model
    /// better on this machine: for a run that is alone, and for as many as there are cores. Where
    /// the second is of use, and its memory is there, it is kept as a session of its own.
    pub fn tune(&self) -> Spread {
        let threads = self.loaded.threads;
        let narrow = Spread {
            lanes: threads,
            lone_threads: 1,
        };
        // What can't be measured is left as it is.
        let Ok(Some(wide)) = self.wide() else {
            return narrow;
        };
        let lanes = if wide.always { 1 } else { threads };
        // Set once: a predictor is tuned by the one who loaded it.
        let _ = self.loaded.wide.set(wide);
        Spread {
            lanes,
            lone_threads: threads,
        }
    }

    fn wide(&self) -> Result<Option<Wide>> {
        let threads = self.loaded.threads;
        let (Some(zeros), 2..) = (self.zeros()?, threads) else {
            return Ok(None);
        };
        let bytes: u64 = self.loaded.files.iter().map(|file| file.length).sum();
        if memory_limit().is_some_and(|limit| bytes > limit / SECOND_SESSION) {
            return Ok(None);
        }
        let session = Session::load(&self.loaded.library, &self.loaded.files[0].path, threads)?;
        let outputs = &self.pipeline.interpretation.outputs;
        let run = |session: &Session| session.run(&[&zeros], outputs).map(drop);
        let narrow = &self.loaded.session;
        let alone = fastest(|| run(narrow))?;
        let wide = fastest(|| run(&session))?;
        let together = fastest(|| {
            std::thread::scope(|scope| {
                let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| run(narrow))).collect();
                run(narrow)?;
                others.into_iter().try_for_each(|other| {
                    other
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
        })?;
        // A tenth is what a measurement may be off by.
        let wide = wide * 11 / 10;
        let always = wide * u32::try_from(threads).unwrap_or(u32::MAX) < together;
        Ok((always || wide < alone).then_some(Wide { session, always }))
    }

    /// Predicts encoded samples together on the calling thread; `each` gets every sample's index
    /// and prediction. `lone` says that nothing else is running. Gives the time of the stages.
    pub fn predict_batch(
        &self,
        samples: &[Bytes],
        lone: bool,
        want: &Want,
        each: &(dyn Fn(usize, Prediction) + Sync),
    ) -> Timing {
        let samples: Vec<Sample<'_>> = samples.iter().map(|bytes| Sample::Bytes(bytes)).collect();
        let cancel = AtomicBool::new(false);
        let mut lane = self.lane();
        let job = self.job(self.session(lone), want, &cancel, each);
        let together = self.most_together(samples.len());
        for (number, samples) in samples.chunks(together).enumerate() {
            lane.run(job, number * together, samples);
        }
        let timing = std::mem::take(&mut lane.timing);
        self.rest(lane);
        timing
    }

    /// Predicts one encoded sample on the calling thread.
    pub fn predict_one(&self, bytes: &[u8], want: &Want) -> Prediction {
        let slot = Mutex::new(None);
        let keep = |_: usize, prediction: Prediction| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(prediction);
        };
        self.predict_batch(&[Bytes::copy_from_slice(bytes)], true, want, &keep);
        let prediction = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        prediction.unwrap_or_else(|| Prediction::failed(&Error::Run("it gave no result".into())))
    }

    /// The model's first axis, for its own tensors.
    pub fn rows(&self) -> Rows {
        self.loaded.rows
    }

    /// Checks tensors against the model's inputs, and cuts them into pieces of at most `most` rows
    /// that run one by one or together with others. `outputs` are the wanted outputs' names; none
    /// for all.
    ///
    /// # Errors
    /// [`Error::Shape`] names the input or output that doesn't fit.
    pub fn check_tensors(
        &self,
        inputs: Vec<Tensor>,
        outputs: &[String],
        most: usize,
    ) -> Result<Vec<TensorBatch>> {
        TensorBatch::new(self.signature(), self.rows(), inputs, outputs, most)
    }

    /// Runs the model on batches that [join](TensorBatch::joins) each other, on the calling thread:
    /// together, and if that fails one by one, so that each has the answer or the error that it
    /// would have had alone. The outputs are in the order in which they were wanted.
    pub fn run_tensors(
        &self,
        batches: &[&TensorBatch],
        lone: bool,
    ) -> (Vec<Result<Vec<Tensor>>>, Timing) {
        let started = Instant::now();
        let session = self.session(lone);
        let run = |batches: &[&TensorBatch]| TensorBatch::run(batches, self.rows(), session);
        let results = match run(batches) {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) if batches.len() == 1 => vec![Err(error)],
            Err(_) => {
                let alone = |batch: &&TensorBatch| run(&[*batch])?.pop().ok_or_else(nothing);
                batches.iter().map(alone).collect()
            }
        };
        let infer_ms = started.elapsed().as_secs_f64() * 1000.0;
        (
            results,
            Timing {
                infer_ms,
                ..Timing::default()
            },
        )
    }

    /// Puts the outputs of pieces together again.
    ///
    /// # Errors
    /// [`Error::Shape`] where an output has no axis to join them along.
    pub fn join_outputs(pieces: Vec<Vec<Tensor>>) -> Result<Vec<Tensor>> {
        if pieces.len() == 1 {
            return pieces.into_iter().next().ok_or_else(nothing);
        }
        let count = pieces.first().map_or(0, Vec::len);
        let mut columns: Vec<Vec<Tensor>> = (0..count).map(|_| Vec::new()).collect();
        for piece in pieces {
            columns
                .iter_mut()
                .zip(piece)
                .for_each(|(column, tensor)| column.push(tensor));
        }
        let join = |column| {
            Tensor::joined(column).ok_or_else(|| {
                Error::Shape("an output has no batch axis; send fewer rows at once".into())
            })
        };
        columns.into_iter().map(join).collect()
    }

    fn session(&self, lone: bool) -> &Session {
        match self.loaded.wide.get() {
            Some(wide) if lone || wide.always => &wide.session,
            _ => &self.loaded.session,
        }
    }

    /// Runs the model once on zeros, so that the first sample doesn't pay for it.
    ///
    /// # Errors
    /// [`Error::Run`] where a model of pictures fails on them.
    pub fn warm_up(&self) -> Result<()> {
        let Some(zeros) = self.zeros()? else {
            return Ok(());
        };
        let outputs = &self.pipeline.interpretation.outputs;
        let run = self.loaded.session.run(&[&zeros], outputs).map(drop);
        match self.pipeline.kind {
            Kind::Image(_) => run,
            // Zeros needn't be anything that such a model can take.
            Kind::Tensor(_) => Ok(()),
        }
    }

    /// An input of zeros; `None` where its size is only known with a sample.
    fn zeros(&self) -> Result<Option<DynValue>> {
        let Some(shape) = self.pipeline.resting_shape() else {
            return Ok(None);
        };
        let datatype = self.signature().inputs[0].datatype;
        crate::tensor::from_bytes(&shape, datatype, []).map(Some)
    }
}

/// The shortest of three runs, after one that isn't counted; of one where it is long.
fn fastest(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut time = || {
        let started = Instant::now();
        run().map(|()| started.elapsed())
    };
    let first = time()?;
    if first > LONG {
        return Ok(first);
    }
    Ok(time()?.min(time()?).min(time()?))
}

fn nothing() -> Error {
    Error::Run("it gave no result".into())
}

/// Threads that predict where none were named: one a core, by the control group's quota.
pub(crate) fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        threads => threads,
    }
}
