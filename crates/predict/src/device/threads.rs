//! The threads that share a run with the one that asks for it, each on a core of its own.
//!
//! Threads of a run spin while they wait for each other. If the scheduler wakes one on the core of
//! the asking thread, as Linux was seen to do in a virtual machine while another core was idle, the
//! two spin by turns, a time slice each, and a run of 5 ms takes 15.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use ort::environment::ThreadManager;

/// What ONNX Runtime's own threads have.
const STACK: usize = 8 << 20;

/// The threads of one session, beside those that call it.
#[derive(Debug, Clone, Default)]
pub(crate) struct IntraOpThreads(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    threads: Vec<cores::Thread>,
    /// The core that all of them keep off.
    kept_off: Option<usize>,
}

impl IntraOpThreads {
    /// Keeps these threads off the calling thread's core until the next call. Costs a system call for
    /// each of them where that core is another than last time.
    pub fn keep_off_this_core(&self) {
        let mut state = self.state();
        if state.threads.is_empty() {
            return;
        }
        let here = cores::current();
        if state.kept_off != here {
            state.kept_off = here.filter(|core| cores::keep_off(*core, &state.threads));
        }
    }

    fn joined_by_this_thread(&self) {
        let mut state = self.state();
        state.threads.extend(cores::this_thread());
        state.kept_off = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ThreadManager for IntraOpThreads {
    type Thread = JoinHandle<()>;

    fn create(&self, work: impl FnOnce() + Send + 'static) -> ort::Result<Self::Thread> {
        let threads = self.clone();
        Builder::new()
            .name("intra-op".into())
            .stack_size(STACK)
            .spawn(move || {
                threads.joined_by_this_thread();
                work();
            })
            .map_err(ort::Error::wrap)
    }

    fn join(thread: Self::Thread) -> ort::Result<()> {
        thread
            .join()
            .map_err(|_| ort::Error::new("a thread of a run panicked"))
    }
}

#[cfg(target_os = "linux")]
mod cores {
    use rustix::thread::{Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    pub type Thread = Pid;

    pub fn this_thread() -> Option<Thread> {
        Some(gettid())
    }

    pub fn current() -> Option<usize> {
        Some(sched_getcpu())
    }

    /// Whether all `threads` now keep off `core`. Those that don't are slower at worst.
    pub fn keep_off(core: usize, threads: &[Thread]) -> bool {
        let Ok(mut others) = sched_getaffinity(None) else {
            return false;
        };
        others.unset(core);
        let keep_off = |thread: &Thread| sched_setaffinity(Some(*thread), &others).is_ok();
        others.count() > 0 && threads.iter().all(keep_off)
    }
}

/// Elsewhere the scheduler is left alone.
#[cfg(not(target_os = "linux"))]
mod cores {
    #[derive(Debug)]
    pub enum Thread {}

    pub fn this_thread() -> Option<Thread> {
        None
    }

    pub fn current() -> Option<usize> {
        None
    }

    pub fn keep_off(_: usize, _: &[Thread]) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc;

    use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

    use super::*;

    #[test]
    fn intra_op_threads_keep_off_the_core_of_whoever_asks() {
        let all = sched_getaffinity(None).unwrap();
        let threads = IntraOpThreads::default();
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let thread_of_run = threads
            .create(move || {
                tell.send(gettid()).unwrap();
                let _ = ended.recv();
            })
            .unwrap();
        let thread = told.recv().unwrap();
        for core in (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)) {
            let mut only = CpuSet::new();
            only.set(core);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    sched_setaffinity(None, &only).unwrap();
                    // What it may use is what its process may: it has no other core to leave to them.
                    threads.keep_off_this_core();
                    assert_eq!(sched_getaffinity(Some(thread)).unwrap(), all);
                });
            });
        }
        if all.count() > 1 {
            threads.keep_off_this_core();
            let kept = threads.state().kept_off.unwrap();
            let left = sched_getaffinity(Some(thread)).unwrap();
            assert!(!left.is_set(kept));
            assert_eq!(left.count(), all.count() - 1);
        }
        drop(end);
        IntraOpThreads::join(thread_of_run).unwrap();
    }
}
