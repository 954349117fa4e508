//! Writes the layers and the catalogue of a share folder, for `cargo xtask`.
//!
//! `boxwright-assemble layer FILE` reads lines of tab-separated fields from stdin
//! (`dir MODE PATH`, `file MODE PATH SOURCE`, `link PATH TARGET`), writes the gzipped layer, and
//! prints `DIGEST DIFF_ID SIZE`. `boxwright-assemble catalogue SHARE` reads `onnxruntime VERSION`,
//! `component KIND TARGET PLATFORM LAYER DIGEST DIFF_ID SIZE`, `source NAME VERSION SHA256` (of the
//! component before it) and `program PATH`, and writes `SHARE/catalogue.json`.

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use boxwright_build::{Catalogue, Component, Kind, Program, Source};
use boxwright_files::{Silent, WriteOptions};
use boxwright_oci::{FileSource, TarPlan, layer};
use tokio_util::sync::CancellationToken;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let done = match arguments.as_slice() {
        [what, file] if what == Path::new("layer") => layer(file),
        [what, share] if what == Path::new("catalogue") => catalogue(share),
        _ => Err("usage: boxwright-assemble layer FILE | catalogue SHARE".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn layer(to: &Path) -> Result<()> {
    let mut plan = TarPlan::builder();
    // The same layer whatever the time: not even SOURCE_DATE_EPOCH counts.
    plan.mtime(0);
    for line in input()?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match *fields.as_slice() {
            ["dir", mode, path] => plan.dir(path, octal(mode)?),
            ["link", path, target] => plan.symlink(path, target),
            ["file", mode, path, source] => {
                let len = std::fs::metadata(source)
                    .map_err(|error| format!("{source}: {error}"))?
                    .len();
                let from = source.into();
                plan.file(path, FileSource::Path { path: from, len }, octal(mode)?)
            }
            _ => return Err(format!("no entry of a layer: {line:?}").into()),
        };
    }
    let made = layer::gzip(
        &plan.finish()?,
        to,
        "layer",
        &Silent,
        &CancellationToken::new(),
    )?;
    let descriptor = made.descriptor;
    println!(
        "{}\t{}\t{}",
        descriptor.digest, made.diff_id, descriptor.size
    );
    Ok(())
}

fn octal(mode: &str) -> Result<u32> {
    Ok(u32::from_str_radix(mode, 8)?)
}

fn catalogue(share: &Path) -> Result<()> {
    let mut catalogue = Catalogue {
        format: 1,
        onnxruntime: String::new(),
        components: Vec::new(),
        programs: Vec::new(),
    };
    for line in input()?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match *fields.as_slice() {
            ["onnxruntime", version] => catalogue.onnxruntime = version.to_owned(),
            [
                "component",
                kind,
                target,
                platform,
                layer,
                digest,
                diff_id,
                size,
            ] => {
                catalogue.components.push(Component {
                    kind: match kind {
                        "base" => Kind::Base,
                        "runtime" => Kind::Runtime,
                        _ => return Err(format!("no kind of component: {kind:?}").into()),
                    },
                    target: target.to_owned(),
                    platform: platform.to_owned(),
                    layer: layer.to_owned(),
                    digest: digest.parse()?,
                    diff_id: diff_id.parse()?,
                    size: size.parse()?,
                    sources: Vec::new(),
                });
            }
            ["source", name, version, sha256] => {
                let component = catalogue.components.last_mut();
                component
                    .ok_or("a source without a component")?
                    .sources
                    .push(Source {
                        name: name.to_owned(),
                        version: version.to_owned(),
                        sha256: sha256.to_owned(),
                    });
            }
            ["program", path] => catalogue.programs.push(program(share, path)?),
            _ => return Err(format!("no line of a catalogue: {line:?}").into()),
        }
    }
    let mut text = serde_json::to_vec_pretty(&catalogue)?;
    text.push(b'\n');
    Ok(WriteOptions::new().write(&share.join("catalogue.json"), &text)?)
}

fn program(share: &Path, path: &str) -> Result<Program> {
    let nobody = CancellationToken::new();
    let digest = layer::file_digest(&share.join(path), None, &Silent, &nobody)?;
    Ok(Program {
        path: path.to_owned(),
        sha256: digest.hex(),
    })
}
