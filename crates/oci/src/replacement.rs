//! Files that appear whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::{Error, Result};

/// Links that are followed on the way to a file that is not there yet.
const MAX_LINKS: usize = 40;
/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

/// What is being written to a file. A regular file, also one behind a link, is replaced once all of
/// it is written: until then that lies beside it under a hidden name, and is removed when this is
/// dropped. A device or a pipe can't be replaced: it is written to as it is.
pub struct Replacement {
    path: PathBuf,
    writer: BufWriter<File>,
    /// The hidden file, and what it takes the place of.
    hidden: Option<(TempPath, PathBuf)>,
}

impl Replacement {
    /// Begins to write `path`. Opening a pipe that nobody reads waits for a reader.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DiskFull`] where nothing can be written there; the folder has to
    /// exist.
    pub fn of(path: &Path) -> Result<Self> {
        Self::begin(path).map_err(|error| Error::write(path, error))
    }

    fn begin(path: &Path) -> io::Result<Self> {
        let (file, hidden) = match target(path)? {
            Target::Whole(target) => {
                let (file, hidden) = beside(&target)?;
                (file, Some((hidden, target)))
            }
            Target::AsItIs => (OpenOptions::new().write(true).open(path)?, None),
        };
        Ok(Self {
            path: path.to_owned(),
            writer: BufWriter::with_capacity(BUFFER, file),
            hidden,
        })
    }

    /// What takes the bytes.
    pub fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.writer
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DiskFull`]; what was there before is then still there.
    pub fn keep(mut self) -> Result<()> {
        self.writer
            .flush()
            .map_err(|error| Error::write(&self.path, error))?;
        // Windows does not rename an open file.
        drop(self.writer);
        match self.hidden {
            Some((hidden, target)) => hidden
                .persist(target)
                .map_err(|error| Error::write(&self.path, error.error)),
            None => Ok(()),
        }
    }
}

enum Target {
    /// A regular file, or none yet.
    Whole(PathBuf),
    /// A device, a pipe, or whatever else has a name.
    AsItIs,
}

fn target(path: &Path) -> io::Result<Target> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => Ok(match path.canonicalize() {
            Ok(file) => Target::Whole(file),
            // Open somewhere, and without a name: what `/dev/stdout` may lead to.
            Err(_) => Target::AsItIs,
        }),
        Ok(_) => Ok(Target::AsItIs),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Target::Whole(end_of_links(path)))
        }
        Err(error) => Err(error),
    }
}

/// Where a link leads that leads to nothing yet; any other path as it is.
fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = end.read_link() else { break };
        end = end.parent().unwrap_or(Path::new(".")).join(next);
    }
    end
}

/// A file with a hidden name in the folder of `target`.
fn beside(target: &Path) -> io::Result<(File, TempPath)> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made = tempfile::Builder::new()
        .prefix(".boxwright-")
        // Not `tempfile_in`: as for any new file the umask decides who may read it, and an error
        // does not tell the hidden name.
        .make_in(folder, |path| {
            OpenOptions::new().write(true).create_new(true).open(path)
        })?;
    Ok(made.into_parts())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(path: &Path, text: &str) -> Result<()> {
        let mut file = Replacement::of(path)?;
        file.writer().write_all(text.as_bytes()).unwrap();
        file.keep()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        write(&path, "first").unwrap();
        let mut half = Replacement::of(&path).unwrap();
        half.writer().write_all(b"half").unwrap();
        drop(half);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        write(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(names(folder.path()), ["a.tar"]);
    }

    #[test]
    fn what_can_not_be_written_is_named_without_the_hidden_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none/x.tar"), "").unwrap_err();
        assert!(!error.to_string().contains(".boxwright-"), "{error}");
        let error = write(folder.path(), "").unwrap_err();
        assert!(error.to_string().contains("directory"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (there, missing) = (folder.path().join("there"), folder.path().join("missing"));
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(folder.path().join("real/a"), "old").unwrap();
        std::os::unix::fs::symlink("real/a", &there).unwrap();
        std::os::unix::fs::symlink("real/b", &missing).unwrap();
        for (link, file) in [(&there, "real/a"), (&missing, "real/b")] {
            write(link, "new").unwrap();
            assert!(link.symlink_metadata().unwrap().is_symlink());
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            assert_eq!(text, "new");
        }
        assert_eq!(names(&folder.path().join("real")), ["a", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_stays_one() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("SKIPPED: a pipe with a name: mkfifo makes none here");
            return;
        }
        let reading = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        write(&pipe, "through").unwrap();
        assert_eq!(reading.join().unwrap(), "through");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(names(folder.path()), ["pipe"]);
    }
}
