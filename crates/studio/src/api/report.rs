//! Publishing: what is asked for, and what came of it.

use boxwright_handoff::{PublishedImage, PublishedPlatform, docker_run};
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

/// What `build`, `publish` and `verify` print, and the result card shows.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Report {
    /// One a tag.
    pub images: Vec<ReportImage>,
    /// Bytes that were sent.
    pub uploaded_bytes: u64,
    /// Bytes that were already there.
    pub reused_bytes: u64,
    /// Time from start to end, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// The failure of an image that predicts something else than the preview.
    pub fn difference(&self) -> Option<Failure> {
        let differing = |platform: &&ReportPlatform| {
            platform
                .verified
                .as_ref()
                .is_some_and(|proof| proof.status == ProofStatus::Differs)
        };
        let platforms = self.images.iter().flat_map(|image| {
            image
                .platforms
                .iter()
                .filter(differing)
                .map(move |platform| (image, platform))
        });
        let mut differing = platforms.peekable();
        let (image, platform) = *differing.peek()?;
        let message = format!(
            "{} for {} does not predict what the preview showed",
            image.reference, platform.platform
        );
        let hint = "Don't use this image. Compare the package with the one that it was built \
                    from, and publish it again.";
        let mut failure = Failure::new(Code::ProofDiffers, message, hint);
        failure.causes = differing
            .filter_map(|(_, platform)| {
                let reason = platform.verified.as_ref()?.reason.as_ref()?;
                Some(format!("{}: {reason}", platform.platform))
            })
            .collect();
        Some(failure)
    }
}

/// The image under one tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ReportImage {
    /// The reference, or the archive's name.
    pub reference: String,
    /// Digest of the index.
    pub digest: String,
    /// One a target.
    pub platforms: Vec<ReportPlatform>,
    /// Whether a registry holds it; an archive's image has no reference that can be pulled.
    #[serde(default)]
    pub published: bool,
}

impl ReportImage {
    /// The image in its registry, from which hand-offs are rendered; `None` for one in an archive.
    pub fn published_image(&self) -> Option<PublishedImage> {
        let platform = |one: &ReportPlatform| {
            Some(PublishedPlatform {
                target: one.target.clone(),
                platform: one.platform.parse().ok()?,
                digest: one.digest.parse().ok()?,
                size: one.size,
            })
        };
        self.published.then_some(())?;
        Some(PublishedImage {
            reference: self.reference.parse().ok()?,
            digest: self.digest.parse().ok()?,
            platforms: self.platforms.iter().map(platform).collect::<Option<_>>()?,
        })
    }

    /// The command that runs it with Docker; `None` for an image in an archive.
    pub fn docker_run(&self) -> Option<String> {
        self.published_image().as_ref().map(docker_run)
    }
}

/// One platform under a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ReportPlatform {
    /// The target: `cpu`, `arm64`, …
    pub target: String,
    /// `linux/amd64`, `linux/arm64`.
    pub platform: String,
    /// Digest of the manifest.
    pub digest: String,
    /// Compressed size of the layers, in bytes.
    pub size: u64,
    /// The proof, where one was asked for.
    pub verified: Option<Proof>,
}

/// The proof of one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Proof {
    /// How it ended.
    pub status: ProofStatus,
    /// What ran the image: `docker` or `namespaces`.
    pub by: Option<String>,
    /// How many samples were compared.
    pub samples: usize,
    /// The largest difference of a score.
    pub max_difference: Option<f64>,
    /// Why it differs or was not run, in words.
    pub reason: Option<String>,
}

/// How a proof ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ProofStatus {
    /// The image predicts what the preview showed.
    Proven,
    /// It predicts something else: a failure.
    Differs,
    /// It could not be run here.
    NotRun,
}

/// An image of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Published {
    /// When it ended, RFC 3339.
    pub at: String,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// What was published.
    pub report: Report,
}

/// What `publish` takes from the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PublishRequest {
    /// Targets, as in [`TargetChoice`].
    pub targets: Vec<String>,
    /// Where to.
    pub to: PublishTo,
    /// Whether to prove it with the open samples.
    pub prove: bool,
    /// Go on although the tag names another digest.
    pub replace: bool,
}

/// Where a build goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum PublishTo {
    /// A registry: the whole reference, with a tag.
    Registry {
        /// `HOST/REPOSITORY:TAG`.
        reference: String,
    },
    /// An archive; a dialog asks where, starting at the last folder.
    Archive,
}
