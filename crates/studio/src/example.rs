//! An example sample for a model that takes tensors.

use std::io::Write;
use std::path::{Path, PathBuf};

use boxwright_files::AtomicFile;
use boxwright_model::LoadedPackage;
use boxwright_model::package::{InputKind, Package};
use boxwright_tensor::Signature;
use boxwright_tensor::example::{self, ExampleFile};

use crate::errors::write_failure;
use crate::failure::{Code, Failure};

/// The file of an example for `package`.
///
/// # Errors
/// [`Code::ShapeMismatch`] if the package takes pictures, or an input's shape is not known or too
/// large for an example.
pub fn of(package: &Package, signature: &Signature) -> Result<ExampleFile, Failure> {
    if package
        .input
        .iter()
        .any(|input| input.kind == InputKind::Image)
    {
        return Err(Failure::new(
            Code::ShapeMismatch,
            "the package takes pictures, and any photo is a sample",
            "Preview it with a JPEG or PNG of your own.",
        ));
    }
    example::file(&signature.inputs).ok_or_else(|| {
        Failure::new(
            Code::ShapeMismatch,
            "the model does not say which shapes it takes, or they are too large for an example",
            "Save your own arrays with numpy.savez, each under the name of its input.",
        )
    })
}

/// A name for the file of an example.
pub fn file_name(package: &Package, example: &ExampleFile) -> String {
    format!("{}-example.{}", package.package.name, example.extension)
}

/// Writes an example to `path`, which gets the extension of its format where it has none of them;
/// returns where it is.
///
/// # Errors
/// That it can't be written; [`Code::PackageInvalid`] if something is there and not to be replaced.
pub fn write(example: &ExampleFile, path: &Path, replace: bool) -> Result<PathBuf, Failure> {
    let right = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(example.extension));
    let path = match right {
        true => path.to_owned(),
        false => {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{}", example.extension));
            PathBuf::from(name)
        }
    };
    if path.exists() && !replace {
        return Err(Failure::new(
            Code::PackageInvalid,
            format!("{} is there already", path.display()),
            "Choose another name, or replace it with --force.",
        ));
    }
    let written = || {
        let mut file = AtomicFile::create(&path)?;
        file.writer().write_all(&example.bytes)?;
        file.commit()
    };
    written().map_err(|error| write_failure(&path, &error))?;
    Ok(path)
}

/// What a sample of the package has, a line for each tensor: `state: FP32 [2, N, 128]`.
pub fn described(package: &LoadedPackage, signature: &Signature) -> Vec<String> {
    let tensors = package.package.input.iter();
    tensors
        .filter_map(|input| {
            let spec = signature
                .inputs
                .iter()
                .find(|spec| spec.name == input.name)?;
            Some(format!("{}: {spec}", spec.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_gets_the_extension_of_its_format_and_replaces_nothing_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let example = ExampleFile {
            extension: "npz",
            bytes: b"PK".to_vec(),
        };
        let path = write(&example, &folder.path().join("sound"), false).expect("written");
        assert_eq!(path, folder.path().join("sound.npz"));
        let again = write(&example, &path, false).expect_err("it is there");
        assert!(again.message.contains("is there already"), "{again:?}");
        assert_eq!(write(&example, &path, true).expect("replaced"), path);
    }
}
