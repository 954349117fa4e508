//! Building, pushing and inspecting.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use boxwright_tests::registry::{Auth, Registry};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::bench::Bench;
use crate::failed::Failed;
use crate::table::{Aim, Row, interleave, median};
use crate::{process, two_gigabytes};

const RUNS: usize = 7;

/// CPU and ARM built and pushed into an empty repository of a loopback registry, with warm caches,
/// against hashing and copying the same bytes.
pub fn into_an_empty_repository(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let registry = registry()?;
    let payload = payload(bench)?;
    let mut count = 0;
    let (ours, copy) = interleave(
        RUNS,
        || {
            count += 1;
            let reference = registry.reference(&format!("run-{count}/sample:1"));
            Ok(publish(bench, &bench.sample(), &reference)?.seconds)
        },
        || hash_and_copy(&payload, bench.scratch.path()),
    )?;
    let detail = format!("{ours:.2} s against {copy:.2} s for hashing and copying the same bytes");
    let row = |what: &str, figure, unit, most| Row {
        what: what.into(),
        figure,
        unit,
        aim: Aim::AtMost(most),
        detail: detail.clone(),
    };
    Ok(vec![
        row("publish: CPU+ARM, empty repository", ours, "s", 1.0),
        row("publish: CPU+ARM / hash and copy", ours / copy, "×", 1.5),
    ])
}

/// A second push of which only the labels are new.
pub fn only_the_labels_changed(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let registry = registry()?;
    let package = copy_of_sample(bench)?;
    publish(bench, &package, &registry.reference("labels/sample:1"))?;
    let labels = package.join("labels.txt");
    let changed = fs::read_to_string(&labels)?.replacen("tench", "a tench", 1);
    fs::write(&labels, changed)?;
    let second = publish(bench, &package, &registry.reference("labels/sample:2"))?;
    let sent = second.json()?["uploaded_bytes"]
        .as_f64()
        .ok_or("no uploaded_bytes")?;
    Ok(vec![Row {
        what: "publish: only the labels changed".into(),
        figure: sent / 1e6,
        unit: "MB",
        aim: Aim::AtMost(1.0),
        detail: format!("sent in {:.2} s", second.seconds),
    }])
}

/// The layers of the CPU image below the model, compressed.
pub fn image_size(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let catalogue: Value =
        serde_json::from_slice(&fs::read(bench.programs.share.join("catalogue.json"))?)?;
    let components = catalogue["components"]
        .as_array()
        .ok_or("the catalogue has no components")?;
    let bytes: f64 = components
        .iter()
        .filter(|component| component["platform"] == "linux/amd64")
        .filter_map(|component| component["size"].as_f64())
        .sum();
    Ok(vec![Row {
        what: "CPU image without the model".into(),
        figure: bytes / 1e6,
        unit: "MB",
        aim: Aim::AtMost(40.0),
        detail: "compressed".into(),
    }])
}

/// `boxwright inspect` of a model of 2 GB.
pub fn inspect_two_gigabytes(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let model = two_gigabytes::model(bench)?;
    let (mut seconds, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut command = bench.programs.boxwright(bench.scratch.path());
        let run = process::run(command.arg("inspect").arg(&model).arg("--json"))?;
        seconds.push(run.seconds);
        memory.push(run.peak_mib);
    }
    let row = |what: &str, figure, unit, most| Row {
        what: what.into(),
        figure,
        unit,
        aim: Aim::AtMost(most),
        detail: String::new(),
    };
    Ok(vec![
        row("inspect: a model of 2 GB", median(&seconds), "s", 0.5),
        row(
            "inspect: a model of 2 GB, memory",
            median(&memory),
            "MiB",
            100.0,
        ),
    ])
}

/// `boxwright build` of a package whose model has 2 GB that don't compress.
pub fn package_two_gigabytes(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let model = two_gigabytes::model(bench)?;
    let archive = bench.scratch.path().join("large.tar");
    let mut command = bench.programs.boxwright(bench.scratch.path());
    command
        .arg("build")
        .arg(&model)
        .args(["--target", "cpu", "--progress", "none", "--output"])
        .arg(&archive);
    let run = process::run(&mut command)?;
    let written = fs::metadata(&archive)?.len() as f64 / 1e9;
    fs::remove_file(&archive)?;
    Ok(vec![Row {
        what: "build: a model of 2 GB, memory".into(),
        figure: run.peak_mib,
        unit: "MiB",
        aim: Aim::AtMost(150.0),
        detail: format!("{written:.2} GB written in {:.1} s", run.seconds),
    }])
}

fn registry() -> Result<Registry, Failed> {
    Registry::start(Auth::Open).map_err(|missing| missing.to_string().into())
}

fn publish(bench: &Bench, package: &Path, reference: &str) -> Result<process::Run, Failed> {
    let mut command = bench.programs.boxwright(bench.scratch.path());
    command.arg("publish").arg(package).args([
        "--target",
        "cpu,arm64",
        "--progress",
        "none",
        "--to",
        reference,
    ]);
    process::run(&mut command)
}

fn copy_of_sample(bench: &Bench) -> Result<PathBuf, Failed> {
    let to = bench.scratch.path().join("package");
    fs::create_dir_all(&to)?;
    for name in ["boxwright.toml", "model.onnx", "labels.txt"] {
        fs::copy(bench.sample().join(name), to.join(name))?;
    }
    Ok(to)
}

/// The files whose bytes a push of CPU and ARM sends: base, runtime, and the model once.
fn payload(bench: &Bench) -> Result<Vec<PathBuf>, Failed> {
    let share = &bench.programs.share;
    let mut files = vec![bench.sample().join("model.onnx")];
    for folder in ["base", "runtimes"] {
        for entry in fs::read_dir(share.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "gz") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Seconds to hash files and to copy them, chunk by chunk, to the disk, one after the other.
fn hash_and_copy(files: &[PathBuf], to: &Path) -> Result<f64, Failed> {
    let started = Instant::now();
    let mut chunk = vec![0; 1 << 20];
    for (number, path) in files.iter().enumerate() {
        let mut hash = Sha256::new();
        let (mut from, mut copy) = (
            File::open(path)?,
            File::create(to.join(format!("copy-{number}")))?,
        );
        loop {
            let read = from.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            copy.write_all(&chunk[..read])?;
        }
        copy.sync_all()?;
        std::hint::black_box(hash.finalize());
    }
    Ok(started.elapsed().as_secs_f64())
}
