//! `boxwright example`.

use std::path::PathBuf;

use boxwright_studio::errors::blocking;
use boxwright_studio::{Failure, example as studio};

use crate::args::Example;
use crate::console::{Console, print_line};
use crate::package;
use crate::text::sanitize;

/// Says what a sample has, writes one, and prints where.
pub async fn example(args: Example, console: &Console) -> Result<(), Failure> {
    let (package, model) = package::open(&args.package, console).await?;
    let signature = &model.summary.signature;
    let example = studio::of(&package.package, signature)?;
    console.print("A sample has:");
    for line in studio::described(&package, signature) {
        console.print(&format!("  {}", sanitize(&line)));
    }
    let name = || PathBuf::from(studio::file_name(&package.package, &example));
    let path = args.output.unwrap_or_else(name);
    let written = blocking(move || studio::write(&example, &path, args.force)).await?;
    print_line(&sanitize(&written.to_string_lossy()))
}
