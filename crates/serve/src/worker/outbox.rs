//! What the worker says.

use std::fs::File;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boxwright_worker::{Frame, FromWorker};

const BEAT: Duration = Duration::from_millis(250);

/// The pipe to whoever keeps this worker. Frames are written whole, from any thread.
pub struct Outbox {
    pipe: Mutex<File>,
    /// The request in flight.
    request: Mutex<Option<u64>>,
    begun: Condvar,
}

impl Outbox {
    /// Takes stdout for frames alone: what native code prints there from now on goes to stderr.
    pub fn take_stdout() -> io::Result<Self> {
        #[cfg(unix)]
        let pipe = {
            use std::os::fd::AsFd;
            let pipe = io::stdout().as_fd().try_clone_to_owned()?;
            rustix::stdio::dup2_stdout(io::stderr())?;
            pipe
        };
        #[cfg(windows)]
        let pipe = {
            use std::os::windows::io::AsHandle;
            io::stdout().as_handle().try_clone_to_owned()?
        };
        Ok(Self {
            pipe: Mutex::new(pipe.into()),
            request: Mutex::default(),
            begun: Condvar::new(),
        })
    }

    /// Sends one message. Where nobody reads any more, the process ends.
    pub fn send(&self, id: u64, message: FromWorker, body: Vec<u8>) {
        let frame = match Frame::new(id, message, body) {
            Ok(frame) => frame,
            Err(error) => return tracing::error!("a message can't be written: {error}"),
        };
        let written = frame.write_blocking(&mut *lock(&self.pipe));
        if let Err(error) = written {
            tracing::error!("the pipe is gone: {error}");
            end_now();
        }
    }

    /// From now on the request is in flight.
    pub fn begin(&self, id: u64) {
        *lock(&self.request) = Some(id);
        self.begun.notify_one();
    }

    /// No request is in flight.
    pub fn end(&self) {
        *lock(&self.request) = None;
    }

    /// Says `alive` while a request is in flight; never returns.
    pub fn beat(&self) -> ! {
        loop {
            let mut request = lock(&self.request);
            while request.is_none() {
                request = self
                    .begun
                    .wait(request)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(request);
            std::thread::sleep(BEAT);
            let request = *lock(&self.request);
            if let Some(id) = request {
                self.send(id, FromWorker::Alive, Vec::new());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process without a word to anyone, and without running destructors of libraries whose
/// threads are still at work: those crash or hang.
fn end_now() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
