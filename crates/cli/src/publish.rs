//! `boxwright build`, `publish` and `verify`.

use std::process::ExitCode;
use std::sync::Arc;

use boxwright_studio::api::{JobKind, JobResult, Report, ReportImage};
use boxwright_studio::build::{self, DataDir};
use boxwright_studio::credentials::Accounts;
use boxwright_studio::job::JobHandle;
use boxwright_studio::job_kinds::{
    BuildJob, Context, ImageSource, JobParameters, PublishJob, VerifyJob,
};
use boxwright_studio::oci::Reference;
use boxwright_studio::registry::Connection;
use boxwright_studio::{Code, Directories, Failure, Stop};

use crate::args::{Build, Builder, Publish, Registry, Source, Verify};
use crate::console::{Console, print_line};
use crate::login::with_login_hint;
use crate::package;

/// Builds an archive.
pub async fn build(args: Build, console: &Console) -> Result<(), Stop> {
    let title = args.output.display().to_string();
    let job = console.job(JobKind::Build, &title, &BuildJob::STAGES);
    let work = async {
        let tag = args.tag.as_deref().map(str::parse::<Reference>);
        let tag = tag.transpose()?;
        let base = args.source.base.as_deref();
        let base = base.map(str::parse::<Reference>).transpose()?;
        let connection = match &base {
            Some(base) => connection(args.registry, base),
            None => Connection::default(),
        };
        let source = job.or_cancelled(source(args.source, console)).await?;
        let output = args.output;
        let build = BuildJob {
            source,
            tag,
            output,
        };
        build.run(&context(connection, None)?, &job).await
    };
    let result = work.await.map_err(with_hint);
    finish(result, JobResult::Build, &job, console).map(drop)
}

/// Builds, pushes and verifies.
pub async fn publish(args: Publish, console: &Console) -> Result<ExitCode, Stop> {
    let verified = !args.verify.is_empty();
    let stages = PublishJob::stages_for(verified);
    let job = console.job(JobKind::Publish, &args.to, stages);
    let work = async {
        let to: Reference = args.to.parse()?;
        let samples = match verified {
            true => Some(job.or_cancelled(package::samples(&args.verify)).await?),
            false => None,
        };
        let connection = connection(args.registry, &to);
        let source = job.or_cancelled(source(args.source, console)).await?;
        let publish = PublishJob {
            source,
            to,
            replace: args.replace,
            samples,
        };
        let context = context(connection, args.max_pixels)?;
        publish.run(&context, &job).await
    };
    let result = work.await.map_err(with_hint);
    finish(result, JobResult::Publish, &job, console)
}

/// Verifies what is published.
pub async fn verify(args: Verify, console: &Console) -> Result<ExitCode, Stop> {
    let job = console.job(JobKind::Verify, &args.reference, &VerifyJob::STAGES);
    let work = async {
        let reference: Reference = args.reference.parse()?;
        let samples = job.or_cancelled(package::samples(&args.samples)).await?;
        let package = package::open(&args.package, console);
        let (package, _) = job.or_cancelled(package).await?;
        let connection = connection(args.registry, &reference);
        let verify = VerifyJob {
            reference,
            root: package.root,
            package: package.package,
            samples,
        };
        let context = context(connection, args.max_pixels)?;
        verify.run(&context, &job).await
    };
    let result = work.await.map_err(with_hint);
    finish(result, JobResult::Verify, &job, console)
}

fn connection(registry: Registry, to: &Reference) -> Connection {
    let plain_http = if registry.plain_http {
        vec![to.registry().to_owned()]
    } else {
        Vec::new()
    };
    Connection {
        plain_http,
        ca_file: registry.ca_file,
    }
}

fn context(connection: Connection, max_pixels: Option<u64>) -> Result<Context, Failure> {
    let directories = Directories::find();
    Ok(Context {
        data_dir: DataDir::find()?,
        accounts: Arc::new(Accounts::new(&directories)),
        directories,
        connection,
        max_pixels: package::max_pixels(max_pixels),
    })
}

async fn source(source: Source, console: &Console) -> Result<ImageSource, Failure> {
    let (package, model) = package::open(&source.package, console).await?;
    Ok(ImageSource {
        root: package.root,
        package: package.package,
        model: model.path,
        targets: source.targets,
        builder: match source.builder {
            Builder::Embedded => build::Builder::Embedded,
            Builder::Docker => build::Builder::Docker,
        },
        base: source.base,
    })
}

/// Ends the job and prints its report. The report of an image that predicts something else than the
/// preview is printed with its failure.
fn finish(
    result: Result<Report, Stop>,
    of_kind: fn(Report) -> JobResult,
    job: &JobHandle,
    console: &Console,
) -> Result<ExitCode, Stop> {
    let report = match result {
        Ok(report) => report,
        Err(stop) => {
            job.stop(stop.clone());
            return Err(stop);
        }
    };
    let document = ReportDocument::of(&report);
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::internal("the report can't be printed").caused_by(&error))?;
    let failure = document.error;
    job.finish(of_kind(report));
    if let Some(failure) = &failure {
        console.print_failure(failure);
    }
    print_line(&text)?;
    Ok(if failure.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// A report as it is printed.
#[derive(serde::Serialize)]
struct ReportDocument<'a> {
    images: Vec<ImageDocument<'a>>,
    uploaded_bytes: u64,
    reused_bytes: u64,
    elapsed_ms: u64,
    /// The failure of an image that predicts something else than the preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(serde::Serialize)]
struct ImageDocument<'a> {
    #[serde(flatten)]
    image: &'a ReportImage,
    /// The command that runs it with Docker.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
}

impl<'a> ReportDocument<'a> {
    fn of(report: &'a Report) -> Self {
        let image = |image: &'a ReportImage| ImageDocument {
            image,
            run: image.docker_run(),
        };
        Self {
            images: report.images.iter().map(image).collect(),
            uploaded_bytes: report.uploaded_bytes,
            reused_bytes: report.reused_bytes,
            elapsed_ms: report.elapsed_ms,
            error: report.difference(),
        }
    }
}

/// Adds the flag or the command that helps to the hint.
fn with_hint(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(mut failure) if failure.code == Code::TagExists => {
            failure.hint.push_str(" `--replace` does that.");
            Stop::Failed(failure)
        }
        Stop::Failed(failure) => Stop::Failed(with_login_hint(failure)),
        Stop::Cancelled => Stop::Cancelled,
    }
}
