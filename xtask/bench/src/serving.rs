//! The server under load, against what the hardware allows and against servers in Python.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwright_model::LoadedPackage;
use boxwright_predict::{Options, Predictor, Want};
use boxwright_tensor::{DataType, Tensor, TensorBatch};
use serde_json::{Value, json};

use crate::bench::{Bench, PAGES};
use crate::failed::Failed;
use crate::load::{self, Load, Request};
use crate::programs::package;
use crate::server::Server;
use crate::table::{Aim, Row, median};
use crate::{preview, process};

/// The name of the sample, and of the peers' model.
const NAME: &str = "efficientnet-lite0";
const CALLERS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 3;
/// Of one measurement of one server.
const SLICE: Duration = Duration::from_secs(3);

/// A server that is measured, and what it is sent.
struct Side {
    name: &'static str,
    server: Server,
    pictures: Request,
    tensors: Request,
}

/// Ours against the limit.
pub fn against_the_limit(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let side = ours(bench)?;
    let photos = preview::small_photos(bench)?;
    let raw = Request {
        path: "/predict".into(),
        headers: vec![("content-type", "image/jpeg".into())],
        bodies: bodies(bench)?,
    };
    let predictor = preview::single_threaded(bench)?;
    let pictures = || Ok(vec![preview::limit(&predictor, &photos)?]);
    let alone = tuned(bench)?;
    let one = || Ok(vec![one_by_one(&alone, &raw.bodies)]);
    Ok(vec![
        at(8, &side, "tensors", &side.tensors, || batches(bench))?,
        at(8, &side, "JPEGs", &raw, pictures)?,
        at(1, &side, "JPEGs", &raw, one)?,
    ])
}

/// Throughput at some callers against the best of several limits, by their medians: the best of
/// one round would be the luckiest.
fn at(
    callers: usize,
    side: &Side,
    what: &str,
    request: &Request,
    limits: impl Fn() -> Result<Vec<f64>, Failed>,
) -> Result<Row, Failed> {
    let (mut ours, mut rounds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(load::run(side.server.port, request, callers, SLICE)?.per_second);
        rounds.push(limits()?);
    }
    let limit = |place: usize| median(&rounds.iter().map(|round| round[place]).collect::<Vec<_>>());
    let best = (0..rounds[0].len()).map(limit).fold(0.0, f64::max);
    let what = format!("serve: {what} at {callers} callers / limit");
    Ok(preview::ratio(&what, median(&ours), best, 0.9))
}

/// A predictor that has measured how it runs best.
fn tuned(bench: &Bench) -> Result<Predictor, Failed> {
    let options = Options::new(bench.programs.share.join("lib/libonnxruntime.so"));
    Ok(Predictor::load_to_serve(LoadedPackage::open(&bench.sample())?, &options)?.0)
}

/// Pictures a second of one after the other, each decoded on one core and run on all.
fn one_by_one(predictor: &Predictor, photos: &[Vec<u8>]) -> f64 {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < SLICE {
        predictor.predict_one(&photos[done % photos.len()], &Want::default());
        done += 1;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

/// Ours against the peers at 1, 8 and 64 callers.
pub fn against_peers(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let sides = [ours(bench)?, kserve(bench)?, mlserver(bench)?];
    for side in &sides {
        same_work(bench, side)?;
    }
    let mut rows = Vec::new();
    for (what, pictures) in [("tensors", false), ("JPEGs", true)] {
        for callers in CALLERS {
            let mut loads: Vec<Vec<Load>> = sides.iter().map(|_| Vec::new()).collect();
            for _ in 0..ROUNDS {
                for (side, loads) in sides.iter().zip(&mut loads) {
                    let request = if pictures {
                        &side.pictures
                    } else {
                        &side.tensors
                    };
                    loads.push(load::run(side.server.port, request, callers, SLICE)?);
                }
            }
            rows.extend(compared(what, callers, &sides, &loads));
        }
    }
    rows.extend(sides.iter().map(at_rest));
    Ok(rows)
}

/// Every side gives the reference's predictions: who does less is no peer.
fn same_work(bench: &Bench, side: &Side) -> Result<(), Failed> {
    let reference = std::fs::read(bench.sample().join("reference.json"))?;
    let reference: Value = serde_json::from_slice(&reference)?;
    for (file, body) in preview::files(&bench.sample().join("images"))?
        .iter()
        .zip(&side.pictures.bodies)
    {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a photo has a name")?;
        let answer: Value =
            serde_json::from_slice(&load::ask(side.server.port, &side.pictures, body)?)?;
        let result = match &answer["outputs"][0]["data"][0] {
            Value::String(text) => serde_json::from_str(text)?,
            _ => answer["predictions"][0].clone(),
        };
        if !agrees(&result, &reference["images"][name]) {
            return Err(format!(
                "{}: {name} is {result}, and not as in the reference",
                side.name
            )
            .into());
        }
    }
    Ok(())
}

/// The same classes in the same order, with scores within what the preview is held to.
fn agrees(result: &Value, reference: &Value) -> bool {
    let classes = |result: &Value| {
        result["classPredictions"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let (found, expected) = (classes(result), classes(reference));
    let close = |(one, other): (&Value, &Value)| {
        let apart = |one: &Value, other: &Value| {
            Some((one["score"].as_f64()? - other["score"].as_f64()?).abs())
        };
        one["class"] == other["class"] && apart(one, other).is_some_and(|apart| apart <= 0.002)
    };
    !expected.is_empty() && found.len() == expected.len() && found.iter().zip(&expected).all(close)
}

/// Throughput against the best of the peers, and the slowest answers against that peer's.
fn compared(what: &str, callers: usize, sides: &[Side], loads: &[Vec<Load>]) -> Vec<Row> {
    let of = |figure: fn(&Load) -> f64, loads: &[Load]| {
        median(&loads.iter().map(figure).collect::<Vec<_>>())
    };
    let pace = |loads: &Vec<Load>| of(|load| load.per_second, loads);
    let p99 = |loads: &Vec<Load>| of(|load| load.p99_ms, loads);
    let described: Vec<String> = sides
        .iter()
        .zip(loads)
        .map(|(side, loads)| {
            let p50 = of(|load| load.p50_ms, loads);
            format!(
                "{} {:.0}/s p50 {p50:.0} p99 {:.0} ms",
                side.name,
                pace(loads),
                p99(loads)
            )
        })
        .collect();
    let best = loads[1..].iter().map(pace).fold(0.0, f64::max);
    let least = loads[1..].iter().map(p99).fold(f64::INFINITY, f64::min);
    vec![
        Row {
            what: format!("serve: {what} at {callers} callers / best peer"),
            figure: pace(&loads[0]) / best,
            unit: "×",
            aim: Aim::AtLeast(1.5),
            detail: described.join(", "),
        },
        Row {
            what: format!("serve: {what} at {callers} callers, p99 / best peer"),
            figure: p99(&loads[0]) / least,
            unit: "×",
            aim: Aim::AtMost(1.0),
            detail: String::new(),
        },
    ]
}

fn at_rest(side: &Side) -> Row {
    Row {
        what: format!("{}: start to ready", side.name),
        figure: side.server.seconds,
        unit: "s",
        aim: Aim::None,
        detail: format!(
            "{:.0} MiB resident at most, after the load",
            side.server.peak_mib()
        ),
    }
}

fn ours(bench: &Bench) -> Result<Side, Failed> {
    Ok(Side {
        name: "boxwright",
        server: Server::ours(bench)?,
        pictures: v1(bench)?,
        tensors: binary()?,
    })
}

fn kserve(bench: &Bench) -> Result<Side, Failed> {
    Ok(Side {
        name: "KServe",
        server: peer(bench, "kserve")?,
        pictures: v1(bench)?,
        tensors: binary()?,
    })
}

fn mlserver(bench: &Bench) -> Result<Side, Failed> {
    Ok(Side {
        name: "MLServer",
        server: peer(bench, "mlserver")?,
        pictures: v2_pictures(bench)?,
        // It has no binary data over HTTP.
        tensors: v2_tensors()?,
    })
}

fn peer(bench: &Bench, name: &str) -> Result<Server, Failed> {
    let scripts = package()?.join("python");
    let python = preview::venv(bench, &scripts.join(format!("{name}-requirements.txt")))?;
    Server::start(|port| {
        let mut command = Command::new(python);
        command
            .arg(scripts.join(format!("{name}_server.py")))
            .arg(bench.sample().join("model.onnx"))
            .arg(bench.sample().join("labels.txt"))
            .args([NAME, &port.to_string()])
            .current_dir(bench.scratch.path())
            .env_remove(PAGES)
            .env("ORT_DISABLE_TELEMETRY", "1");
        command
    })
}

fn bodies(bench: &Bench) -> Result<Vec<Vec<u8>>, Failed> {
    let photos = preview::files(&bench.sample().join("images"))?;
    Ok(photos.iter().map(std::fs::read).collect::<Result<_, _>>()?)
}

fn v1(bench: &Bench) -> Result<Request, Failed> {
    let body = |photo: &Vec<u8>| json!({"instances": [{"b64": STANDARD.encode(photo)}]});
    Ok(json_request(
        format!("/v1/models/{NAME}:predict"),
        bodies(bench)?.iter().map(body),
    ))
}

fn v2_pictures(bench: &Bench) -> Result<Request, Failed> {
    let body = |photo: &Vec<u8>| {
        let data = [STANDARD.encode(photo)];
        json!({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": data}]})
    };
    Ok(json_request(
        format!("/v2/models/{NAME}/infer"),
        bodies(bench)?.iter().map(body),
    ))
}

fn json_request(path: String, bodies: impl Iterator<Item = serde_json::Value>) -> Request {
    Request {
        path,
        headers: vec![("content-type", "application/json".into())],
        bodies: bodies.map(|body| body.to_string().into_bytes()).collect(),
    }
}

/// One picture of grey noise, preprocessed.
fn numbers() -> Vec<f32> {
    (0..3 * 224 * 224)
        .map(|place| (place % 251) as f32 / 125.0 - 1.0)
        .collect()
}

fn v2_tensors() -> Result<Request, Failed> {
    let input = json!({
        "name": "images", "datatype": "FP32", "shape": [1, 3, 224, 224], "data": numbers(),
    });
    let path = format!("/v2/models/{NAME}-tensor/infer");
    Ok(json_request(
        path,
        std::iter::once(json!({ "inputs": [input] })),
    ))
}

fn binary() -> Result<Request, Failed> {
    let data: Vec<u8> = numbers()
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let head = json!({
        "inputs": [{
            "name": "images", "datatype": "FP32", "shape": [1, 3, 224, 224],
            "parameters": {"binary_data_size": data.len()},
        }],
        "parameters": {"binary_data_output": true},
    });
    let head = head.to_string().into_bytes();
    let headers = vec![
        ("content-type", "application/octet-stream".into()),
        ("inference-header-content-length", head.len().to_string()),
    ];
    let path = format!("/v2/models/{NAME}-tensor/infer");
    Ok(Request {
        path,
        headers,
        bodies: vec![[head, data].concat()],
    })
}

/// Rows a second of ONNX Runtime alone: with several batches, one on every core at a time and one at
/// a time on all cores.
fn batches(bench: &Bench) -> Result<Vec<f64>, Failed> {
    let predictor = tuned(bench)?;
    let cores = std::thread::available_parallelism()?.get();
    let mut paces = Vec::new();
    for rows in [1, 4, 8] {
        let data = numbers()
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect::<Vec<_>>();
        let input = Tensor {
            name: "images".into(),
            datatype: DataType::Fp32,
            shape: vec![rows, 3, 224, 224],
            data: data.repeat(rows).into(),
        };
        let batch = predictor.check_tensors(vec![input], &[], rows)?.remove(0);
        paces.push(pace(&predictor, &batch, cores, false)?);
        paces.push(pace(&predictor, &batch, 1, true)?);
    }
    Ok(paces)
}

fn pace(
    predictor: &Predictor,
    batch: &TensorBatch,
    threads: usize,
    lone: bool,
) -> Result<f64, Failed> {
    let begun = Instant::now();
    let work = || -> Result<usize, boxwright_predict::Error> {
        let mut rows = 0;
        while begun.elapsed() < SLICE / 3 {
            predictor.run_tensors(&[batch], lone).0.remove(0)?;
            rows += batch.rows();
        }
        Ok(rows)
    };
    let rows = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers
            .into_iter()
            .map(|worker| Ok::<usize, Failed>(worker.join().map_err(|_| "a run panicked")??));
        joined.sum::<Result<usize, Failed>>()
    })?;
    Ok(rows as f64 / begun.elapsed().as_secs_f64())
}

/// What a Python image holds beside its base, compressed, against ours.
pub fn image_size(bench: &Bench) -> Result<Vec<Row>, Failed> {
    let scripts = package()?.join("python");
    let mut rows = Vec::new();
    for name in ["kserve", "mlserver"] {
        let python = preview::venv(bench, &scripts.join(format!("{name}-requirements.txt")))?;
        let venv = python
            .parent()
            .and_then(Path::parent)
            .ok_or("the venv has a folder")?;
        let mut tar = Command::new("sh");
        tar.args(["-c", "tar -C \"$0\" -c lib | gzip -6 | wc -c"])
            .arg(venv);
        let bytes: f64 = String::from_utf8(process::run(&mut tar)?.stdout)?
            .trim()
            .parse()?;
        rows.push(Row {
            what: format!("{name}: its Python packages"),
            figure: bytes / 1e6,
            unit: "MB",
            aim: Aim::None,
            detail: "compressed, without Python and a base".into(),
        });
    }
    Ok(rows)
}
