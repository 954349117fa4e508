//! Files that are complete or absent: written under a temporary name, then renamed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// Symbolic links that are followed to a file that does not exist yet.
const MAX_LINKS: usize = 40;
/// Bytes that are buffered before they are written.
const BUFFER: usize = 1 << 20;

/// How a file is written atomically. By default it gets the mode of any new file (the umask
/// applies), symbolic links are followed, and it is not synced to disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    private: bool,
    synced: bool,
    regular_only: bool,
}

impl WriteOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            private: false,
            synced: false,
            regular_only: false,
        }
    }

    /// Only this user may read and write the file: mode 0600 on Unix.
    pub const fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// The content is synced to disk before the rename, so that a power failure leaves the old
    /// file or the new one.
    pub const fn synced(mut self) -> Self {
        self.synced = true;
        self
    }

    /// Refuses to replace a symbolic link, a folder, a device or a pipe.
    pub const fn regular_only(mut self) -> Self {
        self.regular_only = true;
        self
    }

    /// Starts to write `path`, whose folder has to exist. Opening a pipe waits for its reader.
    ///
    /// # Errors
    /// That nothing can be written there. No error names the temporary file.
    pub fn open(self, path: &Path) -> io::Result<AtomicFile> {
        if self.regular_only && path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            let reason = "it is a link, a folder or a device: put a regular file in its place";
            return Err(io::Error::other(reason));
        }
        let (file, pending) = match target(path)? {
            Target::Replaceable(target) => {
                let (file, temporary) = temporary_beside(&target, self.private)?;
                (file, Some(Pending { temporary, target }))
            }
            Target::InPlace => (OpenOptions::new().write(true).open(path)?, None),
        };
        Ok(AtomicFile {
            writer: BufWriter::with_capacity(BUFFER, file),
            pending,
            synced: self.synced,
        })
    }

    /// Writes `content` to `path`.
    ///
    /// # Errors
    /// As [`WriteOptions::open`] and [`AtomicFile::commit`].
    pub fn write(self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = self.open(path)?;
        file.writer().write_all(content)?;
        file.commit()
    }
}

/// A file that is being written. A regular file, also one behind a link, is replaced at
/// [`AtomicFile::commit`]; until then the new content is in a hidden file beside it, which is
/// removed when this is dropped. A device or a pipe can't be replaced: it is written directly.
pub struct AtomicFile {
    writer: BufWriter<File>,
    pending: Option<Pending>,
    synced: bool,
}

/// A temporary file, and the path that it is renamed to.
struct Pending {
    temporary: TempPath,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts to write `path` with the default options.
    ///
    /// # Errors
    /// As [`WriteOptions::open`].
    pub fn create(path: &Path) -> io::Result<Self> {
        WriteOptions::new().open(path)
    }

    /// Takes the content.
    pub fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.writer
    }

    /// Completes the file and renames it to its path.
    ///
    /// # Errors
    /// That it can't be written or renamed; an earlier file is then unchanged.
    pub fn commit(mut self) -> io::Result<()> {
        self.writer.flush()?;
        let Some(Pending { temporary, target }) = self.pending else {
            return Ok(());
        };
        if self.synced {
            self.writer.get_ref().sync_all()?;
        }
        // Windows does not rename an open file.
        drop(self.writer);
        temporary.persist(target).map_err(|error| error.error)
    }
}

/// How a path can be written.
enum Target {
    /// A regular file at this path, with links resolved, or none yet.
    Replaceable(PathBuf),
    /// A device, a pipe or another special file.
    InPlace,
}

fn target(path: &Path) -> io::Result<Target> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => Ok(match path.canonicalize() {
            Ok(file) => Target::Replaceable(file),
            // An open file without a name, which `/dev/stdout` may lead to.
            Err(_) => Target::InPlace,
        }),
        Ok(_) => Ok(Target::InPlace),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Target::Replaceable(end_of_links(path)))
        }
        Err(error) => Err(error),
    }
}

/// The path that a dangling link leads to; any other path unchanged.
fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = end.read_link() else { break };
        end = end.parent().unwrap_or(Path::new(".")).join(next);
    }
    end
}

/// A new file with a hidden name in the folder of `target`.
fn temporary_beside(target: &Path, private: bool) -> io::Result<(File, TempPath)> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made = tempfile::Builder::new()
        .prefix(".boxwright-")
        // `tempfile_in` would always take mode 0600, and name the temporary file in errors.
        .make_in(folder, |path| new_file(private).open(path))?;
    Ok(made.into_parts())
}

fn new_file(private: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        WriteOptions::new().write(path, text.as_bytes())
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
        let mut half = AtomicFile::create(&path).unwrap();
        half.writer().write_all(b"half").unwrap();
        drop(half);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        WriteOptions::new()
            .synced()
            .write(&path, b"second")
            .unwrap();
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
    fn the_umask_decides_who_may_read_a_file_that_is_not_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let found = fs::metadata(folder.path().join(name)).unwrap();
            found.permissions().mode() & 0o777
        };
        fs::write(folder.path().join("plain"), "").unwrap();
        write(&folder.path().join("atomic"), "").unwrap();
        let private = WriteOptions::new().private();
        private.write(&folder.path().join("private"), b"").unwrap();
        assert_eq!(mode("atomic"), mode("plain"));
        assert_eq!(mode("private"), 0o600);
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
    fn a_link_is_refused_where_only_a_regular_file_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let options = WriteOptions::new().regular_only();
        let error = options.write(&link, b"new").unwrap_err();
        assert!(error.to_string().contains("it is a link"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        options.write(&file, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(names(folder.path()), ["file", "link"]);
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
        WriteOptions::new()
            .synced()
            .write(&pipe, b"through")
            .unwrap();
        assert_eq!(reading.join().unwrap(), "through");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(names(folder.path()), ["pipe"]);
    }
}
