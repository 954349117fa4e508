//! ONNX Runtime, out of its Python packages: pinned by version and SHA-256.

use std::path::PathBuf;

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{lock, process, stamp};

/// ONNX Runtime for one processor, unpacked.
pub struct OnnxRuntime {
    /// Its version.
    pub version: String,
    /// SHA-256 of the wheel.
    pub sha256: String,
    /// The library.
    pub library: PathBuf,
    /// Its licence, and the notices of what is in it.
    pub notices: [PathBuf; 2],
}

/// Downloads and unpacks what `xtask/runtimes.lock` names for `arch`.
pub fn fetch(places: &Places, arch: Arch) -> Result<OnnxRuntime> {
    let path = places.root.join("xtask/runtimes.lock");
    let lines = lock::read(&path)?;
    let entry = lines.iter().find_map(|words| match words.as_slice() {
        [kind, of, version, tag, sha256] if kind == "onnxruntime" && of == arch.name() => {
            Some((version.clone(), tag.clone(), sha256.clone()))
        }
        _ => None,
    });
    let Some((version, tag, sha256)) = entry else {
        return Err(format!(
            "{} names no onnxruntime for {arch}",
            path.display()
        ));
    };
    let key = stamp::Key::new(include_str!("onnxruntime.rs")).text(&sha256);
    let folder = stamp::made(
        &places.cache,
        &format!("onnxruntime-{arch}"),
        &key,
        |folder| {
            println!("    downloading ONNX Runtime {version} for {arch}");
            let requirement = folder.join("requirement.txt");
            stamp::write(
                &requirement,
                format!("onnxruntime=={version} --hash=sha256:{sha256}\n"),
            )?;
            let wheels = folder.join("wheel");
            let pip = [
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--require-hashes",
            ];
            let mut pip = process::command("python3", pip);
            pip.args(["--disable-pip-version-check", "--only-binary=:all:"])
                .args(["--python-version", "3.11", "--platform", &tag, "--dest"])
                .arg(&wheels)
                .arg("--requirement")
                .arg(&requirement);
            process::run(&mut pip)?;
            let wheel = stamp::files(&wheels)?;
            let wheel = wheel.first().ok_or("pip brought no wheel")?;
            let unzip = ["-m".as_ref(), "zipfile".as_ref(), "-e".as_ref()];
            let mut unzip = process::command::<&std::ffi::OsStr>("python3", unzip);
            process::run(unzip.arg(wheels.join(wheel)).arg(folder))?;
            stamp::clear(&wheels)
        },
    )?;
    let inside = folder.join("onnxruntime");
    Ok(OnnxRuntime {
        library: inside.join(format!("capi/libonnxruntime.so.{version}")),
        notices: ["LICENSE", "ThirdPartyNotices.txt"].map(|name| inside.join(name)),
        version,
        sha256,
    })
}
