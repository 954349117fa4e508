//! Batches that a server puts together, each on the thread that asks.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_model::prediction::Timing;
use boxwright_tensor::{BatchAxis, Tensor, TensorBatch};
use bytes::Bytes;
use ort::value::DynValue;

use crate::concurrency::{Concurrency, MultiThreadedSession};
use crate::device::Session;
use crate::error::{Error, Result};
use crate::pipeline::Kind;
use crate::prediction::{Prediction, Want};
use crate::predictor::Predictor;
use crate::scratch::Sample;
use crate::tensors;

/// A run that takes longer than this is measured once.
const LONG: Duration = Duration::from_millis(300);
/// The largest ratio of two measurements of the same run that still agree.
const SAME_TIME: f64 = 1.2;
/// Longest that runs are repeated until two measurements agree; other work on the machine disturbs
/// them.
const MAX_MEASURING: Duration = Duration::from_millis(500);
impl Predictor {
    /// Measures what serves this model best on this machine: runs of one thread each, or one run of
    /// all threads, for a run that is alone and for as many as there are cores; and runs of one row
    /// or of more. `multi_threaded` is a session of all threads; where it is of use it is kept.
    pub(crate) fn tune(&self, multi_threaded: Option<Session>) -> Concurrency {
        let threads = self.loaded.threads;
        let single_threaded = Concurrency {
            concurrent_runs: threads,
            single_run_threads: 1,
            batching_is_faster: true,
        };
        // What can't be measured is left as it is.
        let Ok(Some(row)) = self.zeros(1) else {
            return single_threaded;
        };
        let pair = match self.pipeline.takes_batches() {
            true => self.zeros(2).ok().flatten(),
            false => None,
        };
        let Ok(times) = race([
            &|| self.run_once(&self.loaded.session, &row),
            &|| self.together(&row),
            &|| pair.as_ref().map_or(Ok(()), |rows| self.together(rows)),
            &|| {
                multi_threaded
                    .as_ref()
                    .map_or(Ok(()), |multi_threaded| self.run_once(multi_threaded, &row))
            },
        ]) else {
            return single_threaded;
        };
        let cores = u32::try_from(threads).unwrap_or(u32::MAX);
        let (batching_is_faster, always, exclusive) = match times {
            Some([alone, together, paired, all]) => (
                clearly_less(paired, together * 2),
                clearly_less(all * cores, together),
                clearly_less(all, alone),
            ),
            // What holds for most networks of layers.
            None => (false, false, true),
        };
        let concurrency = Concurrency {
            batching_is_faster: batching_is_faster || pair.is_none(),
            ..single_threaded
        };
        match multi_threaded {
            Some(session) if always || exclusive => {
                // Set once: a predictor is tuned by the one who loaded it.
                let _ = self
                    .loaded
                    .multi_threaded
                    .set(MultiThreadedSession { session, always });
                Concurrency {
                    concurrent_runs: if always { 1 } else { threads },
                    single_run_threads: threads,
                    ..concurrency
                }
            }
            _ => concurrency,
        }
    }

    fn run_once(&self, session: &Session, inputs: &[DynValue]) -> Result<()> {
        let outputs = self.pipeline.task.outputs();
        let inputs: Vec<_> = inputs.iter().collect();
        session.run(&inputs, outputs).map(drop)
    }

    /// A run on every thread at once.
    fn together(&self, inputs: &[DynValue]) -> Result<()> {
        let run = || self.run_once(&self.loaded.session, inputs);
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.loaded.threads).map(|_| scope.spawn(run)).collect();
            run()?;
            others.into_iter().try_for_each(|other| {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }

    /// Predicts encoded samples together on the calling thread; `each` gets every sample's index
    /// and prediction. `exclusive` says that nothing else is running. Gives the time of the stages.
    pub fn predict_batch(
        &self,
        samples: &[Bytes],
        exclusive: bool,
        want: &Want,
        each: &(dyn Fn(usize, Prediction) + Sync),
    ) -> Timing {
        let samples: Vec<Sample<'_>> = samples.iter().map(|bytes| Sample::Bytes(bytes)).collect();
        let cancel = AtomicBool::new(false);
        let mut scratch = self.scratch();
        let run = self.run(self.session(exclusive), want, &cancel, each);
        let together = self.most_together(samples.len());
        for (number, samples) in samples.chunks(together).enumerate() {
            scratch.run(run, number * together, samples);
        }
        let timing = std::mem::take(&mut scratch.timing);
        self.give_back(scratch);
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
    pub fn batch_axis(&self) -> BatchAxis {
        self.loaded.batch_axis
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
        let axis = self.batch_axis();
        let batch = TensorBatch::new(self.signature(), axis, inputs, outputs)?;
        Ok(batch.split(axis.max_batch(most)))
    }

    /// Runs the model on batches that [join](TensorBatch::joins) each other, on the calling thread:
    /// together, and if that fails one by one, so that each has the answer or the error that it
    /// would have had alone. The outputs are in the order in which they were wanted.
    pub fn run_tensors(
        &self,
        batches: &[&TensorBatch],
        exclusive: bool,
    ) -> (Vec<Result<Vec<Tensor>>>, Timing) {
        let started = Instant::now();
        let session = self.session(exclusive);
        let run = |batches: &[&TensorBatch]| tensors::run(batches, self.batch_axis(), session);
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
            Tensor::concatenate(column).ok_or_else(|| {
                Error::Shape("an output has no batch axis; send fewer rows at once".into())
            })
        };
        columns.into_iter().map(join).collect()
    }

    fn session(&self, exclusive: bool) -> &Session {
        match self.loaded.multi_threaded.get() {
            Some(multi_threaded) if exclusive || multi_threaded.always => &multi_threaded.session,
            _ => &self.loaded.session,
        }
    }

    /// Runs the model once on zeros, so that the first sample doesn't pay for it.
    ///
    /// # Errors
    /// [`Error::Run`] where a model of pictures fails on them.
    pub fn warm_up(&self) -> Result<()> {
        let Some(zeros) = self.zeros(1)? else {
            return Ok(());
        };
        let run = self.run_once(&self.loaded.session, &zeros);
        match self.pipeline.kind {
            Kind::Image(_) => run,
            // Zeros needn't be anything that such a model can take.
            Kind::Tensors(_) => Ok(()),
        }
    }

    /// Inputs of as many rows of zeros; `None` where their size is only known with a sample.
    fn zeros(&self, rows: usize) -> Result<Option<Vec<DynValue>>> {
        self.pipeline
            .resting_inputs(rows, self.signature())
            .transpose()
    }
}

/// How long each takes: the shortest of two times and more, after one that isn't counted; the first
/// where it is long. They take turns, so that what else the machine does befalls all alike, and go
/// on while it shows: until each took about as long once more. `None` where that doesn't come.
fn race<const N: usize>(runs: [&dyn Fn() -> Result<()>; N]) -> Result<Option<[Duration; N]>> {
    let first = timed(runs)?;
    if first.iter().any(|time| *time > LONG) {
        return Ok(Some(first));
    }
    let begun = Instant::now();
    let mut shortest = timed(runs)?.map(|time| [time, Duration::MAX]);
    loop {
        for (pair, time) in shortest.iter_mut().zip(timed(runs)?) {
            pair[1] = pair[1].min(time);
            pair.sort_unstable();
        }
        let again = |[one, other]: &[Duration; 2]| *other <= one.mul_f64(SAME_TIME);
        if shortest.iter().all(again) {
            return Ok(Some(shortest.map(|[one, _]| one)));
        }
        if begun.elapsed() > MAX_MEASURING {
            return Ok(None);
        }
    }
}

fn timed<const N: usize>(runs: [&dyn Fn() -> Result<()>; N]) -> Result<[Duration; N]> {
    let mut times = [Duration::ZERO; N];
    for (time, run) in times.iter_mut().zip(runs) {
        let started = Instant::now();
        run()?;
        *time = started.elapsed();
    }
    Ok(times)
}

/// A tenth is what a measurement may be off by.
fn clearly_less(one: Duration, other: Duration) -> bool {
    one.mul_f64(1.1) < other
}

fn nothing() -> Error {
    Error::Run("it gave no result".into())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread::sleep;

    use super::*;

    /// A run that takes twice as long every time.
    fn unsteady(time: &Cell<Duration>) -> Result<()> {
        sleep(time.get());
        time.set(time.get() * 2);
        Ok(())
    }

    #[test]
    fn times_that_do_not_come_again_are_no_measurement() {
        let time = Cell::new(Duration::from_millis(5));
        let begun = Instant::now();
        assert_eq!(race([&|| unsteady(&time)]).unwrap(), None);
        assert!(begun.elapsed() > MAX_MEASURING);
    }

    #[test]
    fn a_run_that_is_long_is_measured_once() {
        let time = Cell::new(LONG * 2);
        let measured = race([&|| unsteady(&time)]).unwrap();
        assert!(measured.is_some_and(|[time]| time >= LONG * 2));
        assert_eq!(time.get(), LONG * 4);
    }

    #[test]
    fn a_run_that_fails_ends_the_race() {
        assert!(race([&|| Err(nothing())]).is_err());
    }
}
