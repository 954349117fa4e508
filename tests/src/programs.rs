//! The programs under test and their share folder.

use std::path::{Path, PathBuf};

/// Where the programs are: `BOXWRIGHT_BIN`, which `cargo xtask test` sets, or beside the tests.
fn folder() -> PathBuf {
    match std::env::var_os("BOXWRIGHT_BIN") {
        Some(folder) => folder.into(),
        // target/debug/deps/TEST
        None => std::env::current_exe()
            .ok()
            .and_then(|test| test.parent()?.parent().map(Path::to_owned))
            .expect("a test lies in target/PROFILE/deps"),
    }
}

/// One of our programs.
///
/// # Panics
/// When it has not been built, with what to do.
pub fn program(name: &str) -> PathBuf {
    let program = folder().join(name);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo xtask test`, which builds what the tests need",
        program.display()
    );
    program
}

/// The command line.
pub fn boxwright() -> PathBuf {
    program("boxwright")
}

/// The share folder: `BOXWRIGHT_HOME`, or what `cargo xtask dist` leaves in the checkout.
///
/// # Panics
/// When it has not been made, with what to do.
pub fn share() -> PathBuf {
    let share = std::env::var_os("BOXWRIGHT_HOME")
        .map_or_else(|| checkout().join("dist/share/boxwright"), PathBuf::from);
    assert!(
        share.join("catalogue.json").is_file(),
        "{} holds no catalogue.json: run `cargo xtask test`, which makes the share folder",
        share.display()
    );
    share
}

/// The server of the share folder, which is the one that goes into images.
pub fn serve() -> PathBuf {
    share().join("bin/boxwright-serve")
}

/// The checkout.
pub fn checkout() -> PathBuf {
    // Asked at run time: checkouts may share a target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let has_lock = |folder: &&Path| folder.join("Cargo.lock").is_file();
    let root = Path::new(&package).ancestors().find(has_lock);
    root.expect("a package lies in the checkout").to_owned()
}

/// The sample model's folder in the checkout.
pub fn sample() -> PathBuf {
    checkout().join("samples/efficientnet-lite0")
}

/// Where what is downloaded or built for the tests is kept between runs.
pub fn tools() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.expect("HOME is set").join("boxwright")
}
