//! What is said when native code crashes. The process ends by its signal as it would have without
//! this: an orchestrator starts the container again, and its log says why.

/// Writes one line to stderr before a fatal signal ends the process.
pub fn explain() {
    #[cfg(unix)]
    for (signal, line) in unix::LINES {
        if let Err(error) = unix::explain(signal, line) {
            tracing::warn!(signal, "a crash would not be explained: {error}");
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    use signal_hook::low_level::{emulate_default_handler, exit};

    macro_rules! line {
        ($name:literal) => {
            concat!(
                "error: native code crashed (",
                $name,
                "), in the model's operators or in a library; the process ends, and is to be started again\n"
            )
        };
    }

    pub const LINES: [(i32, &str); 5] = [
        (SIGABRT, line!("SIGABRT")),
        (SIGBUS, line!("SIGBUS")),
        (SIGFPE, line!("SIGFPE")),
        (SIGILL, line!("SIGILL")),
        (SIGSEGV, line!("SIGSEGV")),
    ];

    static SAID: AtomicBool = AtomicBool::new(false);

    #[expect(unsafe_code, reason = "a signal handler")]
    pub fn explain(signal: i32, line: &'static str) -> std::io::Result<()> {
        let handler = move || {
            // Ending may go through a second signal.
            if !SAID.swap(true, Ordering::Relaxed) {
                // There is nobody to tell that stderr is gone.
                let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
            }
            // The first process of a container gets no signal that it sends itself; what its signal
            // would be told as is this status.
            if std::process::id() == 1 {
                exit(128 + signal);
            }
            let _ = emulate_default_handler(signal);
        };
        // SAFETY: the handler does what signal-safety(7) allows, an atomic swap, write(2), getpid(2),
        // _exit(2), and what `emulate_default_handler` promises to be safe; it never returns to the
        // faulting code.
        unsafe { signal_hook_registry::register_signal_unchecked(signal, handler) }.map(drop)
    }
}
