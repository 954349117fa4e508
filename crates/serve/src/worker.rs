//! The worker: frames in on stdin, frames out on stdout, one session, one request at a time.
//!
//! A thread reads, so that `cancel` is heard while the model runs; another says `alive`. The
//! worker ends with its input, or at once when nobody reads its output any more.

mod outbox;
mod session;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use boxwright_worker::{Frame, FrameError, FromWorker, Limits, ToWorker};
use bytes::Bytes;

use outbox::Outbox;
use session::Session;

/// Requests that may wait; further frames are left in the pipe.
const WAITING: usize = 64;

/// A request as it waits for its turn.
struct Request {
    id: u64,
    message: ToWorker,
    body: Bytes,
    cancel: Arc<AtomicBool>,
}

/// Runs until stdin ends or a `shutdown` arrives.
pub fn run() -> ExitCode {
    let outbox = match Outbox::take_stdout() {
        Ok(outbox) => Arc::new(outbox),
        Err(error) => {
            tracing::error!("stdout can't be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let library = match crate::program::library() {
        Ok(library) => library,
        Err(message) => return give_up(&outbox, session::internal(message, "")),
    };
    let onnxruntime = match boxwright_predict::runtime_version(&library) {
        Ok(version) => version,
        Err(error) => return give_up(&outbox, session::failure(&error)),
    };
    let (program, devices) = (crate::PROGRAM.into(), vec!["cpu".into()]);
    let hello = FromWorker::Hello {
        program,
        onnxruntime,
        devices,
    };
    outbox.send(0, hello, Vec::new());
    let beating = Arc::clone(&outbox);
    std::thread::spawn(move || beating.beat());
    let (sender, requests) = sync_channel(WAITING);
    let answering = Arc::clone(&outbox);
    let reader = std::thread::spawn(move || read(&answering, &sender));
    let ended_by_shutdown = work(&outbox, &mut Session::new(library), requests);
    // The reader may still wait for a frame that never comes.
    if ended_by_shutdown || reader.join().unwrap_or(false) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn give_up(outbox: &Outbox, error: FromWorker) -> ExitCode {
    outbox.send(0, error, Vec::new());
    ExitCode::FAILURE
}

/// Reads frames until the input ends; whether it ended cleanly.
fn read(outbox: &Outbox, requests: &SyncSender<Request>) -> bool {
    let mut cancels: HashMap<u64, Arc<AtomicBool>> = HashMap::new();
    let mut stdin = std::io::stdin().lock();
    loop {
        let frame = match Frame::read_blocking(&mut stdin, &Limits::default()) {
            Ok(Some(frame)) => frame,
            Ok(None) => return true,
            Err(error) => {
                answer_error(outbox, &error);
                return false;
            }
        };
        let header = match frame.parse::<ToWorker>() {
            Ok(header) => header,
            Err(error) => {
                answer_error(outbox, &error);
                continue;
            }
        };
        // Only requests that have no answer yet hold a second reference.
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

fn answer_error(outbox: &Outbox, error: &FrameError) {
    tracing::error!("{error}");
    let hint = "Start the worker that belongs to this program's version.";
    outbox.send(
        error.request(),
        session::internal(error.to_string(), hint),
        Vec::new(),
    );
}

/// Answers requests in their order; whether a `shutdown` ended it.
fn work(outbox: &Outbox, session: &mut Session, requests: Receiver<Request>) -> bool {
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
        outbox.begin(id);
        let answer = catch_unwind(AssertUnwindSafe(|| {
            session.answer(message, &body, &cancel, &|result, body| {
                outbox.send(id, result, body)
            })
        }));
        let answer = answer.unwrap_or_else(|_| {
            let hint = "What was asked before and after is not affected; the log says where.";
            session::internal(
                "the worker failed inside: this is a fault of Boxwright",
                hint,
            )
        });
        outbox.end();
        outbox.send(id, answer, Vec::new());
    }
    false
}
