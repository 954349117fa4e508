//! `boxwright init`, and how a package is opened by every other command.

use std::path::{Path, PathBuf};

use boxwright_studio::errors::blocking;
use boxwright_studio::init::{self, InitRequest};
use boxwright_studio::model::package::{FILE_NAME, open_any};
use boxwright_studio::model::{LoadedPackage, Model};
use boxwright_studio::samples::{self, SampleFile};
use boxwright_studio::{Directories, Failure, history};

use crate::args::Init;
use crate::console::{Console, print_line};
use crate::text::sanitize;

/// Opens a package or a bare model, and prints what was guessed.
pub async fn open(path: &Path, console: &Console) -> Result<(LoadedPackage, Model), Failure> {
    let path = path.to_owned();
    let (package, model, guesses) = blocking(move || open_any(&path)).await?;
    if !guesses.is_empty() {
        console.print("There is no package file, so the pipeline is guessed; `boxwright init` writes it down.");
        console.guesses(&package.package, &guesses);
    }
    Ok((package, model))
}

/// The samples in files and folders.
pub async fn samples(paths: &[PathBuf]) -> Result<Vec<SampleFile>, Failure> {
    let paths = paths.to_owned();
    blocking(move || samples::collect(&paths)).await
}

/// The limit on a picture's pixels: the one given, else that of the settings.
pub fn max_pixels(given: Option<u64>) -> u64 {
    given.unwrap_or_else(|| history::settings(&Directories::find()).max_pixels)
}

/// Writes a package file.
pub async fn init(args: Init, console: &Console) -> Result<(), Failure> {
    let request = InitRequest {
        model: args.model,
        preset: args.preset,
        labels: args.labels,
        name: args.name,
        version: args.model_version,
        folder: args.output,
        replace: args.force,
    };
    let (package, guesses) = blocking(move || init::init(&request)).await?;
    console.guesses(&package.package, &guesses);
    print_line(&sanitize(&package.root.join(FILE_NAME).to_string_lossy()))
}
