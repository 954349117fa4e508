//! Whether something has to be made again: what was made is kept under a hash of what it was made
//! from.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::result::Result;

/// What something is made from.
pub struct Key(DefaultHasher);

impl Key {
    /// Of nothing yet but the code that makes it.
    pub fn new(code: &str) -> Self {
        Self(DefaultHasher::new()).text(code)
    }

    /// And of this text.
    pub fn text(mut self, text: &str) -> Self {
        self.0.write_usize(text.len());
        self.0.write(text.as_bytes());
        self
    }

    /// And of this file.
    pub fn file(mut self, path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
        self.0.write_usize(bytes.len());
        self.0.write(&bytes);
        Ok(self)
    }

    /// The key as a file name.
    pub fn name(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// The folder `kind` of `cache` that `key` names; `make` fills it where it is not there yet. It is
/// there whole or not at all. Folders of the same kind with other keys are removed.
pub fn made(
    cache: &Path,
    kind: &str,
    key: &Key,
    make: impl FnOnce(&Path) -> Result,
) -> Result<PathBuf> {
    let family = cache.join("made").join(kind);
    let folder = family.join(key.name());
    if folder.is_dir() {
        return Ok(folder);
    }
    let part = family.join(format!("{}.part-{}", key.name(), std::process::id()));
    clear(&part)?;
    fs::create_dir_all(&part).map_err(|error| failed(&part, &error))?;
    make(&part)?;
    for old in fs::read_dir(&family).map_err(|error| failed(&family, &error))? {
        let old = old.map_err(|error| failed(&family, &error))?.path();
        if old != part && !old.to_string_lossy().contains(".part-") {
            clear(&old)?;
        }
    }
    fs::rename(&part, &folder).map_err(|error| failed(&folder, &error))?;
    Ok(folder)
}

/// Removes a folder and what is in it, if it is there.
pub fn clear(folder: &Path) -> Result {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(folder, &error)),
        _ => Ok(()),
    }
}

/// What to say of a file that can't be used.
pub fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Reads a text file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

/// Writes a file; the folder it lies in is made where it is missing.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    fs::write(path, content).map_err(|error| failed(path, &error))
}

/// Writes `content` to a file that others may be using: they keep what they have. Nothing happens
/// if that is its content already. Anyone may read it, whatever the umask.
pub fn install(path: &Path, content: &[u8], executable: bool) -> Result {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder, open).map_err(|error| failed(folder, &error))?;
    }
    if fs::read(path).is_ok_and(|there| there == content) {
        let mode = fs::Permissions::from_mode(mode);
        return fs::set_permissions(path, mode).map_err(|error| failed(path, &error));
    }
    let part = path.with_extension(format!("part-{}", std::process::id()));
    write(&part, content)?;
    fs::set_permissions(&part, fs::Permissions::from_mode(mode))
        .map_err(|error| failed(&part, &error))?;
    fs::rename(&part, path).map_err(|error| failed(path, &error))
}

/// [`install`]s the file `from` as `to`.
pub fn install_file(from: &Path, to: &Path, executable: bool) -> Result {
    let content = fs::read(from).map_err(|error| failed(from, &error))?;
    install(to, &content, executable)
}

/// All files below `folder`, sorted, as paths relative to it. Links are files here.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(|error| failed(&next, &error))? {
            let entry = entry.map_err(|error| failed(&next, &error))?;
            let kind = entry.file_type().map_err(|error| failed(&next, &error))?;
            let path = entry.path();
            match kind.is_dir() {
                true => folders.push(path),
                false => found.extend(path.strip_prefix(folder).map(Path::to_owned).ok()),
            }
        }
    }
    found.sort();
    Ok(found)
}
