//! The server in the container: live at once, ready when the model is loaded and warm, and drained
//! before it ends.

mod access_log;
mod blocking;
mod context;
mod engine;
mod grpc;
mod http;
mod limits;
mod listen;
mod memory;
mod metrics;
mod models;
mod page;
mod policy;
mod ports;
mod problem;
mod protocol;
mod state;
mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxwright_predict::{Concurrency, Options, Predictor, runtime_version};

use crate::settings::Settings;
use context::Context;
use engine::Engine;
use limits::Limits;
use memory::MemoryBudget;
use metrics::{Metrics, ModelLabels};
use policy::RequestPolicy;
use ports::Ports;
use state::ServerState;

/// How long requests in flight may take after SIGTERM: less than the 30 s that orchestrators grant.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
/// How long blocking threads may take to end after that.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// Threads of the async runtime: they only move bytes, predictions have threads of their own.
const ASYNC_THREADS: usize = 2;

/// Runs until SIGTERM or SIGINT.
pub fn run(settings: Settings) -> ExitCode {
    // Blocking threads need a core each: by the hundred, they would starve the async threads.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(ASYNC_THREADS)
        .max_blocking_threads(cores.max(2))
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(serve(settings));
            runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
            result
        }
        Err(error) => Err(format!("the server can't start its threads: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Settings) -> Result<(), String> {
    let end_signal =
        end_signal().map_err(|error| format!("signal handlers can't be installed: {error}"))?;
    let limits = Limits::new(&settings);
    let memory = MemoryBudget::new(limits.body_memory, settings.max_body);
    let context = Context {
        state: Arc::new(ServerState::default()),
        metrics: Arc::new(Metrics::new(settings.queue_size, &memory)),
        max_body: settings.max_body,
        request_timeout: settings.request_timeout,
    };
    let policy = RequestPolicy {
        local_only: false,
        timeout: settings.request_timeout,
        max_body: settings.max_body,
        memory,
        metrics: Arc::clone(&context.metrics),
    };
    let ports = Ports::open(&settings, &context, &policy).await?;
    let state = Arc::clone(&context.state);
    start_loading(settings, limits, context);
    tokio::select! {
        () = end_signal => {}
        () = ports.shutdown_requested() => {}
    }
    drain(&state).await;
    ports.stop().await;
    Ok(())
}

/// Accepts nothing new, and waits for what is in flight.
async fn drain(state: &ServerState) {
    state.drain();
    tracing::info!("ending: requests in flight are finished first");
    if tokio::time::timeout(DRAIN_TIMEOUT, state.drained())
        .await
        .is_err()
    {
        tracing::warn!(
            "some requests were still in flight after {} s",
            DRAIN_TIMEOUT.as_secs()
        );
    }
}

/// Resolves at SIGTERM or SIGINT, also at one that arrives before it is first polled.
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Loads the model and warms it up on a thread of its own.
fn start_loading(settings: Settings, limits: Limits, context: Context) {
    // Loading counts as in flight: ending the process in the middle of it could crash native code.
    let in_flight = context.state.track();
    std::thread::spawn(move || {
        let loaded = catch_unwind(AssertUnwindSafe(|| load(&settings, limits, &context)));
        match loaded.unwrap_or_else(|_| Err("loading failed inside; the log says where".into())) {
            Ok((engine, summary)) => {
                context.state.set_ready(engine);
                tracing::info!("ready on {summary}");
            }
            Err(reason) => {
                context.state.set_failed(reason.clone());
                tracing::error!("not ready: {reason}");
            }
        }
        drop(in_flight);
    });
}

/// The loaded model, and for the log what it runs on.
fn load(
    settings: &Settings,
    limits: Limits,
    context: &Context,
) -> Result<(Engine, String), String> {
    let started = Instant::now();
    let package = crate::package::open(&settings.package).map_err(|error| error.to_string())?;
    let identity = &package.package.package;
    context.state.set_model_name(&identity.name);
    let options = Options {
        device: settings.device,
        threads: settings.threads,
        max_pixels: limits.max_pixels,
        ..Options::new(crate::process::onnxruntime_library()?)
    };
    let (predictor, concurrency) =
        Predictor::load_to_serve(package.clone(), &options).map_err(|error| error.to_string())?;
    let summary = summary(&predictor, concurrency, started.elapsed());
    context.metrics.model_loaded(&ModelLabels {
        name: identity.name.clone(),
        version: identity.version.clone(),
        digest: predictor.model_digest().into(),
        device: predictor.device().kind.to_string(),
        onnxruntime: runtime_version(&options.library).map_err(|error| error.to_string())?,
    });
    let metrics = Arc::clone(&context.metrics);
    let engine = Engine::start(
        &package,
        predictor,
        concurrency,
        settings.queue_size,
        metrics,
    );
    Ok((engine, summary))
}

fn summary(predictor: &Predictor, concurrency: Concurrency, took: Duration) -> String {
    let device = predictor.device();
    format!(
        "{} ({}) after {} ms: {} {} concurrent runs of one thread each; a run alone takes {}; {}",
        device.name,
        device.kind,
        took.as_millis(),
        device.reason,
        concurrency.concurrent_runs,
        concurrency.single_run_threads,
        match concurrency.batching_is_faster {
            true => "batches are faster",
            false => "batches are not faster",
        }
    )
}
