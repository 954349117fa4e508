//! The folders of settings, history and caches.

use std::path::PathBuf;

/// The folders of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Settings, accounts, history, recent packages, files of running jobs.
    pub config: PathBuf,
    /// Files that can be computed or downloaded again.
    pub cache: PathBuf,
}

impl Directories {
    /// `BOXWRIGHT_CONFIG` and `BOXWRIGHT_CACHE`, else the system's own folders (XDG and its
    /// equivalents). Without a home folder, folders under the system's temporary one.
    pub fn find() -> Self {
        let from = |variable: &str, system: fn() -> Option<PathBuf>| {
            std::env::var_os(variable)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
                .or_else(|| system().map(|folder| folder.join("boxwright")))
                .unwrap_or_else(|| std::env::temp_dir().join("boxwright"))
        };
        Self {
            config: from("BOXWRIGHT_CONFIG", dirs::config_dir),
            cache: from("BOXWRIGHT_CACHE", dirs::cache_dir),
        }
    }

    /// The path of a file in the configuration folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.config.join(name)
    }
}
