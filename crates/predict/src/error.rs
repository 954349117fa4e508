use std::path::PathBuf;

use boxwright_model::Device;
use boxwright_model::prediction::SampleError;

/// What can go wrong before a model is ready, or with one sample.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// ONNX Runtime's library can't be loaded.
    #[error("ONNX Runtime can't be loaded from {}: {reason}", path.display())]
    Library {
        /// The shared library.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The device was asked for by name and can't be used.
    #[error("the device `{device}` can't be used: {reason}")]
    Device {
        /// The device as it was asked for.
        device: Device,
        /// Why not.
        reason: String,
    },
    /// ONNX Runtime refuses the model.
    #[error("{} can't be loaded by ONNX Runtime: {reason}", path.display())]
    Model {
        /// The model file.
        path: PathBuf,
        /// What ONNX Runtime said.
        reason: String,
    },
    /// The model is sound and asks for something that isn't there yet.
    #[error("{reason}")]
    Unsupported {
        /// What the model asks for.
        reason: String,
        /// The next step.
        hint: String,
    },
    /// The package's pipeline does not fit its model.
    #[error("the package does not fit its model: {reason}")]
    Package {
        /// The field, and what is wrong with it.
        reason: String,
        /// The next step.
        hint: String,
    },
    /// A file of the package can't be read.
    #[error(transparent)]
    Read(#[from] boxwright_model::Error),
    /// A sample can't be read.
    #[error("{0}")]
    Sample(String),
    /// A tensor has another shape or element type than the model takes or gives.
    #[error("{0}")]
    Shape(String),
    /// ONNX Runtime failed while it ran the model.
    #[error("the model failed: {0}")]
    Run(String),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<boxwright_tensor::Error> for Error {
    fn from(error: boxwright_tensor::Error) -> Self {
        match error {
            boxwright_tensor::Error::Unreadable(reason) => Self::Sample(reason),
            boxwright_tensor::Error::Mismatch(reason) => Self::Shape(reason),
        }
    }
}

impl Error {
    /// The contract's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Library { .. } | Self::Run(_) => "Internal",
            Self::Device { .. } => "DeviceUnavailable",
            Self::Model { .. } => "ModelUnreadable",
            Self::Unsupported { .. } => "ModelUnsupported",
            Self::Package { .. } => "PackageInvalid",
            Self::Read(boxwright_model::Error::Unsupported { .. }) => "ModelUnsupported",
            Self::Read(boxwright_model::Error::Package { .. }) => "PackageInvalid",
            Self::Read(_) => "ModelUnreadable",
            Self::Sample(_) => "SampleUnreadable",
            Self::Shape(_) => "ShapeMismatch",
        }
    }

    /// The next step; may be empty where the message says it all.
    pub fn hint(&self) -> String {
        match self {
            Self::Library { .. } => {
                "Install Boxwright again, or name the library with BOXWRIGHT_HOME.".into()
            }
            Self::Device { .. } => "Choose `--device auto` or `--device cpu`.".into(),
            Self::Model { .. } => {
                "Check that the file is complete, and export it again if it is not.".into()
            }
            Self::Unsupported { hint, .. } | Self::Package { hint, .. } => hint.clone(),
            Self::Read(
                boxwright_model::Error::Unsupported { hint, .. }
                | boxwright_model::Error::Package { hint, .. },
            ) => hint.clone(),
            _ => String::new(),
        }
    }

    /// The error as the outcome of one sample.
    pub fn for_sample(&self) -> SampleError {
        SampleError {
            code: self.code().into(),
            message: self.to_string(),
        }
    }
}
