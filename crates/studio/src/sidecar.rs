//! Sidecar files: labels and configurations in the folder of a model, copied there from elsewhere.

use std::path::Path;

use boxwright_model::package;

use crate::errors::write_failure;
use crate::failure::{Code, Failure};

/// Copies a labels file into the model's folder unless it is there, never over another file;
/// returns its name in the package.
///
/// # Errors
/// [`Code::PackageInvalid`] if it is no list of labels; that it can't be read or written.
pub fn copy_labels(from: &Path, root: &Path) -> Result<String, Failure> {
    package::read_labels(from)?;
    if let Some(name) = path_inside(from, root) {
        return Ok(name);
    }
    let content = read(from)?;
    for number in 1..1000 {
        let name = match number {
            1 => "labels.txt".to_owned(),
            _ => format!("labels-{number}.txt"),
        };
        let to = root.join(&name);
        match std::fs::read(&to) {
            Ok(there) if there == content => return Ok(name),
            Ok(_) => {}
            Err(_) => return write(&content, &to).map(|()| name),
        }
    }
    Err(Failure::internal(
        "there are too many files of labels beside the model",
    ))
}

/// Copies a configuration file into the model's folder unless it is there.
///
/// # Errors
/// [`Code::PackageInvalid`] if there is another of this name; that it can't be read or written.
pub fn copy_configuration(from: &Path, root: &Path) -> Result<(), Failure> {
    if path_inside(from, root).is_some() {
        return Ok(());
    }
    let to = root.join(from.file_name().unwrap_or_default());
    let content = read(from)?;
    match std::fs::read(&to) {
        Ok(there) if there == content => Ok(()),
        Ok(_) => Err(Failure::new(
            Code::PackageInvalid,
            format!("there is another {} beside the model", from.display()),
            "Move one of them away.",
        )),
        Err(_) => write(&content, &to),
    }
}

/// The path of a file relative to the package's folder, if it lies in it.
fn path_inside(path: &Path, root: &Path) -> Option<String> {
    let path = std::fs::canonicalize(path).ok()?;
    let parts = path.strip_prefix(root).ok()?.iter();
    let parts: Option<Vec<&str>> = parts.map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| boxwright_model::Error::io(path, "read", error).into())
}

fn write(content: &[u8], to: &Path) -> Result<(), Failure> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(to)
        .map_err(|error| write_failure(to, &error))?;
    std::io::Write::write_all(&mut file, content).map_err(|error| write_failure(to, &error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn labels_from_elsewhere_are_copied_and_never_over_others() {
        let (model, other) = (
            tempfile::tempdir().expect("one"),
            tempfile::tempdir().expect("two"),
        );
        let root = fs::canonicalize(model.path()).expect("there");
        let from = other.path().join("classes.txt");
        fs::write(&from, "cat\ndog\n").expect("written");
        assert_eq!(copy_labels(&from, &root).expect("brought"), "labels.txt");
        assert_eq!(copy_labels(&from, &root).expect("there"), "labels.txt");
        fs::write(&from, "cat\nfox\n").expect("written");
        assert_eq!(copy_labels(&from, &root).expect("brought"), "labels-2.txt");
        assert_eq!(
            fs::read_to_string(root.join("labels.txt")).expect("kept"),
            "cat\ndog\n"
        );
        let own = root.join("labels.txt");
        assert_eq!(copy_labels(&own, &root).expect("inside"), "labels.txt");
    }
}
