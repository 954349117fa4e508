//! The two ends of a worker's pipe, each served by a task of its own, so that neither a full pipe
//! nor a caller that stops waiting leaves half a frame behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::frame::{Frame, FrameError, Limits};
use crate::message::{FromWorker, Header};

/// Results that are buffered for a slow reader before the worker has to wait.
const INBOX: usize = 64;

/// A message with its body, or why there will be no more.
pub(crate) type Received = Result<(Header<FromWorker>, Bytes), FrameError>;

/// A connection to a worker.
pub(crate) struct Pipe {
    /// `None` once nothing more is sent to the worker.
    outbox: Option<mpsc::UnboundedSender<Frame>>,
    inbox: mpsc::Receiver<Received>,
    activity: Activity,
    // Ends the tasks when the pipe is dropped.
    tasks: JoinSet<()>,
}

impl Pipe {
    pub(crate) fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (outbox, to_send) = mpsc::unbounded_channel();
        let (received, inbox) = mpsc::channel(INBOX);
        let activity = Activity::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(send(writer, to_send, activity.clone()));
        tasks.spawn(receive(reader, received, activity.clone()));
        Self {
            outbox: Some(outbox),
            inbox,
            activity,
            tasks,
        }
    }

    /// Hands a frame over to be written. A pipe that is broken shows at [`Pipe::next`].
    pub(crate) fn send(&mut self, frame: Frame) {
        self.activity.record();
        if let Some(outbox) = &self.outbox {
            let _ = outbox.send(frame);
        }
    }

    /// The next message; `None` once the pipe has ended. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        self.inbox.recv().await
    }

    /// How long neither side has transferred a byte.
    pub(crate) fn idle_time(&self) -> Duration {
        self.activity.idle_time()
    }

    /// Ends the worker's input after what has been handed over.
    pub(crate) fn finish(&mut self) {
        self.outbox = None;
    }

    /// Closes both ends at once.
    pub(crate) fn close(&mut self) {
        self.outbox = None;
        self.tasks.abort_all();
        self.inbox.close();
    }
}

async fn send(
    mut writer: impl AsyncWrite + Unpin,
    mut frames: mpsc::UnboundedReceiver<Frame>,
    activity: Activity,
) {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = frame.write(&mut writer, &|| activity.record()).await {
            tracing::debug!(%error, "the worker's input is closed");
            return;
        }
    }
    let _ = writer.shutdown().await;
}

async fn receive(
    reader: impl AsyncRead + Unpin,
    received: mpsc::Sender<Received>,
    activity: Activity,
) {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let limits = Limits::default();
    loop {
        let frame = match Frame::read(&mut reader, &limits).await {
            Ok(Some(frame)) => frame,
            // Half a frame is what a worker leaves that was killed while it wrote.
            Ok(None) | Err(FrameError::Truncated | FrameError::Io(_)) => return,
            Err(error) => {
                let _ = received.send(Err(error)).await;
                return;
            }
        };
        activity.record();
        let message = frame.parse().map(|header| (header, frame.body));
        let broken = message.is_err();
        if received.send(message).await.is_err() || broken {
            return;
        }
    }
}

/// When the pipe last transferred bytes.
#[derive(Clone)]
struct Activity {
    start: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            last_ms: Arc::default(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn record(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn idle_time(&self) -> Duration {
        Duration::from_millis(
            self.now_ms()
                .saturating_sub(self.last_ms.load(Ordering::Relaxed)),
        )
    }
}
