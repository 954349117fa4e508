//! Crash handler: logs that native code crashed. The process then ends by the signal, as it would have
//! without the handler, and an orchestrator starts the container again.

/// Installs signal handlers that write one line to stderr before a fatal signal ends the process.
pub fn install_handlers() {
    #[cfg(unix)]
    for (signal, message) in unix::MESSAGES {
        if let Err(error) = unix::install_handler(signal, message) {
            tracing::warn!(signal, "the crash handler can't be installed: {error}");
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    use signal_hook::low_level::{emulate_default_handler, exit};

    macro_rules! message {
        ($name:literal) => {
            concat!(
                "error: native code crashed (",
                $name,
                "), in the model's operators or in a library; the process ends, and is to be started again\n"
            )
        };
    }

    pub const MESSAGES: [(i32, &str); 5] = [
        (SIGABRT, message!("SIGABRT")),
        (SIGBUS, message!("SIGBUS")),
        (SIGFPE, message!("SIGFPE")),
        (SIGILL, message!("SIGILL")),
        (SIGSEGV, message!("SIGSEGV")),
    ];

    static REPORTED: AtomicBool = AtomicBool::new(false);

    #[expect(unsafe_code, reason = "a signal handler")]
    pub fn install_handler(signal: i32, message: &'static str) -> std::io::Result<()> {
        let handler = move || {
            // Ending the process may raise a second signal.
            if !REPORTED.swap(true, Ordering::Relaxed) {
                // An error of stderr can't be reported anywhere.
                let _ = rustix::io::write(rustix::stdio::stderr(), message.as_bytes());
            }
            // The first process of a container does not receive signals that it sends itself; it ends
            // with the status that a shell gives for the signal.
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
