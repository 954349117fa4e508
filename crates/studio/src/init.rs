//! Writing a package file for a model.

use std::path::{Path, PathBuf};

use boxwright_model::guess::{self, Preset};
use boxwright_model::package::{self, FILE_NAME, Labels, Package};
use boxwright_model::{LoadedPackage, Model, inspect};

use crate::errors::write_failure;
use crate::failure::{Code, Failure};
use crate::sidecar;

/// The model to write a package file for, and the fields that are given.
pub struct InitRequest {
    /// The model file.
    pub model: PathBuf,
    /// How pictures are prepared; guessed where absent.
    pub preset: Option<Preset>,
    /// A labels file; looked for where absent.
    pub labels: Option<PathBuf>,
    /// The name; guessed where absent.
    pub name: Option<String>,
    /// The version; 0.0.1 where absent.
    pub version: Option<String>,
    /// The package's folder; the model's where absent. The model is copied into another one.
    pub folder: Option<PathBuf>,
    /// Whether a package file that is there is replaced.
    pub replace: bool,
}

/// Writes the package file; returns it, and what was guessed: dotted fields with their reasons.
///
/// # Errors
/// What the model is refused for. [`Code::PackageInvalid`] for a name or version that is none,
/// with a corrected proposal, for labels that are none, and if a package file is there already.
pub fn init(request: &InitRequest) -> Result<(LoadedPackage, Vec<(String, String)>), Failure> {
    check("name", request.name.as_deref(), package::check_name)?;
    check(
        "version",
        request.version.as_deref(),
        package::check_version,
    )?;
    let mut model = inspect(&request.model)?;
    let own = folder_of(&request.model)?;
    let root = match &request.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| write_failure(folder, &error))?;
            canonical(folder)?
        }
        None => own.clone(),
    };
    let file = root.join(FILE_NAME);
    if file.exists() && !request.replace {
        return Err(Failure::new(
            Code::PackageInvalid,
            format!("{} is there already", file.display()),
            "Edit it, or replace it with --force.",
        ));
    }
    if root != own {
        model = copy_model(&model, &own, &root)?;
    }
    let guess::Guessed {
        mut package,
        mut reasons,
    } = guess::package(&model, &root)?;
    let chosen = apply_given(&mut package, &model, request, &root)?;
    reasons.retain(|(field, _)| !chosen.iter().any(|chosen| field.starts_with(chosen)));
    LoadedPackage::from_parts(package, &root)?.save()?;
    Ok((LoadedPackage::open(&file)?, reasons))
}

fn check(
    what: &str,
    given: Option<&str>,
    checked: fn(&str) -> Result<(), String>,
) -> Result<(), Failure> {
    let Some(given) = given else {
        return Ok(());
    };
    checked(given).map_err(|proposal| {
        Failure::new(
            Code::PackageInvalid,
            format!("{given:?} can't be the {what} of a package"),
            format!("Use {proposal}."),
        )
    })
}

/// Replaces guesses by the fields that are given, and returns the names of these fields.
fn apply_given(
    package: &mut Package,
    model: &Model,
    request: &InitRequest,
    root: &Path,
) -> Result<Vec<&'static str>, Failure> {
    let mut chosen = Vec::new();
    if let Some(name) = &request.name {
        package.package.name.clone_from(name);
        chosen.push("package.name");
    }
    if let Some(version) = &request.version {
        package.package.version.clone_from(version);
        chosen.push("package.version");
    }
    if let Some(labels) = &request.labels {
        package.labels = Some(Labels {
            file: sidecar::copy_labels(labels, root)?,
        });
        chosen.push("labels");
    }
    if let Some(preset) = request.preset {
        preset
            .apply(package, &model.summary.signature)
            .map_err(|message| {
                Failure::new(Code::PackageInvalid, message, "Leave --preset out.")
            })?;
        chosen.push("preprocess");
    }
    Ok(chosen)
}

/// Copies the model with its external data, labels and configurations.
fn copy_model(model: &Model, from: &Path, to: &Path) -> Result<Model, Failure> {
    const SIDECARS: [&str; 10] = [
        "labels.txt",
        "classes.txt",
        "labels.csv",
        "labels.json",
        "classes.json",
        "data.yaml",
        "metadata.json",
        "signature.json",
        "preprocessor_config.json",
        "config.json",
    ];
    let names = std::iter::once(&model.summary.file).chain(&model.summary.external_data);
    for name in names {
        copy(&from.join(name), &to.join(name))?;
    }
    for name in SIDECARS
        .into_iter()
        .filter(|name| from.join(name).is_file())
    {
        sidecar::copy_configuration(&from.join(name), to)?;
    }
    Ok(inspect(&to.join(&model.summary.file))?)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|error| write_failure(folder, &error))?;
    }
    std::fs::copy(from, to)
        .map(drop)
        .map_err(|error| write_failure(to, &error))
}

fn folder_of(file: &Path) -> Result<PathBuf, Failure> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    canonical(folder.unwrap_or(Path::new(".")))
}

fn canonical(folder: &Path) -> Result<PathBuf, Failure> {
    std::fs::canonicalize(folder)
        .map_err(|error| boxwright_model::Error::io(folder, "read", error).into())
}
