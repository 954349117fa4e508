//! The installed data, called the share folder: runtimes, bases, samples, templates.

use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, Component, FORMAT};
use crate::{Error, Result};

const CATALOGUE: &str = "catalogue.json";
const PROGRAM: &str = if cfg!(windows) {
    "boxwright-serve.exe"
} else {
    "boxwright-serve"
};
const LIBRARY: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// The data directory: the share folder that is installed with the programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The folder that `BOXWRIGHT_HOME` names, else `../share/boxwright` beside the program.
    ///
    /// # Errors
    /// [`Error::DataDirMissing`] with the places where it was looked for.
    pub fn find() -> Result<Self> {
        let named = std::env::var_os("BOXWRIGHT_HOME").filter(|home| !home.is_empty());
        let looked: Vec<PathBuf> = match named {
            Some(home) => vec![home.into()],
            None => std::env::current_exe()
                .ok()
                .and_then(|program| Some(program.parent()?.parent()?.join("share/boxwright")))
                .into_iter()
                .collect(),
        };
        match looked.iter().find(|root| root.join(CATALOGUE).is_file()) {
            Some(root) => Ok(Self::at(root)),
            None => Err(Error::DataDirMissing { looked }),
        }
    }

    /// The share folder `root`.
    pub fn at(root: &Path) -> Self {
        Self {
            root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `boxwright-serve` for this machine.
    pub fn serve_program(&self) -> PathBuf {
        self.root.join("bin").join(PROGRAM)
    }

    /// ONNX Runtime's library for this machine.
    pub fn onnxruntime_library(&self) -> PathBuf {
        self.root.join("lib").join(LIBRARY)
    }

    /// The folder of sample packages.
    pub fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// The folder of templates.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// Reads the catalogue.
    ///
    /// # Errors
    /// [`Error::DataDirDamaged`] when it can't be read, or is another version's.
    pub fn catalogue(&self) -> Result<Catalogue> {
        let path = self.root.join(CATALOGUE);
        let damaged = |reason: String| Error::DataDirDamaged {
            path: path.clone(),
            reason,
        };
        let text =
            std::fs::read(&path).map_err(|error| damaged(format!("can't be read: {error}")))?;
        let catalogue: Catalogue = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("is not a catalogue: {error}")))?;
        if catalogue.format != FORMAT {
            let found = catalogue.format;
            return Err(damaged(format!(
                "has format {found}; this program reads {FORMAT}"
            )));
        }
        Ok(catalogue)
    }

    /// The file of a component, whose size is the catalogue's. Its digest is checked when it is
    /// sent or written.
    pub(crate) fn layer(&self, component: &Component) -> Result<PathBuf> {
        let path = self.root.join(&component.layer);
        let reason = match std::fs::metadata(&path) {
            Ok(file) if file.is_file() && file.len() == component.size => return Ok(path),
            Ok(file) => format!(
                "has {} bytes instead of the catalogue's {}",
                file.len(),
                component.size
            ),
            Err(error) => format!("can't be read: {error}"),
        };
        Err(Error::DataDirDamaged { path, reason })
    }
}
