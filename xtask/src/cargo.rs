//! Cargo, and the programs that it builds.

use std::path::PathBuf;
use std::process::Command;

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{process, stamp};

/// Cargo on this checkout, building what is tested.
pub fn cargo<const N: usize>(places: &Places, words: [&str; N]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = process::command(program, words);
    command
        .current_dir(&places.root)
        .env("CARGO_TARGET_DIR", &places.target)
        // What is built and tested does not depend on when.
        .env_remove("SOURCE_DATE_EPOCH");
    command
}

/// Cargo for programs that ship to `arch`: release builds whose bytes don't depend on folders, in
/// a target folder of their own.
pub fn cargo_shipping<const N: usize>(
    places: &Places,
    arch: Arch,
    words: [&str; N],
) -> Result<Command> {
    let mut command = cargo(places, words);
    command
        .env("CARGO_TARGET_DIR", shipping_target(places, arch))
        .args(["--release", "--locked"]);
    let mut flags = remapped(places)?;
    if arch != Arch::host()? {
        command.args(["--target", arch.triple()]);
        flags.extend(cross(places, arch, &mut command)?);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    let (home, cache) = (places.home.display(), places.cache.display());
    let c_flags = format!("-ffile-prefix-map={home}=/home -ffile-prefix-map={cache}=/cache");
    command.env("CFLAGS", &c_flags).env("CXXFLAGS", &c_flags);
    Ok(command)
}

/// Where Cargo leaves the release programs for `arch`.
pub fn shipping_folder(places: &Places, arch: Arch) -> Result<PathBuf> {
    let target = shipping_target(places, arch);
    Ok(match arch == Arch::host()? {
        true => target.join("release"),
        false => target.join(arch.triple()).join("release"),
    })
}

fn shipping_target(places: &Places, arch: Arch) -> PathBuf {
    places.cache.join(format!("target-{arch}"))
}

/// Flags that keep this machine's folders out of programs. The checkout is not among them: Cargo
/// names its files relative to it.
fn remapped(places: &Places) -> Result<Vec<String>> {
    let mut rustc = process::command("rustc", ["-vV"]);
    let said = process::output(rustc.current_dir(&places.root))?;
    let commit = said
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "));
    let mut sysroot = process::command("rustc", ["--print", "sysroot"]);
    let sysroot = process::output(sysroot.current_dir(&places.root))?;
    let source = format!("{}/lib/rustlib/src/rust", sysroot.trim());
    // The last one that fits counts.
    let mut pairs = vec![
        (places.home.display().to_string(), "/home".to_owned()),
        (places.cache.display().to_string(), "/cache".to_owned()),
        (
            places.cargo_home().display().to_string(),
            "/cargo".to_owned(),
        ),
        (source, format!("/rustc/{}", commit.unwrap_or("source"))),
    ];
    // The folder of crates is named after the registry or the mirror that they came from.
    process::run(&mut cargo(places, ["fetch", "--locked", "--quiet"]))?;
    let crates = places.cargo_home().join("registry/src");
    for folder in std::fs::read_dir(&crates).into_iter().flatten().flatten() {
        pairs.push((folder.path().display().to_string(), "/crates".to_owned()));
    }
    let flags = pairs
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={from}={to}"));
    Ok(flags.collect())
}

/// Makes `command` build for another processor, and returns the flags that this takes.
fn cross(places: &Places, arch: Arch, command: &mut Command) -> Result<Vec<String>> {
    if arch != Arch::Arm64 {
        return Err(format!("programs for {arch} can only be built on {arch}"));
    }
    let tool = |name: &str| format!("{}-{name}", arch.multiarch());
    command
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", tool("gcc"))
        .env("CC_aarch64_unknown_linux_gnu", tool("gcc"))
        .env("CXX_aarch64_unknown_linux_gnu", tool("g++"))
        .env("AR_aarch64_unknown_linux_gnu", tool("ar"));
    let libdir = ["--print", "target-libdir", "--target", arch.triple()];
    let own = process::output(process::command("rustc", libdir).current_dir(&places.root))?;
    if PathBuf::from(own.trim()).is_dir() {
        return Ok(Vec::new());
    }
    let sysroot = debian_sysroot(places, arch)?;
    command.env("RUSTC", "/usr/bin/rustc");
    Ok(vec![format!("--sysroot={}", sysroot.display())])
}

/// A Rust standard library for `arch` that fits Debian's compiler, unpacked in the cache.
fn debian_sysroot(places: &Places, arch: Arch) -> Result<PathBuf> {
    let query = ["--show", "--showformat=${Version}", "rustc-web"];
    let version = process::output(&mut process::command("dpkg-query", query)).map_err(|_| {
        format!(
            "this Rust has no standard library for {arch}, and Debian's compiler (rustc-web) is \
             not installed: `rustup target add {}`, or `apt-get install rustc-web`",
            arch.triple()
        )
    })?;
    let name = "libstd-rust-web-dev";
    let key = stamp::Key::new(&version).text(arch.name());
    let folder = stamp::made(&places.cache, &format!("sysroot-{arch}"), &key, |folder| {
        println!("    fetching the Rust standard library for {arch}, {version}");
        let package = format!("{name}:{arch}={version}");
        let file = crate::apt::Apt::new(places).download(&package)?;
        let unpack = ["--extract".as_ref(), file.as_os_str(), folder.as_os_str()];
        process::run(&mut process::command("dpkg-deb", unpack))
    })?;
    Ok(folder.join("usr"))
}
