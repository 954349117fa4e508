//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::{Error, Result};

/// A new file that takes the place of `path` once it is complete. Until then it lies beside it
/// under a hidden name; dropping it removes it.
pub(crate) struct Replacement {
    path: PathBuf,
    writer: BufWriter<File>,
    temporary: TempPath,
}

impl Replacement {
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".boxwright-");
        #[cfg(unix)]
        {
            // As for any new file, the umask decides; `tempfile` alone would keep others out.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| Error::write(path, error))?;
        let (file, temporary) = file.into_parts();
        let writer = BufWriter::with_capacity(1 << 20, file);
        Ok(Self {
            path: path.to_owned(),
            writer,
            temporary,
        })
    }

    pub(crate) fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.writer
    }

    /// Puts the file in its place.
    pub(crate) fn keep(mut self) -> Result<()> {
        self.writer
            .flush()
            .map_err(|error| Error::write(&self.path, error))?;
        // Windows does not rename an open file.
        drop(self.writer);
        self.temporary
            .persist(&self.path)
            .map_err(|error| Error::write(&self.path, error.error))
    }
}
