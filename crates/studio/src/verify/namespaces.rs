//! The worker of a pulled image without a container engine: its layers as the root of fresh user,
//! mount, process and network namespaces, with an empty environment and no home.
//!
//! Only programs that we know are run so: base and runtime must be those of our catalogue, and the
//! layers above them may hold nothing but the package. They are known by their content, which is
//! checked when it is unpacked: a mirror may have compressed it anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use boxwright_build::{Catalogue, Kind};
use boxwright_files::disk;
use boxwright_oci::registry::PulledImage;
use boxwright_oci::{Digest, Platform, unpack};
use boxwright_worker::WorkerCommand;

/// The only folder that the layers above base and runtime may fill.
const PACKAGE_FOLDER: &str = "model";
/// Layers may unpack to so many times their size: no model of any use compresses so far.
const MAX_RATIO: u64 = 100;
/// What layers may unpack to however small they are, in bytes.
const SMALL: u64 = 1 << 30;
/// Where the program lies in the image.
const PROGRAM: &str = "/opt/boxwright/bin/boxwright-serve";
/// Where util-linux is looked for; PATH is not trusted.
const SYSTEM_FOLDERS: [&str; 4] = [
    "/usr/bin",
    "/bin",
    "/usr/local/bin",
    "/run/current-system/sw/bin",
];

/// The namespaces: everything that a computation does not need is unshared.
const NAMESPACES: [&str; 7] = [
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--net",
    "--ipc",
    "--fork",
];

/// Whether this machine lets us make the namespaces; if not, why.
///
/// # Errors
/// The reason, in words.
pub fn available() -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("namespaces are Linux's".to_owned());
    }
    let found = SYSTEM_FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join("unshare"))
        .find(|p| p.is_file());
    let unshare = found.ok_or("util-linux's `unshare` is not installed")?;
    let output = Command::new(&unshare)
        .args(NAMESPACES)
        .arg(&unshare)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("unshare can't be run: {error}"))?;
    if output.status.success() {
        return Ok(unshare);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "this system allows no user namespaces ({})",
        stderr.trim()
    ))
}

/// The command that runs an image's worker, unpacked into the empty folder `root`.
///
/// # Errors
/// Why it is not run, in words.
pub fn command(
    image: &PulledImage,
    catalogue: &Catalogue,
    root: &Path,
) -> Result<WorkerCommand, String> {
    let unshare = available()?;
    check_known(image, catalogue)?;
    unpack_root(image, root)?;
    let mut args: Vec<std::ffi::OsString> = NAMESPACES.iter().map(Into::into).collect();
    args.push("--kill-child".into());
    args.push(format!("--root={}", root.display()).into());
    args.extend(["--wd=/".into(), PROGRAM.into(), "worker".into()]);
    Ok(WorkerCommand {
        program: unshare,
        args,
        env: Vec::new(),
        clear_env: true,
        current_dir: None,
    })
}

/// Checks that the two lowest layers are a base and a runtime of our catalogue.
fn check_known(image: &PulledImage, catalogue: &Catalogue) -> Result<(), String> {
    let platform = image.platform.to_string();
    for (index, kind) in [Kind::Base, Kind::Runtime].into_iter().enumerate() {
        let content = image.config.rootfs.diff_ids.get(index);
        let known = catalogue.components.iter().any(|component| {
            component.kind == kind
                && component.platform == platform
                && Some(&component.diff_id) == content
        });
        if !known {
            return Err(format!(
                "its {} is not one of this Boxwright's, and only programs that are known are run \
                 without a container engine",
                kind.name()
            ));
        }
    }
    Ok(())
}

/// Base and runtime are unpacked into the root, the other layers into a separate folder, of which
/// only the package's folder is moved into the root: no upper layer can replace a program.
fn unpack_root(image: &PulledImage, root: &Path) -> Result<(), String> {
    let diff_ids = &image.config.rootfs.diff_ids;
    if diff_ids.len() != image.layers.len() {
        return Err("its configuration does not list its layers".to_owned());
    }
    let upper = root.with_extension("package");
    let unpack = |layers: std::ops::Range<usize>, to: &Path| {
        let (ids, layers): (&[Digest], _) = (&diff_ids[layers.clone()], &image.layers[layers]);
        let most = most_unpacked(
            layers.iter().map(|(layer, _)| layer.size),
            disk::usable_space(to),
        );
        unpack::unpack(layers, ids, to, most)
            .map_err(|error| format!("it can't be unpacked into {most} bytes: {error}"))
    };
    std::fs::create_dir_all(&upper).map_err(|error| error.to_string())?;
    unpack(0..2, root)?;
    unpack(2..image.layers.len(), &upper)?;
    let entries = std::fs::read_dir(&upper).map_err(|error| error.to_string())?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name() != PACKAGE_FOLDER {
            return Err(format!(
                "its upper layers hold /{}, which is not the package",
                entry.file_name().to_string_lossy()
            ));
        }
    }
    let target = root.join(PACKAGE_FOLDER);
    // The base may have an empty folder there.
    let _ = std::fs::remove_dir(&target);
    std::fs::rename(upper.join(PACKAGE_FOLDER), &target)
        .map_err(|error| format!("its package can't be put in its place: {error}"))
}

/// The most that layers of these sizes may unpack to where there is `room`, in bytes.
fn most_unpacked(sizes: impl Iterator<Item = u64>, room: Option<u64>) -> u64 {
    let sum = sizes.fold(0, u64::saturating_add);
    let plausible = sum.saturating_mul(MAX_RATIO).saturating_add(SMALL);
    plausible.min(room.unwrap_or(u64::MAX))
}

/// How programs of another platform run on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Directly on the CPU.
    Native,
    /// By an emulator that is registered with the kernel (binfmt).
    Emulated,
}

/// How programs of `platform` run here, if they do.
///
/// # Errors
/// Why they don't, and what to do, in words.
pub fn execution(platform: &Platform) -> Result<Execution, String> {
    if platform.matches(&Platform::host()) {
        return Ok(Execution::Native);
    }
    if platform.os != "linux" {
        return Err(format!("programs for {platform} don't run here"));
    }
    let name = match platform.architecture.as_str() {
        "arm64" | "aarch64" => "qemu-aarch64",
        "amd64" | "x86_64" => "qemu-x86_64",
        other => return Err(format!("programs for {other} don't run here")),
    };
    let path = Path::new("/proc/sys/fs/binfmt_misc").join(name);
    let entry = std::fs::read_to_string(path).unwrap_or_default();
    emulated(&entry).then_some(Execution::Emulated).ok_or_else(|| {
        format!(
            "programs for {platform} don't run here: install qemu-user-static and binfmt-support, \
             or check the image on such a machine"
        )
    })
}

/// Whether a binfmt entry is enabled and its interpreter is opened at registration (flag F);
/// without the flag the interpreter would be looked for inside the image.
fn emulated(entry: &str) -> bool {
    let enabled = entry.lines().any(|line| line.trim() == "enabled");
    let flags = entry.lines().find_map(|line| line.strip_prefix("flags:"));
    enabled && flags.is_some_and(|flags| flags.contains('F'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_counts_only_when_it_is_enabled_and_open() {
        let entry = |state: &str, flags: &str| {
            format!("{state}\ninterpreter /usr/libexec/qemu-binfmt/aarch64\nflags: {flags}\n")
        };
        assert!(emulated(&entry("enabled", "POCF")));
        assert!(!emulated(&entry("disabled", "POCF")));
        assert!(!emulated(&entry("enabled", "POC")));
        assert!(!emulated(""));
    }

    #[test]
    fn what_unpacks_is_bounded_by_its_size_and_by_the_disk() {
        let most = |sizes: &[u64], room| most_unpacked(sizes.iter().copied(), room);
        assert_eq!(most(&[10, 20], None), SMALL + 30 * MAX_RATIO);
        assert_eq!(most(&[10, 20], Some(5)), 5);
        assert_eq!(most(&[u64::MAX, 2], None), u64::MAX);
    }

    #[test]
    fn this_machines_programs_run_natively() {
        assert_eq!(execution(&Platform::host()), Ok(Execution::Native));
        assert!(execution(&Platform::linux("riscv64")).is_err());
    }
}
