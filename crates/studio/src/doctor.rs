//! What works on this machine, what does not, and what to do.

use boxwright_build::{DataDir, Target, docker};
use boxwright_files::disk;
use boxwright_model::DeviceKind;
use boxwright_oci::Platform;
use boxwright_worker::{Worker, WorkerCommand};

use crate::api::{Check, CheckStatus, Doctor};
use crate::credentials::keychain;
use crate::directories::Directories;
use crate::errors::blocking;
use crate::failure::Failure;
use crate::verify::namespaces;

/// Less free space than this is reported: an image with its caches needs about as much.
const MIN_FREE_SPACE: u64 = 2 << 30;

/// Checks everything that Boxwright can use; `share` is the result of finding the share folder.
pub async fn examine(data_dir: Result<DataDir, Failure>, directories: &Directories) -> Doctor {
    let installed = async {
        match data_dir {
            Ok(data_dir) => {
                let mut checks = devices(&data_dir).await;
                checks.extend(runtimes(&data_dir));
                checks
            }
            Err(failure) => vec![broken("Share folder", failure)],
        }
    };
    let (mut checks, docker, keychain, system) =
        tokio::join!(installed, docker_engine(), keychain(), system(directories));
    checks.push(docker);
    checks.push(keychain);
    checks.extend(system);
    Doctor {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks,
    }
}

fn works(name: &str, message: impl Into<String>) -> Check {
    let status = CheckStatus::Works;
    Check {
        name: name.to_owned(),
        status,
        message: message.into(),
        hint: String::new(),
    }
}

fn absent(name: &str, message: impl Into<String>, hint: &str) -> Check {
    let status = CheckStatus::Absent;
    Check {
        name: name.to_owned(),
        status,
        message: message.into(),
        hint: hint.to_owned(),
    }
}

fn broken(name: &str, failure: Failure) -> Check {
    let message = match failure.causes.first() {
        Some(cause) => format!("{}: {cause}", failure.message),
        None => failure.message,
    };
    Check {
        name: name.to_owned(),
        status: CheckStatus::Broken,
        message,
        hint: failure.hint,
    }
}

/// The devices that the worker's library supports.
async fn devices(data_dir: &DataDir) -> Vec<Check> {
    let worker = match Worker::start(&WorkerCommand::new(data_dir.serve_program())).await {
        Ok(worker) => worker,
        Err(error) => return vec![broken("Worker", error.into())],
    };
    let hello = worker.hello().clone();
    worker.stop().await;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let knows = |kind: DeviceKind| hello.devices.contains(&kind);
    let versions = format!("{}, ONNX Runtime {}", hello.program, hello.onnxruntime);
    let mut checks = vec![works("Worker", versions)];
    let processor = format!("{} with {cores} cores", std::env::consts::ARCH);
    checks.push(match knows(DeviceKind::Cpu) {
        true => works("CPU", processor),
        false => broken("CPU", Failure::internal("the worker knows no CPU")),
    });
    for (kind, name) in [(DeviceKind::WebGpu, "WebGPU"), (DeviceKind::Cuda, "CUDA")] {
        checks.push(match knows(kind) {
            true => works(name, "part of this machine's ONNX Runtime"),
            false => absent(
                name,
                "not part of this machine's ONNX Runtime",
                "Nothing to do: previews run on the CPU.",
            ),
        });
    }
    checks
}

/// The targets that can be built.
fn runtimes(data_dir: &DataDir) -> Vec<Check> {
    let catalogue = match data_dir.catalogue() {
        Ok(catalogue) => catalogue,
        Err(error) => return vec![broken("Runtimes", error.into())],
    };
    let check = |target: Target| {
        let name = format!("Images for {}", target.title());
        match catalogue.check(target) {
            Ok(()) => works(
                &name,
                format!("{}, {}", target.platform(), size(catalogue.size(target))),
            ),
            Err(error) if target.is_gpu() => absent(&name, error.to_string(), &error.hint()),
            Err(error) => broken(&name, error.into()),
        }
    };
    Target::ALL.into_iter().map(check).collect()
}

async fn docker_engine() -> Check {
    const NAME: &str = "Docker Engine";
    match docker::ping().await {
        Ok(engine) => works(
            NAME,
            format!(
                "{}, interface {}, {}",
                engine.version, engine.api, engine.platform
            ),
        ),
        Err(error) => absent(
            NAME,
            error.to_string(),
            "Nothing to do: building and publishing need no Docker. With it, images are proven \
             in containers.",
        ),
    }
}

async fn keychain() -> Check {
    const NAME: &str = "Keychain";
    let asked = tokio::task::spawn_blocking(keychain::available).await;
    match asked.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(()) => works(NAME, "answers"),
        Err(reason) => absent(
            NAME,
            reason,
            "Passwords can be kept in Docker's config.json, or for one session only.",
        ),
    }
}

/// What verification and the caches need of the system.
async fn system(directories: &Directories) -> Vec<Check> {
    let directories = directories.clone();
    let checked =
        blocking(move || Ok::<_, Failure>(vec![sandbox(), emulation(), disk_space(&directories)]));
    checked
        .await
        .unwrap_or_else(|failure| vec![broken("System", failure)])
}

fn sandbox() -> Check {
    const NAME: &str = "User namespaces";
    match namespaces::available() {
        Ok(_) => works(NAME, "images can be proven without Docker"),
        Err(reason) => absent(
            NAME,
            reason,
            "Allow them (sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu \
             kernel.apparmor_restrict_unprivileged_userns=0), or use Docker for the proof.",
        ),
    }
}

fn emulation() -> Check {
    let other = match Platform::host().architecture.as_str() {
        "arm64" => Platform::linux("amd64"),
        _ => Platform::linux("arm64"),
    };
    let name = format!("Programs for {other}");
    match namespaces::execution(&other) {
        Ok(_) => works(&name, "run here, emulated: their images can be proven"),
        Err(reason) => absent(
            &name,
            reason,
            "Nothing to do for building and publishing; only the proof needs it.",
        ),
    }
}

fn disk_space(directories: &Directories) -> Check {
    const NAME: &str = "Disk";
    let folder = directories.cache.ancestors().find(|folder| folder.is_dir());
    let free = folder.and_then(disk::free_space);
    match (folder, free) {
        (Some(folder), Some(free)) if free >= MIN_FREE_SPACE => {
            works(NAME, format!("{} free in {}", size(free), folder.display()))
        }
        (Some(folder), Some(free)) => absent(
            NAME,
            format!("only {} free in {}", size(free), folder.display()),
            "Free some space, or name another folder in BOXWRIGHT_CACHE.",
        ),
        _ => absent(
            NAME,
            format!("{} can't be looked at", directories.cache.display()),
            "Name a folder that you may write to in BOXWRIGHT_CACHE.",
        ),
    }
}

/// Bytes as people read them, in powers of ten as disks are sold.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
