//! A folder that is filled as if it were the root: no link leads out of it.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use crate::{Error, Result};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Why an entry was not unpacked.
pub(super) enum EntryError {
    /// Something is wrong with the entry.
    Entry(&'static str),
    /// Its bytes could not be read.
    Content(io::Error),
    /// The file system refused.
    System(Error),
}

impl EntryError {
    pub(super) fn into_error(self, refuse: &dyn Fn(&str) -> Error) -> Error {
        match self {
            Self::Entry(reason) => refuse(reason),
            Self::Content(error) => refuse(&format!("cannot be read: {error}")),
            Self::System(error) => error,
        }
    }
}

impl From<Error> for EntryError {
    fn from(error: Error) -> Self {
        Self::System(error)
    }
}

type EntryResult<T = ()> = std::result::Result<T, EntryError>;

pub(super) struct Tree {
    root: PathBuf,
    /// What the current layer made; its whiteouts only hide what lies below.
    made: BTreeSet<PathBuf>,
}

impl Tree {
    pub(super) fn in_empty_folder(root: &Path) -> Result<Self> {
        let write = |error| Error::write(root, error);
        fs::create_dir_all(root).map_err(write)?;
        if fs::read_dir(root).map_err(write)?.next().is_some() {
            return Err(Error::write(root, io::ErrorKind::DirectoryNotEmpty.into()));
        }
        Ok(Self {
            root: fs::canonicalize(root).map_err(write)?,
            made: BTreeSet::new(),
        })
    }

    pub(super) fn begin_layer(&mut self) {
        self.made.clear();
    }

    pub(super) fn folder(&mut self, path: &Path, mode: u32) -> EntryResult {
        let at = self.path_on_disk(path)?;
        if !is_folder(&at) {
            remove(&at)?;
            fs::create_dir(&at).map_err(|error| Error::write(&at, error))?;
        }
        // Later entries are written into the folder, and cleaning up removes it.
        set_mode(&at, mode | 0o700)?;
        self.made.insert(at);
        Ok(())
    }

    pub(super) fn file(&mut self, path: &Path, mode: u32, content: &mut dyn Read) -> EntryResult {
        let at = self.path_on_disk(path)?;
        remove(&at)?;
        let write = |error| Error::write(&at, error);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&at)
            .map_err(write)?;
        copy(content, &mut file, &at)?;
        drop(file);
        set_mode(&at, mode | 0o400)?;
        self.made.insert(at);
        Ok(())
    }

    pub(super) fn symlink(&mut self, path: &Path, target: &Path) -> EntryResult {
        let mut depth = path.components().count().saturating_sub(1);
        for component in target.components() {
            match component {
                Component::RootDir | Component::Prefix(_) => depth = 0,
                Component::CurDir => {}
                Component::Normal(_) => depth += 1,
                Component::ParentDir => {
                    let outside = EntryError::Entry("links out of the image");
                    depth = depth.checked_sub(1).ok_or(outside)?;
                }
            }
        }
        let at = self.path_on_disk(path)?;
        remove(&at)?;
        make_symlink(target, &at).map_err(|error| Error::write(&at, error))?;
        self.made.insert(at);
        Ok(())
    }

    pub(super) fn hard_link(&mut self, path: &Path, target: &Path) -> EntryResult {
        let missing = || EntryError::Entry("is a link to something that is no file in the image");
        let name = target.file_name().ok_or_else(missing)?;
        let folder = self.resolve(target.parent().unwrap_or(Path::new("")), false)?;
        let target = folder.ok_or_else(missing)?.join(name);
        if !fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_file()) {
            return Err(missing());
        }
        let at = self.path_on_disk(path)?;
        if at != target {
            remove(&at)?;
            fs::hard_link(&target, &at).map_err(|error| Error::write(&at, error))?;
        }
        self.made.insert(at);
        Ok(())
    }

    /// Hides from lower layers what `path` (a `.wh.…` entry) names.
    pub(super) fn whiteout(&mut self, path: &Path, hidden: &[u8]) -> EntryResult {
        let parent = path.parent().unwrap_or(Path::new(""));
        if hidden == b".wh..opq" {
            let folder = self.resolve(parent, false)?;
            return folder.map_or(Ok(()), |folder| self.hide_below(&folder));
        }
        if hidden.starts_with(b".wh.") {
            // Metadata of the AUFS file system, which hides no file.
            return Ok(());
        }
        let name = path
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|n| n.strip_prefix(".wh."));
        let name = name
            .filter(|name| !matches!(*name, "" | "." | ".."))
            .ok_or(EntryError::Entry("is a whiteout of no file"))?;
        let folder = self.resolve(parent, false)?;
        folder.map_or(Ok(()), |folder| self.hide(&folder.join(name)))
    }

    fn hide(&self, at: &Path) -> EntryResult {
        // Paths sort by their components: what lies in a folder follows it.
        let next = self
            .made
            .range::<Path, _>((Bound::Included(at), Bound::Unbounded))
            .next();
        match next.is_some_and(|made| made.starts_with(at)) {
            // Made by this layer itself: only what the layers below had in it goes.
            true if is_folder(at) => self.hide_below(at),
            true => Ok(()),
            false => remove(at),
        }
    }

    fn hide_below(&self, folder: &Path) -> EntryResult {
        let read = |error| EntryError::System(Error::read(folder, error));
        for entry in fs::read_dir(folder).map_err(read)? {
            self.hide(&entry.map_err(read)?.path())?;
        }
        Ok(())
    }

    /// Where `path` lies on disk. Its folders are made; links among them are followed inside the
    /// root; the last component is not followed.
    fn path_on_disk(&self, path: &Path) -> EntryResult<PathBuf> {
        let name = path.file_name().ok_or(EntryError::Entry("is no path"))?;
        let folder = self.resolve(path.parent().unwrap_or(Path::new("")), true)?;
        Ok(folder
            .ok_or(EntryError::Entry("is in no folder"))?
            .join(name))
    }

    /// The folder that `path` names, links followed as in a `chroot`. Where it is missing, it is
    /// made, or `None`.
    fn resolve(&self, path: &Path, make: bool) -> EntryResult<Option<PathBuf>> {
        let mut pending: VecDeque<OsString> = steps(path).collect();
        let (mut at, mut links) = (self.root.clone(), 0);
        while let Some(step) = pending.pop_front() {
            if step == ".." {
                if at != self.root {
                    at.pop();
                }
                continue;
            }
            let next = at.join(step);
            match fs::symlink_metadata(&next) {
                Ok(metadata) if metadata.is_dir() => at = next,
                Ok(metadata) if metadata.is_symlink() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(EntryError::Entry("goes through too many links"));
                    }
                    let target = fs::read_link(&next).map_err(|e| Error::read(&next, e))?;
                    if target.is_absolute() {
                        at.clone_from(&self.root);
                    }
                    steps(&target)
                        .rev()
                        .for_each(|step| pending.push_front(step));
                }
                Ok(_) => return Err(EntryError::Entry("goes through a file")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !make {
                        return Ok(None);
                    }
                    fs::create_dir(&next).map_err(|error| Error::write(&next, error))?;
                    at = next;
                }
                Err(error) => return Err(Error::read(&next, error).into()),
            }
        }
        Ok(Some(at))
    }
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Removes whatever is at `path`, without following it.
fn remove(path: &Path) -> EntryResult {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(|error| Error::write(path, error).into())
}

fn copy(from: &mut dyn Read, to: &mut File, path: &Path) -> EntryResult {
    let mut buffer = vec![0; 128 << 10];
    loop {
        match from.read(&mut buffer).map_err(EntryError::Content)? {
            0 => return Ok(()),
            count => to
                .write_all(&buffer[..count])
                .map_err(|error| Error::write(path, error))?,
        }
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> EntryResult {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::Permissions::from_mode(mode & 0o1777);
    fs::set_permissions(path, permissions).map_err(|error| Error::write(path, error).into())
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> EntryResult {
    Ok(())
}

#[cfg(unix)]
fn make_symlink(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn make_symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
