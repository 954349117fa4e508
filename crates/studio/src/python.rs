//! A package's pipeline as Python, for notebooks.

use boxwright_model::LoadedPackage;
use boxwright_model::pipeline::Samples;
use boxwright_tensor::Signature;

use crate::failure::{Code, Failure, Result};

/// The function `preprocess(path)`, which makes of a picture what the package's model takes, in the
/// calls of the libraries that the package names.
///
/// # Errors
/// [`Code::PackageInvalid`] if the package doesn't fit the model, or takes no pictures.
pub fn code(package: &LoadedPackage, signature: &Signature) -> Result<String> {
    let pipeline = package.pipeline(signature).map_err(|problems| {
        let (field, message) = problems.into_iter().next().unwrap_or_default();
        let hint = "Mend this field of the package, and try again.";
        Failure::new(Code::PackageInvalid, format!("{field}: {message}"), hint)
    })?;
    match pipeline.samples {
        Samples::Pictures(pictures) => Ok(pictures.image.python()),
        Samples::Tensors => Err(Failure::new(
            Code::PackageInvalid,
            "the model takes tensors, which have no pipeline before the model",
            "Give it the arrays that your own code makes.",
        )),
    }
}
