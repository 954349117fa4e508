//! What is going to be built, once it is known that it can be.

use boxwright_model::{LoadedPackage, Model};
use boxwright_oci::registry::ClientOptions;
use boxwright_oci::{Layer, Platform, Reference};
use boxwright_tensor::Signature;

use crate::catalogue::Component;
use crate::{DataDir, Error, Result, Target, TargetError, image};

/// What else there is to a build.
#[derive(Clone, Default)]
pub struct PlanOptions {
    /// The base image to stand on instead of Boxwright's own.
    pub base: Option<String>,
    /// How the registry of `base` is spoken to.
    pub client: ClientOptions,
}

/// A build that can be done: every part of it is there.
#[derive(Clone)]
pub struct BuildPlan {
    pub(crate) package: LoadedPackage,
    pub(crate) signature: Signature,
    pub(crate) images: Vec<PlannedImage>,
    pub(crate) base: Option<Reference>,
    pub(crate) client: ClientOptions,
    pub(crate) onnxruntime: String,
    pub(crate) epoch: u64,
}

impl BuildPlan {
    /// What is built, in the order of [`Target::ALL`].
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.images.iter().map(|image| image.target)
    }
}

/// One image of a plan.
#[derive(Clone)]
pub(crate) struct PlannedImage {
    pub(crate) target: Target,
    pub(crate) platform: Platform,
    /// Boxwright's own base; not there where the user named one.
    pub(crate) base: Option<Layer>,
    pub(crate) runtime: Layer,
}

/// Plans the images of `package`, whose model is `model`, for `targets`.
///
/// # Errors
/// [`Error::Target`] for an empty list; [`Error::TargetUnavailable`] for a target whose parts are
/// not installed; [`Error::DataDirDamaged`]; [`Error::Package`] for a package that has problems;
/// [`Error::Oci`] for a base that is no image reference; [`Error::EpochInvalid`].
pub fn plan(
    package: &LoadedPackage,
    model: &Model,
    targets: &[Target],
    data: &DataDir,
    options: &PlanOptions,
) -> Result<BuildPlan> {
    let mut targets = targets.to_vec();
    targets.sort_unstable();
    targets.dedup();
    if targets.is_empty() {
        return Err(TargetError::Missing.into());
    }
    let catalogue = data.catalogue()?;
    for target in &targets {
        catalogue.check(*target)?;
    }
    check_package(package, model)?;
    let base: Option<Reference> = options.base.as_deref().map(str::parse).transpose()?;
    let layer = |component: &Component| -> Result<Layer> {
        let path = data.layer(component)?;
        let (descriptor, label) = (component.descriptor(), component.kind.name());
        Ok(Layer::file(path, descriptor, component.diff_id, label))
    };
    let mut images = Vec::with_capacity(targets.len());
    for target in targets {
        let platform = target.platform();
        let (Some(own), Some(runtime)) = (catalogue.base(&platform), catalogue.runtime(target))
        else {
            continue; // `check` has refused such a target.
        };
        let own = match base {
            Some(_) => None,
            None => Some(layer(own)?),
        };
        images.push(PlannedImage {
            target,
            platform,
            base: own,
            runtime: layer(runtime)?,
        });
    }
    Ok(BuildPlan {
        package: package.clone(),
        signature: model.summary.signature.clone(),
        images,
        base,
        client: options.client.clone(),
        onnxruntime: catalogue.onnxruntime,
        epoch: image::epoch()?,
    })
}

fn check_package(package: &LoadedPackage, model: &Model) -> Result<()> {
    let signature = &model.summary.signature;
    let problem = package.package.problems(Some(signature)).into_iter().next();
    match problem {
        None => Ok(()),
        Some((field, message)) => Err(Error::Package(boxwright_model::Error::Package {
            path: package.root.join(boxwright_model::package::FILE_NAME),
            line: None,
            reason: format!("{field}: {message}"),
            field: Some(field),
            hint: "Correct the field, and build again.".to_owned(),
        })),
    }
}
