//! A detector and its masks, against Ultralytics' own predict and against the limit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use boxwright_model::LoadedPackage;
use boxwright_predict::{BatchSize, Options, Predictor, Source, Want};
use boxwright_tests::venv::environment;
use serde::Deserialize;
use serde_json::Value;

use crate::bench::{Bench, PAGES};
use crate::failed::Failed;
use crate::preview::{files, limit, multiply_sample, ratio, venv_without_dependencies};
use crate::process;
use crate::programs::package;
use crate::table::{Aim, Row, interleave, median};

const RUNS: usize = 3;
/// Copies of the sample's five photos.
const COPIES: usize = 6;
/// How far scores may be apart, and corners in pixels. Both run the same ONNX Runtime on the same
/// pixels, in batches and threads of their own.
const SAME_SCORE: f64 = 1e-4;
const SAME_PIXELS: f64 = 0.02;

/// YOLOv8n's shape: boxes of 80 classes in 640 × 640 pixels.
pub fn detector(bench: &Bench) -> Result<Vec<Row>, Failed> {
    measure(bench, "detect", "YOLOv8n")
}

/// The same with instance masks.
pub fn masks(bench: &Bench) -> Result<Vec<Row>, Failed> {
    measure(bench, "segment", "YOLOv8n-seg")
}

fn measure(bench: &Bench, task: &str, name: &str) -> Result<Vec<Row>, Failed> {
    let yolo = Yolo::of(bench, task)?;
    let (theirs, ours) = (yolo.theirs()?.1, yolo.ours(bench)?.1);
    let boxes = check_same(&ours, &theirs)?;
    let (speed, peers) = interleave(
        RUNS,
        || Ok::<_, Failed>(yolo.ours(bench)?.0),
        || Ok(yolo.theirs()?.0),
    )?;
    let mut peer = ratio(
        &format!("preview: {name} / Ultralytics' predict"),
        speed,
        peers,
        2.0,
    );
    peer.detail = format!("{}, {boxes} boxes alike", peer.detail);
    let mut options = Options::new(bench.programs.share.join("lib/libonnxruntime.so"));
    options.threads = 1;
    let single = Predictor::load(LoadedPackage::open(&yolo.folder)?, &options)?;
    let (speed, most) = interleave(
        RUNS,
        || Ok::<_, Failed>(yolo.ours(bench)?.0),
        || limit(&single, &yolo.photos),
    )?;
    let what = format!("preview: {name} / limit");
    Ok(vec![
        peer,
        ratio(&what, speed, most, 0.9),
        moved_threshold(&single, &yolo, name)?,
    ])
}

/// How long a picture takes when a threshold moves after all have been predicted.
fn moved_threshold(single: &Predictor, yolo: &Yolo, name: &str) -> Result<Row, Failed> {
    let photos = files(&yolo.photos)?;
    let predict = |predictor: &Predictor| {
        let samples = photos.iter().cloned().map(Source::Path).collect();
        let want = Want {
            keep: true,
            ..Want::default()
        };
        let cancel = AtomicBool::new(false);
        predictor.predict_many(samples, &want, BatchSize::AtMost(1), &cancel, &|_, _| {})
    };
    predict(single);
    let mut times = Vec::new();
    for score in [0.3, 0.35, 0.4, 0.3, 0.25] {
        let mut package = LoadedPackage::open(&yolo.folder)?;
        package.package.postprocess.score_threshold = Some(score);
        let timing = predict(&single.with_pipeline(package)?);
        if timing.infer_ms > 0.0 {
            return Err("the model ran again for another threshold".into());
        }
        times.push(timing.wall_ms / photos.len() as f64);
    }
    Ok(Row {
        what: format!("preview: {name}, threshold moved"),
        figure: median(&times),
        unit: "ms a picture",
        aim: Aim::AtMost(1.0),
        detail: "on one core, without another run of the model".into(),
    })
}

/// A model of this shape with its package, photos, and the Python that both come from.
struct Yolo {
    task: String,
    folder: PathBuf,
    photos: PathBuf,
    python: PathBuf,
    script: PathBuf,
}

type Boxes = BTreeMap<String, Vec<Found>>;

/// A box of either side.
#[derive(Deserialize)]
struct Found {
    index: usize,
    score: f64,
    #[serde(rename = "box")]
    bounds: [f64; 4],
    #[serde(default)]
    mask: Value,
}

impl Yolo {
    fn of(bench: &Bench, task: &str) -> Result<Self, Failed> {
        let scripts = package()?.join("python");
        let vision = environment("vision").map_err(|missing| missing.to_string())?;
        let python =
            venv_without_dependencies(bench, &scripts.join("ultralytics-requirements.txt"))?;
        // PyTorch and OpenCV are those of the tests.
        let site = |python: &Path| -> Result<PathBuf, Failed> {
            let mut ask = Command::new(python);
            ask.args([
                "-c",
                "import sysconfig; print(sysconfig.get_paths()['purelib'])",
            ]);
            Ok(String::from_utf8(process::run(&mut ask)?.stdout)?
                .trim()
                .into())
        };
        let theirs = site(&vision)?.display().to_string();
        std::fs::write(site(&python)?.join("vision.pth"), theirs)?;
        let folder = bench.scratch.path().join(format!("yolo-{task}"));
        std::fs::create_dir_all(&folder)?;
        let photos = bench.scratch.path().join("yolo-photos");
        multiply_sample(bench, COPIES, &photos)?;
        let yolo = Self {
            task: task.into(),
            folder,
            photos,
            python,
            script: scripts.join("yolo.py"),
        };
        let photo = bench.sample().join("images/motorcycle.jpg");
        process::run(yolo.script("make").arg(yolo.model()).arg(photo))?;
        let mut init = bench.programs.boxwright(bench.scratch.path());
        process::run(init.arg("init").arg(yolo.model()))?;
        Ok(yolo)
    }

    fn model(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    fn script(&self, command: &str) -> Command {
        let mut python = Command::new(&self.python);
        python
            .arg(&self.script)
            .args([command, &self.task])
            .current_dir(&self.folder)
            .env_remove(PAGES)
            .env("ORT_DISABLE_TELEMETRY", "1")
            .env("YOLO_OFFLINE", "True")
            .env("YOLO_AUTOINSTALL", "False")
            .env("YOLO_CONFIG_DIR", &self.folder);
        python
    }

    /// Pictures a second and boxes of Ultralytics' predict.
    fn theirs(&self) -> Result<(f64, Boxes), Failed> {
        let results = self.folder.join("results.json");
        let mut predict = self.script("predict");
        predict.arg(self.model()).arg(&self.photos).arg(&results);
        let printed = String::from_utf8(process::run(&mut predict)?.stdout)?;
        let speed = printed.lines().last().unwrap_or_default().parse()?;
        Ok((speed, serde_json::from_slice(&std::fs::read(results)?)?))
    }

    /// The same of `boxwright preview`, by its own clock: without the loading of the model.
    fn ours(&self, bench: &Bench) -> Result<(f64, Boxes), Failed> {
        let mut command = bench.programs.boxwright(bench.scratch.path());
        command.arg("preview").arg(&self.folder).arg(&self.photos);
        command.args(["--device", "cpu", "--format", "json", "--progress", "none"]);
        let report = process::run(&mut command)?.json()?;
        let speed = report["timing"]["images_per_second"].as_f64();
        let mut boxes = Boxes::new();
        for result in report["results"].as_array().into_iter().flatten() {
            let name = result["sample"].as_str().unwrap_or_default().to_owned();
            boxes.insert(name, serde_json::from_value(result["detections"].clone())?);
        }
        Ok((speed.ok_or("the preview has no timing")?, boxes))
    }
}

/// How many boxes both have, which have to be the same ones.
fn check_same(ours: &Boxes, theirs: &Boxes) -> Result<usize, Failed> {
    let mut count = 0;
    for (name, theirs) in theirs {
        let ours = ours.get(name).map_or(&[][..], Vec::as_slice);
        let alike = |(one, other): (&Found, &Found)| {
            let corners = one.bounds.iter().zip(&other.bounds);
            one.index == other.index
                && (one.score - other.score).abs() < SAME_SCORE
                && corners
                    .map(|(a, b)| (a - b).abs())
                    .all(|far| far < SAME_PIXELS)
                && one.mask.is_null() == other.mask.is_null()
        };
        if ours.len() != theirs.len() || !ours.iter().zip(theirs).all(alike) {
            let (one, other) = (ours.len(), theirs.len());
            return Err(format!("{name}: {one} boxes, and Ultralytics has {other} others").into());
        }
        count += ours.len();
    }
    match count {
        0 => Err("no photo has a box: nothing was compared".into()),
        _ => Ok(count),
    }
}
