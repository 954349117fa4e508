//! How a package is run on this machine.

use boxwright_model::package::FILE_NAME;
use boxwright_model::{Device, LoadedPackage};
use boxwright_worker::Load;

use crate::failure::{Code, Failure};

/// How a package is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// What predicts.
    pub device: Device,
    /// Threads that predict; 0 for one a core.
    pub threads: usize,
    /// Most pixels of a picture, checked before decoding; the worker's own limit where absent.
    pub max_pixels: Option<u64>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            device: Device::Auto,
            threads: 0,
            max_pixels: None,
        }
    }
}

impl RunOptions {
    /// The request that loads `package` with these options.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if the folder's name is not UTF-8.
    pub fn load(&self, package: &LoadedPackage) -> Result<Load, Failure> {
        let path = package.root.join(FILE_NAME);
        let Some(text) = path.to_str() else {
            return Err(Failure::new(
                Code::PackageInvalid,
                format!(
                    "the folder {} has a name that is not UTF-8",
                    package.root.display()
                ),
                "Rename it.",
            ));
        };
        Ok(Load {
            package: text.to_owned(),
            inline: Some(Box::new(package.package.clone())),
            device: self.device,
            threads: self.threads,
            max_pixels: self.max_pixels,
        })
    }
}
