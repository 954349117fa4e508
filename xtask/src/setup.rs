//! What a machine needs to build and test Boxwright: Debian's packages and the page's.

use std::process::Command;

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{process, stamp};

/// How much of it is needed. Each one includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Layers and the programs in them.
    Images,
    /// The studio.
    Window,
    /// Everything that the tests use.
    Test,
}

/// Debian's packages, and what for.
const PACKAGES: [(Need, &str, &[&str]); 7] = [
    (
        Need::Images,
        "programs, and the libraries in C that they contain",
        &[
            "binutils",
            "cmake",
            "g++",
            "gcc",
            "libc6-dev",
            "make",
            "nasm",
            "pkg-config",
        ],
    ),
    (
        Need::Images,
        "downloads from Python's packages",
        &["python3", "python3-pip", "python3-venv"],
    ),
    (
        Need::Window,
        "the window",
        &[
            "libayatana-appindicator3-dev",
            "libgtk-3-dev",
            "librsvg2-dev",
            "libwebkit2gtk-4.1-dev",
            "libxdo-dev",
        ],
    ),
    (
        Need::Window,
        "pictures of the window on a machine without a display",
        &["dbus-x11", "imagemagick", "xvfb"],
    ),
    (
        Need::Test,
        "tests of the window, the page and the keychain",
        &[
            "chromium",
            "curl",
            "gnome-keyring",
            "libsecret-tools",
            "webkit2gtk-driver",
        ],
    ),
    (
        Need::Test,
        "tests with a real registry, Docker Engine, and ARM programs",
        &[
            "binfmt-support",
            "docker-registry",
            "docker.io",
            "iptables",
            "qemu-user-static",
            "skopeo",
            "strace",
            "zstd",
        ],
    ),
    (
        Need::Test,
        "tests with clients that others wrote",
        &["libb64-0d"],
    ),
];

/// Programs for ARM on another processor.
const CROSS: (&str, &[&str]) = (
    "programs for ARM",
    &[
        "g++-aarch64-linux-gnu",
        "gcc-aarch64-linux-gnu",
        "libc6-dev-arm64-cross",
        "rustc-web",
    ],
);

/// Installs what is missing. What only tests need and can't be had is said, and left out.
pub fn run(places: &Places, need: Need) -> Result {
    process::step("System packages", || packages(need))?;
    if need >= Need::Window {
        process::step("The page's packages", || page(places))?;
    }
    Ok(())
}

fn packages(need: Need) -> Result {
    let mut wanted: Vec<(Need, &str, &[&str])> = PACKAGES
        .into_iter()
        .filter(|(of, ..)| *of <= need)
        .collect();
    if Arch::host()? != Arch::Arm64 {
        wanted.push((Need::Images, CROSS.0, CROSS.1));
    }
    if process::find("dpkg-query").is_none() || process::find("apt-get").is_none() {
        return Err(
            "this system has no Debian packages. Install by hand what Debian 12 calls:".to_owned()
                + &wanted
                    .iter()
                    .map(|(_, what, names)| described(what, names))
                    .collect::<String>(),
        );
    }
    let mut missing: Vec<(Need, &str, Vec<&str>)> = Vec::new();
    for (of, what, names) in wanted {
        let absent: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !is_installed(name))
            .collect();
        if !absent.is_empty() {
            missing.push((of, what, absent));
        }
    }
    if missing.is_empty() {
        println!("    all there");
        return Ok(());
    }
    println!("    to be installed:");
    for (_, what, names) in &missing {
        println!("    {}", described(what, names).trim());
    }
    install(&missing)
}

fn described(what: &str, names: &[&str]) -> String {
    format!("\n  for {what}: {}", names.join(" "))
}

fn is_installed(name: &str) -> bool {
    // Of several architectures, one a line.
    let query = ["--show", "--showformat=${db:Status-Status}\\n", name];
    process::output(&mut process::command("dpkg-query", query))
        .is_ok_and(|status| status.lines().any(|line| line == "installed"))
}

fn install(missing: &[(Need, &str, Vec<&str>)]) -> Result {
    process::run(&mut apt_get(&["update", "--quiet=2"])?)?;
    let all: Vec<&str> = missing
        .iter()
        .flat_map(|(.., names)| names.clone())
        .collect();
    let words = ["install", "--yes", "--no-install-recommends", "--quiet=2"];
    if process::run(apt_get(&words)?.args(&all)).is_ok() {
        return Ok(());
    }
    // One that can't be had keeps apt from installing any.
    for (need, what, names) in missing {
        for name in names {
            if process::run(apt_get(&words)?.arg(name)).is_ok() {
                continue;
            }
            let lacking = format!("the package {name}, for {what}, can't be installed");
            match need {
                Need::Test => println!("    {lacking}: what needs it is left out"),
                _ => return Err(lacking),
            }
        }
    }
    Ok(())
}

/// apt-get as root, without questions.
fn apt_get(words: &[&str]) -> Result<Command> {
    let quiet = ["DEBIAN_FRONTEND=noninteractive", "apt-get"];
    let root = process::output(&mut process::command("id", ["-u"]))?.trim() == "0";
    let mut command = match root {
        true => process::command("env", quiet),
        false if process::find("sudo").is_some() => {
            println!("    asking sudo for the right to install");
            let mut sudo = Command::new("sudo");
            sudo.arg("env").args(quiet);
            sudo
        }
        false => return Err("installing packages takes root, and there is no sudo".to_owned()),
    };
    command.args(words);
    Ok(command)
}

/// The page's packages, as its lock file names them.
fn page(places: &Places) -> Result {
    let ui = places.ui();
    if !ui.join("package-lock.json").is_file() {
        println!("    there is no page in this checkout");
        return Ok(());
    }
    let lock = stamp::read(&ui.join("package-lock.json"))?;
    let note = ui.join("node_modules/.installed-lock.json");
    if std::fs::read_to_string(&note).is_ok_and(|installed| installed == lock) {
        println!("    all there");
        return Ok(());
    }
    if process::find("npm").is_none() {
        return Err("npm is not installed: install Node.js 20 or newer".to_owned());
    }
    let cache = places.cache.join("npm");
    let mut npm = npm(
        places,
        ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    );
    process::run(npm.arg("--cache").arg(cache))?;
    stamp::write(&note, lock)
}

/// npm in the page's folder.
pub fn npm<const N: usize>(places: &Places, words: [&str; N]) -> Command {
    let mut npm = process::command("npm", words);
    npm.current_dir(places.ui());
    npm
}
