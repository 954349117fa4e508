//! The configuration, annotations and labels of an image.

use std::collections::BTreeMap;

use boxwright_model::Package;
use boxwright_model::runtime::ENVIRONMENT;
use boxwright_oci::{Healthcheck, ImageConfig, Process};
use boxwright_tensor::Signature;

use crate::{Error, Result, Target};

/// Where the model and the package file lie.
pub(crate) const MODEL_FOLDER: &str = "model";
/// The program that the image runs.
pub(crate) const SERVE: &str = "/opt/boxwright/bin/boxwright-serve";
/// The user in the container, whom the base calls `nonroot`.
const USER: &str = "65532";
const SECOND: u64 = 1_000_000_000;

/// Seconds since 1970 of everything in the image: `SOURCE_DATE_EPOCH`, else 0.
///
/// # Errors
/// [`Error::EpochInvalid`].
pub(crate) fn epoch() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(given) if !given.is_empty() => match given.parse::<u64>() {
            Ok(seconds) if timestamp(seconds).is_some() => Ok(seconds),
            _ => Err(Error::EpochInvalid { given }),
        },
        _ => Ok(0),
    }
}

fn timestamp(seconds: u64) -> Option<String> {
    let seconds = i64::try_from(seconds).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

/// What is the same for all images of one build.
pub(crate) struct Description<'a> {
    pub(crate) package: &'a Package,
    pub(crate) signature: &'a Signature,
    pub(crate) model_digest: &'a str,
    pub(crate) onnxruntime: &'a str,
    pub(crate) epoch: u64,
}

impl Description<'_> {
    fn created(&self) -> String {
        // `epoch` has been checked by the function of that name.
        timestamp(self.epoch).unwrap_or_default()
    }

    /// The annotations of manifests and index.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let identity = &self.package.package;
        let all = [
            ("created", self.created()),
            ("description", identity.description.clone()),
            ("revision", self.model_digest.to_owned()),
            ("title", identity.name.clone()),
            ("version", identity.version.clone()),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
            .collect()
    }

    /// The labels of the configuration: the annotations, for engines that show only these, and the
    /// model's signature.
    fn labels(&self, target: Target) -> BTreeMap<String, String> {
        let mut labels = self.annotations();
        let task = self.package.postprocess.task.name();
        let own = [
            ("model.digest", self.model_digest.to_owned()),
            ("model.signature", to_json(self.signature)),
            ("model.task", task.to_owned()),
            ("onnxruntime", self.onnxruntime.to_owned()),
            ("target", target.name().to_owned()),
        ];
        labels.extend(own.map(|(key, value)| (format!("dev.boxwright.{key}"), value)));
        labels
    }

    /// The configuration of the image for `target`, on that of the base where the user named one.
    pub(crate) fn config(&self, target: Target, base: Option<&ImageConfig>) -> ImageConfig {
        let process = Process {
            user: USER.into(),
            exposed_ports: [("8080/tcp".to_owned(), Default::default())].into(),
            env: environment(base),
            entrypoint: vec![SERVE.into()],
            working_dir: "/".into(),
            labels: self.labels(target),
            stop_signal: "SIGTERM".into(),
            healthcheck: Some(Healthcheck {
                test: ["CMD", SERVE, "health"].map(str::to_owned).into(),
                interval: 10 * SECOND,
                timeout: 5 * SECOND,
                start_period: 60 * SECOND,
                retries: 3,
            }),
            ..Process::default()
        };
        let mut config = ImageConfig::new(&target.platform(), process);
        config.created = Some(self.created());
        config.history = base.map(|base| base.history.clone()).unwrap_or_default();
        config
    }
}

/// The image's variables; where the user named a base, its own are kept.
fn environment(base: Option<&ImageConfig>) -> Vec<String> {
    let host = [("HOST", "0.0.0.0")].into_iter().chain(ENVIRONMENT);
    let mut all: Vec<_> = host
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match base {
        None => {
            all.push("PATH=/opt/boxwright/bin".to_owned());
            all.push("SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt".to_owned());
        }
        Some(base) => {
            let name = |entry: &String| entry.split('=').next().map(str::to_owned);
            let ours: Vec<_> = all.iter().map(name).collect();
            let kept = base.config.env.iter();
            all.extend(kept.filter(|entry| !ours.contains(&name(entry))).cloned());
        }
    }
    all
}

fn to_json(signature: &Signature) -> String {
    // Names, numbers and enums: nothing that JSON could refuse.
    serde_json::to_string(signature).unwrap_or_default()
}
