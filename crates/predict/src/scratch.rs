//! The scratch buffers of one thread, and its way from samples to predictions in them.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use boxwright_files::FileStamp;
use boxwright_model::prediction::{Outcome, PictureDetails, Timing};
use boxwright_tensor::{BatchAxis, TensorBatch, sample};
use ort::value::DynValue;

use crate::batch_size::BatchTimes;
use crate::device::Session;
use crate::error::{Error, Result};
use crate::output_cache::{CachedSample, OutputCache};
use crate::pipeline::{Image, Kind, Pipeline};
use crate::prediction::{Prediction, Want};
use crate::stage::canvas::Canvas;
use crate::stage::decode::{Decoder, grouped};
use crate::stage::frame::Frame;
use crate::stage::normalise::TensorBuffer;
use crate::stage::resize::Resizer;
use crate::stage::source::{self, Alterations};
use crate::task::{self, CachedOutputs};
use crate::tensor::Slice;
use crate::tensors;
use crate::thumbnail::Thumbnailer;

/// A sample's file may have as many bytes as a worker's frame.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// What is kept of each buffer between calls.
const KEPT_BYTES: usize = 64 << 20;

/// Where a sample's bytes are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample<'a> {
    Path(&'a Path),
    Bytes(&'a [u8]),
}

/// What all threads of a run share.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub session: &'a Session,
    pub pipeline: &'a Pipeline,
    /// Set when the model turned out to take one sample at a time.
    pub alone: &'a AtomicBool,
    pub batch_times: &'a BatchTimes,
    /// Where outputs are kept, if they are.
    pub cache: Option<&'a OutputCache>,
    pub want: &'a Want,
    pub cancel: &'a AtomicBool,
    pub each: &'a (dyn Fn(usize, Prediction) + Sync),
}

/// The buffers of one thread.
pub(crate) struct Scratch {
    decoder: Decoder,
    alterations: Alterations,
    resizer: Resizer,
    canvas: Canvas,
    buffer: TensorBuffer,
    thumbnails: Thumbnailer,
    file: Vec<u8>,
    /// Where this thread's time went since it was last taken.
    pub timing: Timing,
}

/// A sample that waits for its batch.
#[derive(Default)]
struct Ready {
    index: usize,
    picture: Option<[u32; 2]>,
    details: Option<PictureDetails>,
    /// Where the picture lies in its tensor.
    frame: Option<Frame>,
    thumbnail: Option<Vec<u8>>,
    /// The file as it was before it was read, where its outputs are to be kept.
    stamp: Option<FileStamp>,
}

impl Ready {
    fn predicted(self, outcome: Result<Prediction>) -> (usize, Prediction) {
        let prediction = outcome.unwrap_or_else(|error| Prediction::failed(&error));
        (
            self.index,
            Prediction {
                picture: self.picture,
                details: self.details,
                thumbnail: self.thumbnail,
                ..prediction
            },
        )
    }
}

impl Scratch {
    /// Buffers whose decoder refuses pictures of more than `max_pixels`.
    pub fn new(max_pixels: u64) -> Self {
        Self {
            decoder: Decoder::new(max_pixels),
            alterations: Alterations::default(),
            resizer: Resizer::default(),
            canvas: Canvas::default(),
            buffer: TensorBuffer::U8(Vec::new()),
            thumbnails: Thumbnailer::default(),
            file: Vec::new(),
            timing: Timing::default(),
        }
    }

    /// Predicts `samples` together, the first of which has the number `first`. A sample that
    /// can't be read, or that panics, costs only itself.
    pub fn run(&mut self, run: Run<'_>, first: usize, samples: &[Sample<'_>]) {
        match &run.pipeline.kind {
            Kind::Image(image) => self.images(run, image, first, samples),
            Kind::Tensors(axis) => {
                for (index, sample) in (first..).zip(samples) {
                    if run.cancel.load(Ordering::Relaxed) {
                        return;
                    }
                    let ready = Ready {
                        index,
                        ..Ready::default()
                    };
                    let outcome = self.guarded(|scratch| scratch.tensors(run, *axis, *sample));
                    let (index, prediction) = ready.predicted(outcome);
                    (run.each)(index, prediction);
                }
            }
        }
    }

    fn images(&mut self, run: Run<'_>, image: &Image, first: usize, samples: &[Sample<'_>]) {
        let mut ready = Vec::with_capacity(samples.len());
        for (index, sample) in (first..).zip(samples) {
            if run.cancel.load(Ordering::Relaxed) {
                return;
            }
            if let Some((index, prediction)) = self.cached(run, index, *sample) {
                (run.each)(index, prediction);
                continue;
            }
            let slot = ready.len();
            let mut waiting = Ready {
                index,
                stamp: stamp(run, *sample),
                ..Ready::default()
            };
            match self.guarded(|scratch| scratch.prepare(run, image, *sample, slot, &mut waiting)) {
                Ok(()) if run.want.picture_only => {
                    let (index, prediction) = waiting.predicted(Ok(Prediction::none()));
                    (run.each)(index, prediction);
                }
                Ok(()) => ready.push(waiting),
                Err(error) => {
                    let (index, prediction) = waiting.predicted(Err(error));
                    (run.each)(index, prediction);
                }
            }
        }
        let count = ready.len();
        if count == 0 || run.cancel.load(Ordering::Relaxed) {
            return;
        }
        match self.infer(run, image, &ready) {
            Ok(outputs) => self.interpret(run, image, &outputs, ready),
            // One sample may be to blame, or the model takes no batches.
            Err(_) if count > 1 => self.one_by_one(run, image, ready),
            Err(error) => {
                let failed = Prediction::failed(&error);
                for ready in ready {
                    let (index, prediction) = ready.predicted(Ok(failed.clone()));
                    (run.each)(index, prediction);
                }
            }
        }
    }

    /// The prediction of a sample whose outputs are still there.
    fn cached(
        &mut self,
        run: Run<'_>,
        index: usize,
        sample: Sample<'_>,
    ) -> Option<(usize, Prediction)> {
        let (Some(cache), Sample::Path(path)) = (run.cache, sample) else {
            return None;
        };
        if run.want.thumbnail > 0 || run.want.tensor || run.want.picture_only {
            return None;
        }
        let cached = cache.get(path)?;
        let started = Instant::now();
        let task = &run.pipeline.task;
        let outcome = self.guarded(|_| {
            let frame = cached.frame.as_ref();
            cached.outputs.outcome(task, frame, run.want)
        });
        self.timing.postprocess_ms += ms(started);
        let ready = Ready {
            index,
            picture: cached.picture,
            details: cached.details.clone(),
            ..Ready::default()
        };
        let outcome = outcome.transpose()?;
        Some(ready.predicted(outcome.map(Prediction::of)))
    }

    /// After a batch has failed.
    fn one_by_one(&mut self, run: Run<'_>, image: &Image, ready: Vec<Ready>) {
        let length = self.canvas.width * self.canvas.height * image.input.channels();
        let mut all_succeeded = true;
        for (slot, ready) in ready.into_iter().enumerate() {
            if run.cancel.load(Ordering::Relaxed) {
                return;
            }
            self.buffer.move_to_front(slot, length);
            match self.infer(run, image, std::slice::from_ref(&ready)) {
                Ok(outputs) => self.interpret(run, image, &outputs, vec![ready]),
                Err(error) => {
                    all_succeeded = false;
                    let (index, prediction) = ready.predicted(Err(error));
                    (run.each)(index, prediction);
                }
            }
        }
        if all_succeeded {
            run.alone.store(true, Ordering::Relaxed);
        }
    }

    /// Decodes, fits and normalises one sample into its place in the batch.
    fn prepare(
        &mut self,
        run: Run<'_>,
        image: &Image,
        sample: Sample<'_>,
        slot: usize,
        ready: &mut Ready,
    ) -> Result<()> {
        let started = Instant::now();
        let decoding = source::decoding(&image.input);
        let decoded = match sample {
            Sample::Bytes(bytes) => self.decoder.decode(bytes, &decoding),
            Sample::Path(path) => {
                read(path, &mut self.file).and_then(|()| self.decoder.decode(&self.file, &decoding))
            }
        };
        self.timing.decode_ms += ms(started);
        decoded?;
        let picture = &self.decoder.picture;
        ready.picture = Some(picture.upright_size());
        ready.details = Some(picture.details.shown());
        if run.want.thumbnail > 0 {
            let started = Instant::now();
            ready.thumbnail = Some(self.thumbnails.make(picture, run.want.thumbnail as usize)?);
            self.timing.postprocess_ms += ms(started);
        }
        if run.want.picture_only {
            return Ok(());
        }
        let started = Instant::now();
        let picture = &mut self.decoder.picture;
        self.alterations.apply(&image.input.preprocess, picture)?;
        let (canvas, resizer) = (&mut self.canvas, &mut self.resizer);
        let frame = canvas.draw(&image.input, image.max_pixels, picture, resizer)?;
        ready.frame = Some(frame);
        image.normaliser.normalise(canvas, slot, &mut self.buffer);
        self.timing.preprocess_ms += ms(started);
        Ok(())
    }

    /// Runs the model on the samples of the batch, which are the first ones in the buffer.
    fn infer(&mut self, run: Run<'_>, image: &Image, ready: &[Ready]) -> Result<Vec<DynValue>> {
        let started = Instant::now();
        let count = ready.len();
        let axis = image.input.batch.length(count);
        let (width, height) = (self.canvas.width, self.canvas.height);
        let shape = image.input.shape(axis, width, height);
        let wanted = run.pipeline.task.outputs();
        // Samples that only pad a batch of a fixed length fill their tensors.
        let padding = std::iter::repeat(Frame::whole(width, height));
        let frames = ready.iter().filter_map(|ready| ready.frame).chain(padding);
        let others = match image.others.is_empty() {
            true => Ok(Vec::new()),
            false => image.other_inputs(&frames.take(axis).collect::<Vec<_>>()),
        };
        let outputs = self.guarded(|scratch| {
            let others = others?;
            scratch.buffer.tensor(shape, |picture| {
                let mut inputs: Vec<&DynValue> = others.iter().map(|(_, value)| value).collect();
                let before = others.iter().filter(|(place, _)| *place < image.place);
                inputs.insert(before.count(), picture);
                run.session.run(&inputs, wanted)
            })
        });
        let took = ms(started);
        self.timing.infer_ms += took;
        let outputs = outputs?;
        run.batch_times.add(count, took);
        // Outputs whose first axis isn't the batch can only be told apart one at a time.
        let is_batched = |value: &DynValue| {
            value
                .dtype()
                .tensor_shape()
                .and_then(|shape| shape.first().copied())
                == i64::try_from(axis).ok()
        };
        if count > 1 && !outputs.iter().all(is_batched) {
            return Err(Error::Shape(
                "an output's first axis is not the batch".into(),
            ));
        }
        Ok(outputs)
    }

    fn interpret(&mut self, run: Run<'_>, image: &Image, outputs: &[DynValue], ready: Vec<Ready>) {
        let axis = image.input.batch;
        let count = axis.length(ready.len());
        for (slot, ready) in ready.into_iter().enumerate() {
            let started = Instant::now();
            let part = Part {
                slot,
                count: (axis != BatchAxis::None).then_some(count),
            };
            let outcome = self.guarded(|_| interpreted(run, outputs, part, &ready));
            self.timing.postprocess_ms += ms(started);
            let (index, prediction) = ready.predicted(outcome);
            (run.each)(index, prediction);
        }
    }

    /// Reads one sample's tensors, runs the model on them, and interprets what comes out.
    fn tensors(&mut self, run: Run<'_>, axis: BatchAxis, sample: Sample<'_>) -> Result<Prediction> {
        let started = Instant::now();
        let bytes = match sample {
            Sample::Bytes(bytes) => bytes,
            Sample::Path(path) => {
                read(path, &mut self.file)?;
                &self.file
            }
        };
        let signature = &run.session.signature;
        let inputs = sample::read(bytes, &signature.inputs)?;
        let batch = TensorBatch::new(signature, axis, inputs, &[])?;
        if batch.rows() != 1 {
            return Err(Error::Shape(format!(
                "The sample holds {} rows, and a sample is one. Save each in a file of its own.",
                batch.rows()
            )));
        }
        let values = tensors::values(&[&batch], axis)?;
        self.timing.decode_ms += ms(started);
        let started = Instant::now();
        let values: Vec<_> = values.iter().collect();
        let outputs = run.session.run(&values, run.pipeline.task.outputs());
        self.timing.infer_ms += ms(started);
        let part = Part {
            slot: 0,
            count: Some(axis.max_batch(1)),
        };
        interpreted(run, &outputs?, part, &Ready::default())
    }

    /// A panic becomes an error of its own sample; the buffers, which it may have left in
    /// disorder, are made anew.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.decoder = self.decoder.anew();
            self.alterations = Alterations::default();
            self.resizer = Resizer::default();
            self.thumbnails = Thumbnailer::default();
            Err(Error::Run(
                "Boxwright made a mistake with this sample".into(),
            ))
        })
    }

    /// Gives back what very large pictures took, and forgets the time.
    pub fn trim(&mut self) {
        self.timing = Timing::default();
        self.decoder.trim(KEPT_BYTES);
        self.resizer.trim(KEPT_BYTES);
        if self.file.capacity() > KEPT_BYTES {
            self.file = Vec::new();
        }
    }
}

/// One sample's part of a run.
#[derive(Clone, Copy)]
struct Part {
    slot: usize,
    /// The samples that ran together; `None` where the model takes one, and has no axis for them.
    count: Option<usize>,
}

fn interpreted(
    run: Run<'_>,
    outputs: &[DynValue],
    part: Part,
    ready: &Ready,
) -> Result<Prediction> {
    let task = &run.pipeline.task;
    let slices = task.outputs().iter().zip(outputs).map(|(place, value)| {
        let name = &run.session.signature.outputs[*place].name;
        let slice = match part.count {
            Some(count) => Slice::of(name, value, part.slot, count),
            None => Slice::all(name, value),
        };
        slice.ok_or_else(|| {
            Error::Shape(format!(
                "The first axis of output `{name}` is not the batch."
            ))
        })
    });
    let slices = slices.collect::<Result<Vec<_>>>()?;
    let outcome = outcome(run, &slices, ready)?;
    let tensors = if run.want.tensor {
        task::tensors(&slices)?
    } else {
        Vec::new()
    };
    Ok(Prediction {
        tensors,
        ..Prediction::of(outcome)
    })
}

/// The outcome of a sample, whose outputs are kept where that is wanted.
fn outcome(run: Run<'_>, outputs: &[Slice<'_>], ready: &Ready) -> Result<Outcome> {
    let (task, frame) = (&run.pipeline.task, ready.frame.as_ref());
    let (Some(cache), Some(stamp)) = (run.cache, &ready.stamp) else {
        return task::outcome(task, outputs, frame, run.want);
    };
    let (outcome, kept) = CachedOutputs::of(task, outputs, frame, run.want, cache.room())?;
    if let Some(outputs) = kept {
        let sample = CachedSample {
            picture: ready.picture,
            details: ready.details.clone(),
            frame: ready.frame,
            outputs,
        };
        cache.put(stamp.clone(), sample);
    }
    Ok(outcome)
}

/// A sample's file as it is now, where its outputs are to be kept.
fn stamp(run: Run<'_>, sample: Sample<'_>) -> Option<FileStamp> {
    match (run.cache, sample) {
        (Some(_), Sample::Path(path)) => FileStamp::of(path).ok(),
        _ => None,
    }
}

/// Reads a regular file of a sensible size into a buffer that stays.
fn read(path: &Path, into: &mut Vec<u8>) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        Error::Sample(format!(
            "The file can't be read: {error}. Check that it is still there."
        ))
    };
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Error::Sample("It is no regular file.".into()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Error::Sample(format!(
            "The file has {} bytes, and samples may have {}.",
            grouped(metadata.len()),
            grouped(MAX_FILE_BYTES)
        )));
    }
    into.clear();
    // At least that long unless it is being changed; the limit holds while it grows.
    into.reserve(metadata.len() as usize + 1);
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES)
        .read_to_end(into)
        .map_err(unreadable)?;
    Ok(())
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
