//! Whether arm64 programs run on this machine.

use std::path::Path;
use std::process::Command;

use crate::missing::{Missing, program};

const ENTRY: &str = "/proc/sys/fs/binfmt_misc/qemu-aarch64";

/// Makes arm64 programs run here: natively, or through qemu's user emulation, which is registered
/// with the kernel where that is allowed. It stays registered, as any user of such images has it.
pub fn arm64() -> Result<(), Missing> {
    if cfg!(target_arch = "aarch64") || enabled() {
        return Ok(());
    }
    let update = program("update-binfmts")?;
    program("qemu-aarch64-static")?;
    let folder = "/proc/sys/fs/binfmt_misc";
    if !Path::new(folder).join("status").exists() {
        let _ = Command::new("mount")
            .args(["-t", "binfmt_misc", "binfmt_misc", folder])
            .status();
    }
    let _ = Command::new(update)
        .args(["--enable", "qemu-aarch64"])
        .status();
    if enabled() {
        Ok(())
    } else {
        Err(Missing::because(
            "arm64 programs don't run here: `update-binfmts --enable qemu-aarch64` as root makes them",
        ))
    }
}

fn enabled() -> bool {
    std::fs::read_to_string(ENTRY).is_ok_and(|entry| entry.starts_with("enabled"))
}
