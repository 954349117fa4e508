//! `boxwright init`, and how a package is opened by every other command.

use std::path::Path;

use boxwright_studio::Failure;
use boxwright_studio::init::{self, InitRequest};
use boxwright_studio::model::package::{FILE_NAME, open_any};
use boxwright_studio::model::{LoadedPackage, Model};

use crate::args::Init;
use crate::console::{Console, print_line};
use crate::text::tame;

/// Opens a package or a bare model, whose guesses are told.
pub fn open(path: &Path, console: &Console) -> Result<(LoadedPackage, Model), Failure> {
    let (package, model, guesses) = open_any(path)?;
    if !guesses.is_empty() {
        console.say("There is no package file, so the pipeline is guessed; `boxwright init` writes it down.");
        console.guesses(&package.package, &guesses);
    }
    Ok((package, model))
}

/// Writes a package file.
pub fn init(args: &Init, console: &Console) -> Result<(), Failure> {
    let request = InitRequest {
        model: args.model.clone(),
        preset: args.preset,
        labels: args.labels.clone(),
        name: args.name.clone(),
        version: args.model_version.clone(),
        folder: args.output.clone(),
        replace: args.force,
    };
    let (package, guesses) = init::init(&request)?;
    console.guesses(&package.package, &guesses);
    print_line(&tame(&package.root.join(FILE_NAME).to_string_lossy()));
    Ok(())
}
