//! Pictures a second.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use boxwright_model::LoadedPackage;
use boxwright_predict::{BatchSize, Options, Predictor, Source, Want};

use crate::bench::{Bench, PAGES};
use crate::failed::Failed;
use crate::process;
use crate::programs::package;
use crate::table::{Aim, Row, interleave};

const RUNS: usize = 5;

/// The sample's photos, against all stages measured alone and spread perfectly over all cores.
pub fn against_the_limit(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let photos = small_photos(bench)?;
    compare_with_limit(bench, "preview: sample photos / limit", &photos)
}

/// The same for photos of 12 megapixels.
pub fn large_against_the_limit(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let photos = large_photos(bench)?;
    compare_with_limit(bench, "preview: 12-megapixel photos / limit", &photos)
}

/// The sample's photos, against a sequential Python program.
pub fn against_python(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let photos = small_photos(bench)?;
    let scripts = package()?.join("python");
    let python = venv(bench, &scripts.join("requirements.txt"))?;
    let script = scripts.join("sequential.py");
    let sample = bench.sample();
    let (ours, theirs) = interleave(
        RUNS,
        || preview(bench, &photos),
        || {
            let mut command = Command::new(&python);
            command
                .arg(&script)
                .arg(sample.join("model.onnx"))
                .arg(sample.join("labels.txt"))
                .arg(&photos)
                .env_remove(PAGES)
                .env("ORT_DISABLE_TELEMETRY", "1");
            Ok::<_, Failed>(
                String::from_utf8(process::run(&mut command)?.stdout)?
                    .trim()
                    .parse()?,
            )
        },
    )?;
    Ok(vec![ratio(
        "preview: sample photos / sequential Python",
        ours,
        theirs,
        1.5,
    )])
}

pub fn ratio(what: &str, ours: f64, theirs: f64, least: f64) -> Row {
    Row {
        what: what.into(),
        figure: ours / theirs,
        unit: "×",
        aim: Aim::AtLeast(least),
        detail: format!("{ours:.0} against {theirs:.0} pictures/s"),
    }
}

fn compare_with_limit(bench: &Bench, what: &str, photos: &Path) -> Result<Vec<Row>, Failed> {
    let single = single_threaded(bench)?;
    let (ours, limit) = interleave(RUNS, || preview(bench, photos), || limit(&single, photos))?;
    Ok(vec![ratio(what, ours, limit, 0.95)])
}

/// Pictures a second of `boxwright preview`, by its own clock: without the loading of the model.
fn preview(bench: &Bench, photos: &Path) -> Result<f64, Failed> {
    let mut command = bench.programs.boxwright(bench.scratch.path());
    command.arg("preview").arg(bench.sample()).arg(photos);
    command.args(["--device", "cpu", "--format", "json", "--progress", "none"]);
    let report = process::run(&mut command)?.json()?;
    report["timing"]["images_per_second"]
        .as_f64()
        .ok_or_else(|| "the preview has no timing".into())
}

pub fn single_threaded(bench: &Bench) -> Result<Predictor, Failed> {
    let mut options = Options::new(bench.programs.share.join("lib/libonnxruntime.so"));
    options.threads = 1;
    Ok(Predictor::load(
        LoadedPackage::open(&bench.sample())?,
        &options,
    )?)
}

/// Decode, preprocess and infer, each alone on one core, as if spread perfectly over all cores.
pub fn limit(single: &Predictor, photos: &Path) -> Result<f64, Failed> {
    let samples = files(photos)?
        .into_iter()
        .take(80)
        .map(Source::Path)
        .collect::<Vec<_>>();
    let count = samples.len();
    let cancel = AtomicBool::new(false);
    let timing = single.predict_many(
        samples,
        &Want::default(),
        BatchSize::Exactly(8),
        &cancel,
        &|_, _| {},
    );
    let seconds = (timing.decode_ms + timing.preprocess_ms + timing.infer_ms) / 1000.0;
    let cores = std::thread::available_parallelism()?.get();
    Ok((count * cores) as f64 / seconds)
}

pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

pub fn small_photos(bench: &Bench) -> Result<PathBuf, Failed> {
    let to = bench.scratch.path().join("photos");
    if to.is_dir() {
        return Ok(to);
    }
    multiply_sample(bench, 80, &to)
}

/// A folder with so many copies of the sample's photos.
pub fn multiply_sample(bench: &Bench, copies: usize, to: &Path) -> Result<PathBuf, Failed> {
    process::multiply(&bench.sample().join("images"), copies, to)
}

/// The sample's photos enlarged to 4000 × 3000.
fn large_photos(bench: &Bench) -> Result<PathBuf, Failed> {
    let originals = bench.scratch.path().join("large-originals");
    std::fs::create_dir_all(&originals)?;
    for path in files(&bench.sample().join("images"))? {
        let photo = image::open(&path)?;
        let large = photo.resize_exact(4000, 3000, image::imageops::FilterType::Triangle);
        large
            .to_rgb8()
            .save(originals.join(path.file_name().unwrap_or_default()))?;
    }
    process::multiply(&originals, 24, &bench.scratch.path().join("large"))
}

/// The Python of an environment with these requirements and what they need, made once.
pub fn venv(bench: &Bench, requirements: &Path) -> Result<PathBuf, Failed> {
    installed(bench, requirements, &[])
}

/// The Python of an environment with exactly these requirements, made once.
pub fn venv_without_dependencies(bench: &Bench, requirements: &Path) -> Result<PathBuf, Failed> {
    installed(bench, requirements, &["--no-deps"])
}

fn installed(bench: &Bench, requirements: &Path, options: &[&str]) -> Result<PathBuf, Failed> {
    let name = requirements.file_stem().unwrap_or_default();
    let venv = bench.scratch.path().join(name);
    let python = venv.join("bin/python");
    if python.exists() {
        return Ok(python);
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut install = Command::new(venv.join("bin/pip"));
    process::run(
        install
            .args(["install", "--quiet"])
            .args(options)
            .arg("--requirement")
            .arg(requirements),
    )?;
    Ok(python)
}
