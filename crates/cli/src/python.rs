//! `boxwright python`.

use boxwright_studio::{Failure, python as studio};

use crate::args::Python;
use crate::console::{Console, print_line};
use crate::package;

/// Prints a package's pipeline as Python.
pub async fn python(args: &Python, console: &Console) -> Result<(), Failure> {
    let (package, model) = package::open(&args.package, console).await?;
    let code = studio::code(&package, &model.summary.signature)?;
    print_line(code.trim_end())
}
