//! The worker: frames in on stdin, frames out on stdout, one session, one request at a time.
//!
//! One thread reads, so that `cancel` arrives while the model runs; another sends heartbeats. The
//! worker ends with its input, or at once when its output is closed.

mod frame_writer;
mod recipe;
mod session;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use boxwright_model::DeviceKind;
use boxwright_worker::{Frame, FrameError, FromWorker, Limits, ToWorker};
use bytes::Bytes;

use frame_writer::FrameWriter;
use session::Session;

/// Requests that may wait; further frames are left in the pipe.
const QUEUE_SIZE: usize = 64;

/// A request in the queue.
struct Request {
    id: u64,
    message: ToWorker,
    body: Bytes,
    cancel: Arc<AtomicBool>,
}

/// Runs until stdin ends or a `shutdown` arrives.
pub fn run() -> ExitCode {
    let writer = match FrameWriter::take_stdout() {
        Ok(writer) => Arc::new(writer),
        Err(error) => {
            tracing::error!("stdout can't be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let library = match crate::process::onnxruntime_library() {
        Ok(library) => library,
        Err(message) => return fail(&writer, session::internal(message, "")),
    };
    let onnxruntime = match boxwright_predict::runtime_version(&library) {
        Ok(version) => version,
        Err(error) => return fail(&writer, session::failure(&error)),
    };
    let (program, devices) = (
        crate::process::NAME_AND_VERSION.into(),
        vec![DeviceKind::Cpu],
    );
    let hello = FromWorker::Hello {
        program,
        onnxruntime,
        devices,
    };
    writer.send(0, hello, Vec::new());
    let heartbeats = Arc::clone(&writer);
    std::thread::spawn(move || heartbeats.send_heartbeats());
    let (sender, requests) = sync_channel(QUEUE_SIZE);
    let errors = Arc::clone(&writer);
    let reader = std::thread::spawn(move || read(&errors, &sender));
    let ended_by_shutdown = handle_requests(&writer, &mut Session::new(library), requests);
    // The reader may still wait for a frame that never comes.
    if ended_by_shutdown || reader.join().unwrap_or(false) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn fail(writer: &FrameWriter, error: FromWorker) -> ExitCode {
    writer.send(0, error, Vec::new());
    ExitCode::FAILURE
}

/// Reads frames until the input ends; returns whether it ended cleanly.
fn read(writer: &FrameWriter, requests: &SyncSender<Request>) -> bool {
    let mut cancels: HashMap<u64, Arc<AtomicBool>> = HashMap::new();
    let mut stdin = std::io::stdin().lock();
    loop {
        let frame = match Frame::read_blocking(&mut stdin, &Limits::default()) {
            Ok(Some(frame)) => frame,
            Ok(None) => return true,
            Err(error) => {
                send_error(writer, &error);
                return false;
            }
        };
        let header = match frame.parse::<ToWorker>() {
            Ok(header) => header,
            Err(error) => {
                send_error(writer, &error);
                continue;
            }
        };
        // Requests hold a second reference until they have been answered.
        cancels.retain(|_, cancel| Arc::strong_count(cancel) > 1);
        if header.message == ToWorker::Cancel {
            if let Some(cancel) = cancels.get(&header.id) {
                cancel.store(true, Ordering::Relaxed);
            }
            continue;
        }
        let cancel = Arc::new(AtomicBool::new(false));
        cancels.insert(header.id, Arc::clone(&cancel));
        let request = Request {
            id: header.id,
            message: header.message,
            body: frame.body,
            cancel,
        };
        if requests.send(request).is_err() {
            return true;
        }
    }
}

fn send_error(writer: &FrameWriter, error: &FrameError) {
    tracing::error!("{error}");
    let hint = "Start the worker that belongs to this program's version.";
    writer.send(
        error.request(),
        session::internal(error.to_string(), hint),
        Vec::new(),
    );
}

/// Answers requests in their order; returns whether a `shutdown` ended it.
fn handle_requests(
    writer: &FrameWriter,
    session: &mut Session,
    requests: Receiver<Request>,
) -> bool {
    for Request {
        id,
        message,
        body,
        cancel,
    } in requests
    {
        if message == ToWorker::Shutdown {
            return true;
        }
        writer.request_started(id);
        let answer = catch_unwind(AssertUnwindSafe(|| {
            session.answer(message, &body, &cancel, &|result, body| {
                writer.send(id, result, body)
            })
        }));
        let answer = answer.unwrap_or_else(|_| {
            let hint = "Other requests are not affected; the log says where it failed.";
            session::internal(
                "the worker failed inside: this is a fault of Boxwright",
                hint,
            )
        });
        writer.request_finished();
        writer.send(id, answer, Vec::new());
    }
    false
}
