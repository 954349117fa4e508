//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use boxwright_studio::build::{Target, TargetError};
use boxwright_studio::model::Device;
use boxwright_studio::model::guess::Preset;
use boxwright_studio::oci::{Error, check_registry};

/// Packages ML models as container images, without Docker.
#[derive(Parser)]
#[command(name = "boxwright", version, max_term_width = 100)]
pub struct Arguments {
    /// How progress is printed to stderr: `auto` draws bars on a terminal, `json` writes one event a
    /// line.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub progress: ProgressMode,
    #[command(subcommand)]
    pub command: Command,
}

/// How progress is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Lines for people.
    Plain,
    /// One event a line.
    Json,
    /// Not at all.
    None,
}

/// What is to be done.
#[derive(Subcommand)]
pub enum Command {
    /// Say what a model takes and gives. Reads it, never runs it.
    Inspect(Inspect),
    /// Write a package file for a model.
    Init(Init),
    /// Predict samples with the program that ships in the image.
    Preview(Preview),
    /// Write a sample to begin with, for a model that takes tensors.
    Example(Example),
    /// Find the preprocessing that gives what your notebook feeds its model, or what its model
    /// answers.
    Match(Match),
    /// Print how pictures are prepared as Python, in the calls of Pillow, OpenCV, torchvision or
    /// TensorFlow.
    Python(Python),
    /// Build an archive that Docker and skopeo read.
    Build(Build),
    /// Build, push to a registry, and prove.
    Publish(Publish),
    /// Check a registry's password and keep it.
    Login(Login),
    /// Forget a registry's password.
    Logout(Logout),
    /// Pull what is published, run it, and compare its predictions with the preview's.
    Verify(Verify),
    /// Run the container's server on this machine, without a container.
    Serve(Serve),
    /// Say what works on this machine, what does not, and what to do.
    Doctor(Doctor),
}

#[derive(Args)]
pub struct Inspect {
    /// The model file.
    pub model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Init {
    /// The model file.
    pub model: PathBuf,
    /// How pictures are prepared: imagenet, tf, efficientnet-lite, unit, raw or opencv-imagenet.
    #[arg(long)]
    pub preset: Option<Preset>,
    /// A text file with the name of one class a line.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The package's name.
    #[arg(long)]
    pub name: Option<String>,
    /// The package's version.
    #[arg(long, value_name = "VERSION")]
    pub model_version: Option<String>,
    /// The package's folder; the model's where not given. The model is copied into another one.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace a package file that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Args)]
pub struct Preview {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
    /// Image files, or folders that are searched recursively.
    #[arg(required = true, value_name = "SAMPLE")]
    pub samples: Vec<PathBuf>,
    /// What predicts: auto, cpu, webgpu or cuda; webgpu:1 or cuda:1 for the second of several.
    #[arg(long, default_value_t)]
    pub device: Device,
    /// Samples in one run of the model; the package's where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batch_size: Option<u32>,
    /// Classes at most; the package's where not given.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub top_k: Option<u32>,
    /// Most pixels of a picture, judged before it is decoded; the settings' where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pixels: Option<u64>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The file to write to, in place of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Args)]
pub struct Example {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
    /// The file to write; NAME-example.npz, or .npy for one input, in this folder where not given.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Args)]
pub struct Match {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
    /// One to five image files, or folders that are searched recursively.
    #[arg(required = true, value_name = "SAMPLE")]
    pub samples: Vec<PathBuf>,
    /// What the notebook feeds its model for these photos, in their order: one file (.npy, .npz or
    /// .pt), or one for each photo.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "outputs",
        conflicts_with = "outputs"
    )]
    pub tensor: Vec<PathBuf>,
    /// What the notebook's model answered for these photos: .npy, CSV with a line a photo, or JSON.
    #[arg(long, value_name = "FILE")]
    pub outputs: Vec<PathBuf>,
    /// Put the recipe into the package file, if it is exact.
    #[arg(long)]
    pub write: bool,
    /// Write where the nearest recipe differs on the first photo: a JPEG.
    #[arg(long, value_name = "FILE.jpg")]
    pub heat_map: Option<PathBuf>,
    /// Most pixels of a photo, judged before it is decoded; the settings' where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pixels: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Python {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
    /// One result a line.
    Jsonl,
}

/// Who builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Builder {
    /// Boxwright itself.
    #[default]
    Embedded,
    /// Docker Engine.
    Docker,
}

/// What is built.
#[derive(Args)]
pub struct Source {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
    /// Where it must run: cpu, arm64, gpu, arm64-gpu, jetson; separated by commas.
    #[arg(long = "target", required = true, value_name = "LIST", value_delimiter = ',',
          value_parser = target)]
    pub targets: Vec<Target>,
    /// Who builds.
    #[arg(long, value_enum, default_value_t)]
    pub builder: Builder,
    /// A base image in place of Boxwright's own.
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
}

fn target(text: &str) -> Result<Target, String> {
    text.parse()
        .map_err(|error: TargetError| format!("{error}: {}", error.hint()))
}

/// How a registry is spoken to.
#[derive(Args)]
pub struct Registry {
    /// Speak to the registry without TLS; not needed for a registry on this machine.
    #[arg(long)]
    pub plain_http: bool,
    /// Certificates (PEM) that are trusted besides the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Build {
    #[command(flatten)]
    pub source: Source,
    /// The image's name inside the archive; its tag is the package's version where it has none.
    #[arg(long, value_name = "REF")]
    pub tag: Option<String>,
    /// The archive.
    #[arg(long, value_name = "FILE.tar")]
    pub output: PathBuf,
    /// The base's registry.
    #[command(flatten)]
    pub registry: Registry,
}

#[derive(Args)]
pub struct Publish {
    #[command(flatten)]
    pub source: Source,
    /// Where to: HOST/REPOSITORY:TAG; the tag is the package's version where there is none.
    #[arg(long, value_name = "REF")]
    pub to: String,
    /// Prove it with these samples.
    #[arg(long, value_name = "SAMPLE", num_args = 1..)]
    pub verify: Vec<PathBuf>,
    /// Most pixels of a sample, judged before it is decoded; the settings' where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pixels: Option<u64>,
    /// Go on although the tag names another image.
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub registry: Registry,
}

#[derive(Args)]
pub struct Login {
    /// Host and port.
    pub registry: String,
    /// The user's name there.
    #[arg(long, short)]
    pub username: String,
    /// Read the password from stdin: the only way in, so that it is in no list of processes.
    #[arg(long, required = true)]
    pub password_stdin: bool,
    /// A token server on another host that may get this registry's password, now and later.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub trust_realm: Option<String>,
    #[command(flatten)]
    pub connection: Registry,
}

fn host(text: &str) -> Result<String, String> {
    match check_registry(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(Error::RegistryInvalid {
            proposal: Some(proposal),
            ..
        }) => Err(format!("a host and its port are enough: {proposal}")),
        Err(_) => Err("it is no host, like auth.example.com or localhost:5001".to_owned()),
    }
}

#[derive(Args)]
pub struct Logout {
    /// Host and port.
    pub registry: String,
}

#[derive(Args)]
pub struct Verify {
    /// What is published: HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST.
    pub reference: String,
    /// Image files, or folders that are searched recursively.
    #[arg(required = true, value_name = "SAMPLE")]
    pub samples: Vec<PathBuf>,
    /// The package that it was built from.
    #[arg(long)]
    pub package: PathBuf,
    /// Most pixels of a sample, judged before it is decoded; the settings' where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pixels: Option<u64>,
    #[command(flatten)]
    pub registry: Registry,
}

#[derive(Args)]
pub struct Serve {
    /// A package file, a folder that holds one, or a model.
    pub package: PathBuf,
    /// The port on 127.0.0.1; 0 for any free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}

#[derive(Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
