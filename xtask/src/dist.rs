//! The programs as they ship, and the share folder beside them.

use crate::places::{Arch, Places};
use crate::result::Result;
use crate::{cargo, process, setup, share, stamp};

/// `cargo xtask dist`.
pub fn run(places: &Places) -> Result {
    let window = has_studio(places);
    let need = match window {
        true => setup::Need::Window,
        false => setup::Need::Images,
    };
    setup::run(places, need)?;
    share::make(places)?;
    let host = Arch::host()?;
    process::step("boxwright", || {
        let words = ["build", "--package", "boxwright-cli", "--bin", "boxwright"];
        process::run(&mut cargo::cargo_shipping(places, host, words)?)
    })?;
    if window {
        page(places)?;
        process::step("boxwright-studio", || {
            let words = [
                "build",
                "--package",
                "boxwright-studio-app",
                "--bin",
                "boxwright-studio",
            ];
            let mut build = cargo::cargo_shipping(places, host, words)?;
            process::run(build.args(["--features", "custom-protocol"]))
        })?;
    } else {
        println!("==> boxwright-studio: left out, this checkout has no src-tauri");
    }
    process::step("dist/bin", || {
        let built = cargo::shipping_folder(places, host)?;
        let bin = places.dist().join("bin");
        for name in ["boxwright", "boxwright-serve", "boxwright-studio"] {
            if name != "boxwright-studio" || window {
                stamp::install_file(&built.join(name), &bin.join(name), true)?;
            }
        }
        Ok(())
    })
}

/// Whether the desktop shell is in this checkout.
pub fn has_studio(places: &Places) -> bool {
    places.root.join("src-tauri/Cargo.toml").is_file()
}

/// Builds the page, unless it is that of the same sources.
pub fn page(places: &Places) -> Result {
    process::step("The page", || {
        let ui = places.ui();
        let mut key = stamp::Key::new("page");
        for file in stamp::files(&ui)? {
            let top = file.components().next();
            let top = top.map(|top| top.as_os_str().to_string_lossy().into_owned());
            if !matches!(
                top.as_deref(),
                Some("node_modules" | "dist" | "test-results")
            ) {
                key = key.text(&file.to_string_lossy()).file(&ui.join(&file))?;
            }
        }
        let note = ui.join("dist/.built-from");
        let name = key.name();
        if std::fs::read_to_string(&note).is_ok_and(|built| built == name) {
            println!("    up to date");
            return Ok(());
        }
        process::run(&mut setup::npm(places, ["run", "--silent", "build"]))?;
        stamp::write(&note, name)
    })
}
