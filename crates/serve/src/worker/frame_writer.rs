//! Writing frames to stdout, and heartbeats while a request is in flight.

use std::fs::File;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boxwright_worker::{Frame, FromWorker};

/// Between two heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(250);

/// The pipe to the program that started this worker. Frames are written whole, from any thread.
pub struct FrameWriter {
    pipe: Mutex<File>,
    /// The request in flight.
    in_flight: Mutex<Option<u64>>,
    started: Condvar,
}

impl FrameWriter {
    /// Takes stdout for frames alone: what native code prints to it from now on goes to stderr.
    ///
    /// # Errors
    /// Where stdout can't be duplicated.
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
            in_flight: Mutex::default(),
            started: Condvar::new(),
        })
    }

    /// Sends one message. Where the pipe is closed, the process ends.
    pub fn send(&self, id: u64, message: FromWorker, body: Vec<u8>) {
        let frame = match Frame::new(id, message, body) {
            Ok(frame) => frame,
            Err(error) => return tracing::error!("a message can't be encoded: {error}"),
        };
        let written = frame.write_blocking(&mut *lock(&self.pipe));
        if let Err(error) = written {
            tracing::error!("the pipe is closed: {error}");
            kill_process();
        }
    }

    /// Sends heartbeats for this request from now on.
    pub fn request_started(&self, id: u64) {
        *lock(&self.in_flight) = Some(id);
        self.started.notify_one();
    }

    /// Sends no heartbeats until the next request.
    pub fn request_finished(&self) {
        *lock(&self.in_flight) = None;
    }

    /// Sends `alive` regularly while a request is in flight; never returns.
    pub fn send_heartbeats(&self) -> ! {
        loop {
            let mut request = lock(&self.in_flight);
            while request.is_none() {
                request = self
                    .started
                    .wait(request)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(request);
            std::thread::sleep(HEARTBEAT_INTERVAL);
            let request = *lock(&self.in_flight);
            if let Some(id) = request {
                self.send(id, FromWorker::Alive, Vec::new());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process at once. The destructors of libraries are not run: they crash or hang while threads
/// of the library are still running.
fn kill_process() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
