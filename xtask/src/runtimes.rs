//! The runtimes: `boxwright-serve` and ONNX Runtime for each platform, with the notices of all that
//! is in them.

use std::path::{Path, PathBuf};

use crate::layer::{self, Component};
use crate::onnxruntime::{self, OnnxRuntime};
use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{cargo, notices, process, stamp};

/// What this machine itself runs, in the share folder.
pub const OWN: [&str; 2] = ["bin/boxwright-serve", "lib/libonnxruntime.so"];

/// Makes the runtime of every platform that can be built for here.
pub fn make(places: &Places) -> Result<Vec<Component>> {
    let host = Arch::host()?;
    let mut made = Vec::new();
    for arch in Arch::ALL {
        if arch != host && host != Arch::Amd64 {
            println!(
                "==> Runtime for linux/{arch}: left out, it can only be built on an x86-64 \
                 machine. Images for linux/{arch} can't be built with this share folder."
            );
            continue;
        }
        let heading = format!("Runtime for linux/{arch}");
        let folder = process::step(&heading, || runtime(places, arch))?;
        made.push(Component {
            kind: "runtime",
            target: "cpu",
            arch,
            made: folder,
        });
    }
    Ok(made)
}

/// Puts what this machine itself runs into the share folder: the files of its platform's runtime.
/// Returns the version of ONNX Runtime.
pub fn install_own(places: &Places) -> Result<String> {
    let host = Arch::host()?;
    let onnxruntime = onnxruntime::fetch(places, host)?;
    let serve = serve(places, host)?;
    let [program, library] = OWN.map(|path| places.share().join(path));
    stamp::install_file(&serve, &program, true)?;
    stamp::install_file(&onnxruntime.library, &library, true)?;
    Ok(onnxruntime.version)
}

/// The built `boxwright-serve` for `arch`.
fn serve(places: &Places, arch: Arch) -> Result<PathBuf> {
    Ok(cargo::shipping_folder(places, arch)?.join("boxwright-serve"))
}

fn runtime(places: &Places, arch: Arch) -> Result<PathBuf> {
    let onnxruntime = onnxruntime::fetch(places, arch)?;
    // Alone, so that no feature of the workspace's other programs gets into it.
    let words = ["build", "--package", "boxwright-serve"];
    process::run(&mut cargo::cargo_shipping(places, arch, words)?)?;
    let serve = serve(places, arch)?;
    check_glibc(&serve)?;
    check_glibc(&onnxruntime.library)?;
    let notices = notices::of_serve(places, arch)?;
    let key = stamp::Key::new(include_str!("runtimes.rs"))
        .text(&notices)
        .text(&onnxruntime.sha256)
        .file(&places.root.join("LICENSE"))?
        .file(&serve)?;
    let folder = stamp::made(&places.cache, &format!("runtime-{arch}"), &key, |folder| {
        let third_party = folder.join("THIRD-PARTY.txt");
        stamp::write(&third_party, &notices)?;
        let entries = entries(places, &serve, &onnxruntime, &third_party);
        let sources = sources(places, &onnxruntime)?;
        layer::write(places, folder, &entries, &sources)
    })?;
    Ok(folder)
}

/// The layer's files, as `boxwright-assemble` reads them.
fn entries(places: &Places, serve: &Path, onnxruntime: &OnnxRuntime, third_party: &Path) -> String {
    let [licence, notices] = &onnxruntime.notices;
    let own = places.root.join("LICENSE");
    let files = [
        ("755", "bin/boxwright-serve", serve),
        ("755", "lib/libonnxruntime.so", &onnxruntime.library),
        ("644", "share/doc/boxwright/LICENSE", &own),
        ("644", "share/doc/boxwright/THIRD-PARTY.txt", third_party),
        ("644", "share/doc/onnxruntime/LICENSE", licence),
        (
            "644",
            "share/doc/onnxruntime/ThirdPartyNotices.txt",
            notices,
        ),
    ];
    files
        .map(|(mode, path, from)| {
            format!("file\t{mode}\topt/boxwright/{path}\t{}\n", from.display())
        })
        .concat()
}

fn sources(places: &Places, onnxruntime: &OnnxRuntime) -> Result<Vec<String>> {
    let id = process::output(&mut cargo::cargo(
        places,
        ["pkgid", "--package", "boxwright-serve"],
    ))?;
    let version = id
        .trim()
        .rsplit(['#', '@'])
        .next()
        .unwrap_or_default()
        .to_owned();
    Ok(vec![
        format!("boxwright-serve\t{version}\t"),
        format!(
            "onnxruntime\t{}\t{}",
            onnxruntime.version, onnxruntime.sha256
        ),
    ])
}

/// Refuses a program that needs a newer C library than the base has.
fn check_glibc(program: &Path) -> Result {
    const BASE: (u32, u32) = (2, 36);
    let arguments = [
        "--version-info".as_ref(),
        "--wide".as_ref(),
        program.as_os_str(),
    ];
    let said = process::output(&mut process::command("readelf", arguments))?;
    let newest = said
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("GLIBC_")?.split_once('.'))
        .filter_map(|(major, minor)| {
            let minor = minor.split('.').next()?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        })
        .max();
    match newest {
        Some(newest) if newest > BASE => Err(format!(
            "{} needs glibc {}.{}, and the images' base has {}.{}: build on Debian 12",
            program.display(),
            newest.0,
            newest.1,
            BASE.0,
            BASE.1
        )),
        _ => Ok(()),
    }
}
