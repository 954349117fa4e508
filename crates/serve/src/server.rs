//! The server in the container: one port, live at once, ready after load and warm-up.

mod body;
mod budget;
mod engine;
mod grpc;
mod guard;
mod http;
mod life;
mod limits;
mod listen;
mod metrics;
mod models;
mod page;
mod ports;
mod problem;
mod queue;
mod routes;
mod trace;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxwright_predict::{Options, Predictor, runtime_version};

use crate::settings::Settings;
use budget::Budget;
use engine::Engine;
use guard::Guard;
use life::Life;
use limits::Limits;
use metrics::{Metrics, ModelLabels};
use ports::Ports;

/// How long what is in flight may take after SIGTERM: less than the 30 s that orchestrators grant.
const DRAIN: Duration = Duration::from_secs(25);

/// Runs until SIGTERM or SIGINT.
pub fn run(settings: Settings) -> ExitCode {
    // Predictions have threads of their own; these only move bytes.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // What they leave to others waits for a core: by the hundred, those would starve them.
        .max_blocking_threads(
            std::thread::available_parallelism()
                .map_or(2, usize::from)
                .max(2),
        )
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(serve(settings));
            runtime.shutdown_timeout(Duration::from_secs(1));
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
    let asked_to_end = end_signal().map_err(|error| format!("signals can't be heard: {error}"))?;
    let life = Arc::new(Life::default());
    let limits = Limits::new(&settings);
    let budget = Budget::new(limits.bodies, settings.max_body);
    let metrics = Arc::new(Metrics::new(settings.queue_size, &budget));
    let guard = Guard {
        only_local: false,
        longest: settings.request_timeout,
        max_body: settings.max_body,
        budget,
        metrics: Arc::clone(&metrics),
    };
    let ports = Ports::open(&settings, &life, &guard).await?;
    begin_loading(settings, limits, &life, &metrics);
    tokio::select! {
        () = asked_to_end => {}
        () = ports.asked_to_end() => {}
    }
    life.drain();
    tracing::info!("ending: what is in flight is finished first");
    if tokio::time::timeout(DRAIN, life.idle()).await.is_err() {
        tracing::warn!(
            "some requests were still in flight after {} s",
            DRAIN.as_secs()
        );
    }
    ports.stop().await;
    Ok(())
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

/// Loads and warms up on a thread of its own.
fn begin_loading(settings: Settings, limits: Limits, life: &Arc<Life>, metrics: &Arc<Metrics>) {
    let (life, metrics) = (Arc::clone(life), Arc::clone(metrics));
    // Loading counts as work in flight: ending in the middle of it could crash native code.
    let work = life.work();
    std::thread::spawn(move || {
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            load(&settings, limits, &life, &metrics)
        }));
        match loaded.unwrap_or_else(|_| Err("loading failed inside; the log says where".into())) {
            Ok((engine, on)) => {
                life.is_ready(engine);
                tracing::info!("ready on {on}");
            }
            Err(reason) => {
                life.has_failed(reason.clone());
                tracing::error!("not ready: {reason}");
            }
        }
        drop(work);
    });
}

/// The loaded model, and what it runs on.
fn load(
    settings: &Settings,
    limits: Limits,
    life: &Life,
    metrics: &Arc<Metrics>,
) -> Result<(Engine, String), String> {
    let begun = Instant::now();
    let package = crate::package::open(&settings.package).map_err(|error| error.to_string())?;
    life.is_called(&package.package.package.name);
    let options = Options {
        device: settings.device.clone(),
        threads: settings.threads,
        max_pixels: limits.pixels,
        ..Options::new(crate::program::library()?)
    };
    let (predictor, spread) =
        Predictor::load_to_serve(package.clone(), &options).map_err(|error| error.to_string())?;
    let device = predictor.device();
    let on = format!(
        "{} ({}) after {} ms: {} {} at once, of one thread each; alone, of {}; {}",
        device.name,
        device.kind,
        begun.elapsed().as_millis(),
        device.reason,
        spread.lanes,
        spread.lone_threads,
        if spread.batches_pay {
            "batches pay"
        } else {
            "batches don't pay"
        }
    );
    let identity = &package.package.package;
    metrics.model_is(&ModelLabels {
        name: identity.name.clone(),
        version: identity.version.clone(),
        digest: predictor.model_digest().into(),
        device: device.kind.clone(),
        onnxruntime: runtime_version(&options.library).map_err(|error| error.to_string())?,
    });
    let waiting = settings.queue_size;
    let engine = Engine::start(&package, predictor, spread, waiting, Arc::clone(metrics));
    Ok((engine, on))
}
