//! Paths: where a file lies, and those that a file names, through which only regular files inside a
//! folder are reached.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The normal form of a relative, `/`-separated path: no empty or `.` component.
///
/// # Errors
/// A sentence that begins with the path, if it could lead out of its folder or means different
/// things on different systems.
pub(crate) fn normal(path: &str) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("`{}` {why}", shown(path)));
    let mut start = path.chars();
    let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':');
    if path.starts_with(['/', '\\']) || drive {
        return refuse("is an absolute path: only files inside the folder are taken");
    }
    if path.contains('\\') {
        return refuse("has a backslash: separate folders by `/`");
    }
    if path.contains('\0') {
        return refuse("has a zero byte in its name");
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return refuse("leads out by `..`: only files inside the folder are taken");
    }
    if parts.is_empty() || path.ends_with('/') {
        return refuse("names no file");
    }
    Ok(parts.join("/"))
}

/// The canonical path and the size in bytes of the regular file `name`, a [`normal`] path, inside
/// the canonical folder `root`. The file is not opened.
///
/// # Errors
/// A sentence that begins with the name.
pub(crate) fn resolve(root: &Path, name: &str) -> Result<(PathBuf, u64), String> {
    let path = match fs::canonicalize(root.join(name)) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!(
                "`{}` is missing from {}",
                shown(name),
                root.display()
            ));
        }
        Err(error) => return Err(format!("`{}` can't be found: {error}", shown(name))),
    };
    if !path.starts_with(root) {
        return Err(format!(
            "`{}` is a link to {}, outside {}: copy the file itself there",
            shown(name),
            path.display(),
            root.display()
        ));
    }
    let metadata = fs::metadata(&path)
        .map_err(|error| format!("`{}` can't be looked at: {error}", shown(name)))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() {
            "a folder"
        } else {
            "a device, pipe or socket"
        };
        return Err(format!("`{}` is {kind}, not a regular file", shown(name)));
    }
    Ok((path, metadata.len()))
}

/// Where the file `name`, a [`normal`] path, is to be written inside the canonical folder `root`.
///
/// # Errors
/// A sentence that begins with the name, if its folder is missing or leads out.
pub(crate) fn writable(root: &Path, name: &str) -> Result<PathBuf, String> {
    let path = root.join(name);
    let folder = path.parent().map(fs::canonicalize);
    let (Some(Ok(folder)), Some(file)) = (folder, path.file_name()) else {
        return Err(format!(
            "`{}` lies in a folder that is missing",
            shown(name)
        ));
    };
    if !folder.starts_with(root) {
        return Err(format!("`{}` lies in a folder that leads out", shown(name)));
    }
    Ok(folder.join(file))
}

/// A name from a file as it is shown: without control characters, and not endless.
pub(crate) fn shown(name: &str) -> String {
    let mut text: String = name
        .chars()
        .take(200)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if name.chars().nth(200).is_some() {
        text.push('…');
    }
    text
}

/// The canonical folder in which `path` was named; where `path` is a link, that of the link.
pub(crate) fn folder_of(path: &Path) -> crate::Result<PathBuf> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::canonicalize(folder).map_err(|error| Error::io(folder, "read", error))
}

/// A path's last component, as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_out_are_refused() {
        for name in [
            "",
            ".",
            "./",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            "C:/x",
            "c:x",
            "a\\b",
            "\\\\server\\x",
            "a\0b",
            "a/",
        ] {
            let reason = normal(name).unwrap_err();
            assert!(reason.starts_with('`'), "{name}: {reason}");
        }
    }

    #[test]
    fn names_have_one_normal_form() {
        assert_eq!(normal("./a//b/./c.bin").unwrap(), "a/b/c.bin");
        assert_eq!(normal("a..b/...").unwrap(), "a..b/...");
        assert_eq!(normal("ü/模型.onnx").unwrap(), "ü/模型.onnx");
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_inside_are_resolved() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::NamedTempFile::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::write(root.join("real"), b"12345").unwrap();
        fs::create_dir(root.join("dir")).unwrap();
        symlink("real", root.join("inside")).unwrap();
        symlink(outside.path(), root.join("outside")).unwrap();
        symlink("/dev/zero", root.join("device")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        assert_eq!(resolve(&root, "inside").unwrap(), (root.join("real"), 5));
        for (name, why) in [
            ("outside", "is a link to"),
            ("device", "is a link to"),
            ("dir", "is a folder"),
            ("socket", "is a device, pipe or socket"),
            ("missing", "is missing from"),
            ("loop", "can't be found"),
        ] {
            let reason = resolve(&root, name).unwrap_err();
            assert!(reason.starts_with(&format!("`{name}` {why}")), "{reason}");
        }
        symlink(outside.path().parent().unwrap(), root.join("away")).unwrap();
        assert_eq!(writable(&root, "dir/new").unwrap(), root.join("dir/new"));
        assert_eq!(
            writable(&root, "away/new").unwrap_err(),
            "`away/new` lies in a folder that leads out"
        );
        assert!(writable(&root, "none/new").is_err());
    }
}
