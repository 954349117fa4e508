//! The side that keeps a worker: one request at a time, results as they come. A worker that dies or
//! is stopped is told from one that is busy within a second, one that hangs by its idle_time.

use std::collections::BTreeMap;
use std::time::Duration;

use boxwright_model::package::Package;
use boxwright_model::prediction::{DeviceUsed, Outcome, PictureDetails, Timing};
use boxwright_model::recipe::RecipeReport;
use boxwright_model::{Device, DeviceKind};
use boxwright_tensor::{Signature, Tensor};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::WorkerError;
use crate::frame::{Frame, FrameError, Limits};
use crate::message::{FromWorker, Header, Item, Span, TensorBytes, ToWorker, Want, slice};
use crate::pipe::Pipe;
use crate::process::{Process, WorkerCommand};

/// How often the process of a worker that sends nothing is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// A worker that has sent nothing for so long hangs: it sends `alive` four times a second.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same before `hello`: under emulation, loading the libraries takes long.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a cancelled request may take to finish by itself.
const CANCEL_GRACE: Duration = Duration::from_millis(300);
/// How long the process may take to end once its pipe has.
const END_GRACE: Duration = Duration::from_millis(500);
/// How long a worker that was told to stop may take.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// What a worker says of itself when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Name and version of the program.
    pub program: String,
    /// Version of its ONNX Runtime library.
    pub onnxruntime: String,
    /// The kinds of device that its library knows.
    pub devices: Vec<DeviceKind>,
}

/// What a worker should load.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// The package file, as the worker sees it.
    pub package: String,
    /// The package's content in place of the file's, for edits that are not saved.
    pub inline: Option<Box<Package>>,
    /// What predicts.
    pub device: Device,
    /// Threads that predict; 0 for one a core.
    pub threads: usize,
    /// Most pixels that a picture may have before it is decoded; the worker's own where absent.
    pub max_pixels: Option<u64>,
}

/// What a worker has loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The device that runs it, and why.
    pub device: DeviceUsed,
    /// What the model takes and gives, as ONNX Runtime sees it.
    pub signature: Signature,
    /// Digest of the model's files, `sha256:…`.
    pub model_digest: String,
    /// Time to read the model and create the session, in milliseconds.
    pub load_ms: f64,
}

/// One sample's result.
#[derive(Debug, Clone, PartialEq)]
pub struct FromWorkerResult {
    /// The number of the item.
    pub sample: u64,
    /// The prediction or the error.
    pub outcome: Outcome,
    /// Width and height of the upright picture, in pixels.
    pub picture: Option<[u32; 2]>,
    /// What the picture's file says about itself.
    pub details: Option<PictureDetails>,
    /// A JPEG, where one was wanted.
    pub thumbnail: Option<Bytes>,
    /// Raw outputs in the order of their names, without the batch axis, where bytes were wanted.
    pub tensors: Vec<Tensor>,
}

/// A worker that has said hello. Dropping it ends its process.
pub struct Worker {
    pipe: Pipe,
    process: Option<Process>,
    hello: Hello,
    last_request: u64,
    ended: bool,
}

impl Worker {
    /// Starts a worker's process and waits for its `hello`.
    pub async fn start(command: &WorkerCommand) -> Result<Self, WorkerError> {
        let (process, stdin, stdout) = Process::spawn(command)?;
        Self::handshake(Pipe::new(stdout, stdin), Some(process)).await
    }

    /// Takes over a worker behind any pipe, of which nothing has been read yet.
    pub async fn attach(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Self, WorkerError> {
        Self::handshake(Pipe::new(reader, writer), None).await
    }

    async fn handshake(pipe: Pipe, process: Option<Process>) -> Result<Self, WorkerError> {
        let hello = Hello {
            program: String::new(),
            onnxruntime: String::new(),
            devices: Vec::new(),
        };
        let mut worker = Self {
            pipe,
            process,
            hello,
            last_request: 0,
            ended: false,
        };
        loop {
            match worker.next(START_TIMEOUT).await?.0.message {
                FromWorker::Alive => {}
                FromWorker::Hello {
                    program,
                    onnxruntime,
                    devices,
                } => {
                    worker.hello = Hello {
                        program,
                        onnxruntime,
                        devices,
                    };
                    return Ok(worker);
                }
                other => return Err(worker.unexpected(other)),
            }
        }
    }

    /// What the worker said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The process id, for a worker that was started and still runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// Whether the worker takes requests. It does not after [`WorkerError::Lost`],
    /// [`WorkerError::Protocol`], or a cancelled request that it did not end by itself.
    pub fn is_running(&self) -> bool {
        !self.ended
    }

    /// Loads a package. The session is kept where only the pipeline around it has changed.
    pub async fn load(&mut self, load: Load) -> Result<Loaded, WorkerError> {
        let Load {
            package,
            inline,
            device,
            threads,
            max_pixels,
        } = load;
        let message = ToWorker::Load {
            package,
            inline,
            device,
            threads,
            max_pixels,
        };
        let request = self.send(message, Bytes::new())?;
        match self.answer(request).await?.0 {
            FromWorker::Loaded {
                device,
                signature,
                model_digest,
                load_ms,
                ..
            } => Ok(Loaded {
                device,
                signature,
                model_digest,
                load_ms,
            }),
            other => Err(self.unexpected(other)),
        }
    }

    /// Predicts `items`, whose bytes (if not paths) lie in `body`. Calls `each` with every result,
    /// in the order in which they are ready, and returns the timing and whether the request was
    /// cancelled. A cancelled worker that does not end the request soon is killed.
    pub async fn predict(
        &mut self,
        items: Vec<Item>,
        body: Bytes,
        want: Want,
        batch_size: Option<usize>,
        cancel: &CancellationToken,
        each: &mut (dyn FnMut(FromWorkerResult) + Send),
    ) -> Result<(Timing, bool), WorkerError> {
        let request = self.send(
            ToWorker::Predict {
                items,
                want,
                batch_size,
            },
            body,
        )?;
        let mut deadline = None;
        loop {
            let (message, body) = tokio::select! {
                biased;
                () = cancel.cancelled(), if deadline.is_none() => {
                    deadline = Some(Instant::now() + CANCEL_GRACE);
                    self.send_as(request, ToWorker::Cancel, Bytes::new())?;
                    continue;
                }
                () = until(deadline) => {
                    self.end();
                    return Ok((Timing::default(), true));
                }
                answer = self.answer(request) => answer?,
            };
            match message {
                FromWorker::Result {
                    sample,
                    outcome,
                    picture,
                    details,
                    thumbnail,
                    tensors,
                } => {
                    let result = result(&body, thumbnail, tensors);
                    let (thumbnail, tensors) = match result {
                        Ok(parts) => parts,
                        Err(source) => return Err(self.broken(source)),
                    };
                    each(FromWorkerResult {
                        sample,
                        outcome,
                        picture,
                        details,
                        thumbnail,
                        tensors,
                    });
                }
                FromWorker::Done { timing, cancelled } => return Ok((timing, cancelled)),
                other => return Err(self.unexpected(other)),
            }
        }
    }

    /// Finds the recipe that makes what a notebook saved of photos; `body` holds the photos and the
    /// files. Returns the report and a JPEG of where the nearest recipe differs. `None` if the
    /// request was cancelled, which kills the worker.
    pub async fn match_recipe(
        &mut self,
        question: ToWorker,
        body: Bytes,
        cancel: &CancellationToken,
    ) -> Result<Option<(RecipeReport, Option<Bytes>)>, WorkerError> {
        let request = self.send(question, body)?;
        let (message, body) = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                self.end();
                return Ok(None);
            }
            answer = self.answer(request) => answer?,
        };
        match message {
            FromWorker::Matched { report, heat_map } => {
                let heat_map = heat_map.and_then(|span| slice(&body, span));
                Ok(Some((*report, heat_map)))
            }
            other => Err(self.unexpected(other)),
        }
    }

    /// Ends the worker: after what is in flight, or by force where that takes too long.
    pub async fn stop(mut self) {
        if self.ended || self.send(ToWorker::Shutdown, Bytes::new()).is_err() {
            return;
        }
        self.pipe.finish();
        if let Some(process) = &mut self.process {
            process.ended(STOP_GRACE).await;
        } else {
            // Nothing says when a worker behind a foreign pipe is gone but the pipe itself.
            let gone = async { while self.pipe.next().await.is_some() {} };
            let _ = tokio::time::timeout(STOP_GRACE, gone).await;
        }
    }

    /// Sends a message as a new request and returns its number.
    fn send(&mut self, message: ToWorker, body: Bytes) -> Result<u64, WorkerError> {
        self.last_request += 1;
        self.send_as(self.last_request, message, body)?;
        Ok(self.last_request)
    }

    fn send_as(&mut self, id: u64, message: ToWorker, body: Bytes) -> Result<(), WorkerError> {
        if self.ended {
            let how = "has already ended".to_owned();
            return Err(WorkerError::Lost {
                how,
                stderr: String::new(),
            });
        }
        let frame = Frame::new(id, message, body)
            .and_then(|frame| frame.check(&Limits::default()).map(|()| frame))
            .map_err(|source| WorkerError::Protocol { source })?;
        self.pipe.send(frame);
        Ok(())
    }

    /// The next message that answers `request`, other than `alive`.
    async fn answer(&mut self, request: u64) -> Result<(FromWorker, Bytes), WorkerError> {
        loop {
            let (header, body) = self.next(RESPONSE_TIMEOUT).await?;
            let ours = header.id == request || header.id == 0;
            match header.message {
                FromWorker::Alive => {}
                FromWorker::Error {
                    code,
                    message,
                    hint,
                    causes,
                    retryable,
                } if ours => {
                    return Err(WorkerError::Refused {
                        code,
                        message,
                        hint,
                        causes,
                        retryable,
                    });
                }
                // What is left of a request whose caller stopped waiting for it.
                _ if !ours => {}
                message => return Ok((message, body)),
            }
        }
    }

    async fn next(
        &mut self,
        timeout: Duration,
    ) -> Result<(Header<FromWorker>, Bytes), WorkerError> {
        loop {
            tokio::select! {
                biased;
                received = self.pipe.next() => return match received {
                    Some(Ok(message)) => Ok(message),
                    Some(Err(source)) => Err(self.broken(source)),
                    None => Err(self.gone().await),
                },
                () = sleep(POLL_INTERVAL) => {}
            }
            if self.process.as_ref().is_some_and(Process::is_stopped) {
                return Err(self.lost("was stopped (SIGSTOP)".to_owned()).await);
            }
            if self.pipe.idle_time() > timeout {
                let how = format!("has not answered for {} s", timeout.as_secs());
                return Err(self.lost(how).await);
            }
        }
    }

    /// The pipe has ended: says how the process did.
    async fn gone(&mut self) -> WorkerError {
        let how = match &mut self.process {
            Some(process) => process.ended(END_GRACE).await,
            None => None,
        };
        self.lost(how.unwrap_or_else(|| "closed its end of the pipe".to_owned()))
            .await
    }

    async fn lost(&mut self, how: String) -> WorkerError {
        self.end();
        let stderr = match &mut self.process {
            Some(process) => process.stderr().await,
            None => String::new(),
        };
        WorkerError::Lost { how, stderr }
    }

    fn broken(&mut self, source: FrameError) -> WorkerError {
        self.end();
        WorkerError::Protocol { source }
    }

    /// An error frame where nothing was asked, or a message that does not belong here.
    fn unexpected(&mut self, message: FromWorker) -> WorkerError {
        if let FromWorker::Error {
            code,
            message,
            hint,
            causes,
            retryable,
        } = message
        {
            return WorkerError::Refused {
                code,
                message,
                hint,
                causes,
                retryable,
            };
        }
        let reason = format!("{message:.80?} was not expected");
        self.broken(FrameError::Header { id: 0, reason })
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(process) = &mut self.process {
            process.kill();
        }
        self.pipe.close();
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

type Parts = (Option<Bytes>, Vec<Tensor>);

fn result(
    body: &Bytes,
    thumbnail: Option<Span>,
    tensors: BTreeMap<String, TensorBytes>,
) -> Result<Parts, FrameError> {
    let thumbnail = thumbnail.map(|span| cut(body, span)).transpose()?;
    let tensor = |(name, tensor): (String, TensorBytes)| {
        Ok(Tensor {
            name,
            datatype: tensor.datatype,
            shape: tensor.shape,
            data: cut(body, tensor.bytes)?,
        })
    };
    let tensors = tensors.into_iter().map(tensor);
    let tensors = tensors.collect::<Result<_, FrameError>>()?;
    Ok((thumbnail, tensors))
}

fn cut(body: &Bytes, span: Span) -> Result<Bytes, FrameError> {
    slice(body, span).ok_or_else(|| FrameError::Header {
        id: 0,
        reason: format!(
            "{} bytes at {} of a body of {} bytes",
            span[1],
            span[0],
            body.len()
        ),
    })
}
