//! `boxwright build`, `publish` and `verify`.

use std::process::ExitCode;
use std::sync::Arc;

use boxwright_studio::api::{JobKind, Report};
use boxwright_studio::build::{self, DataDir};
use boxwright_studio::credentials::Accounts;
use boxwright_studio::job::Running;
use boxwright_studio::oci::Reference;
use boxwright_studio::oci::registry::Client;
use boxwright_studio::publish::{self, BuildRequest, PublishRequest};
use boxwright_studio::registry::Connection;
use boxwright_studio::verify::{self, VerifyRequest};
use boxwright_studio::{Code, Failure, Places, Stop, history};

use crate::accounts::with_own_hint;
use crate::args::{Build, Builder, Publish, Registry, Source, Verify};
use crate::console::{Console, print_line};
use crate::package;

/// Builds an archive.
pub async fn build(args: Build, console: &Console) -> Result<(), Stop> {
    let title = args.output.display().to_string();
    let job = console.job(JobKind::Build, &title, &publish::BUILD_STAGES);
    let work = async {
        let tag = args.tag.as_deref().map(str::parse::<Reference>);
        let tag = tag.transpose()?;
        let base = args.source.base.as_deref();
        let base = base.map(str::parse::<Reference>).transpose()?;
        let connection = match &base {
            Some(base) => connection(args.registry, base),
            None => Connection::default(),
        };
        let request = request(args.source, connection, console);
        let request = job.or_cancelled(request).await?;
        let share = DataDir::find()?;
        let report = publish::build_archive(&share, &request, tag.as_ref(), &args.output, &job);
        remember(&request, &report.await?)
    };
    let result = work.await.map_err(with_hint);
    finish(result, &job, console).map(drop)
}

/// Builds, pushes and proves.
pub async fn publish(args: Publish, console: &Console) -> Result<ExitCode, Stop> {
    let proven = !args.verify.is_empty();
    let stages: &[&str] = if proven {
        &publish::PROVEN_STAGES
    } else {
        &publish::PUBLISH_STAGES
    };
    let job = console.job(JobKind::Publish, &args.to, stages);
    let work = async {
        let to: Reference = args.to.parse()?;
        let samples = match proven {
            true => Some(job.or_cancelled(package::samples(&args.verify)).await?),
            false => None,
        };
        let connection = connection(args.registry, &to);
        let client = job.or_cancelled(client(&connection, &to)).await?;
        let build = request(args.source, connection, console);
        let request = PublishRequest {
            build: job.or_cancelled(build).await?,
            to,
            replace: args.replace,
            samples,
            max_pixels: package::max_pixels(args.max_pixels),
            client,
        };
        let report = publish::publish(&DataDir::find()?, &request, &job).await?;
        remember(&request.build, &report)
    };
    let result = work.await.map_err(with_hint);
    finish(result, &job, console)
}

/// Proves what is published.
pub async fn verify(args: Verify, console: &Console) -> Result<ExitCode, Stop> {
    let job = console.job(JobKind::Verify, &args.reference, &verify::STAGES);
    let work = async {
        let reference: Reference = args.reference.parse()?;
        let samples = job.or_cancelled(package::samples(&args.samples)).await?;
        let package = package::open(&args.package, console);
        let (package, _) = job.or_cancelled(package).await?;
        let connection = connection(args.registry, &reference);
        let client = job.or_cancelled(client(&connection, &reference)).await?;
        let request = VerifyRequest {
            reference,
            package,
            samples,
            max_pixels: package::max_pixels(args.max_pixels),
            client,
            cache: Places::find().cache,
        };
        verify::run(&DataDir::find()?, &request, &job).await
    };
    let result = work.await.map_err(with_hint);
    finish(result, &job, console)
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

async fn client(connection: &Connection, to: &Reference) -> Result<Client, Failure> {
    let places = Places::find();
    let accounts = Arc::new(Accounts::new(&places));
    connection.client(to.registry(), &accounts, &places).await
}

async fn request(
    source: Source,
    connection: Connection,
    console: &Console,
) -> Result<BuildRequest, Failure> {
    let (package, model) = package::open(&source.package, console).await?;
    let places = Places::find();
    let base_client = match &source.base {
        None => Default::default(),
        Some(base) => {
            let base: Reference = base.parse()?;
            let accounts = Arc::new(Accounts::new(&places));
            connection
                .options(base.registry(), &accounts, &places)
                .await?
        }
    };
    Ok(BuildRequest {
        package,
        model,
        targets: source.targets,
        builder: match source.builder {
            Builder::Embedded => build::Builder::Embedded,
            Builder::Docker => build::Builder::Docker,
        },
        base: source.base,
        base_client,
        cache: places.cache,
    })
}

/// The history is the studio's too; one that can't be kept is no failure.
fn remember(request: &BuildRequest, report: &Report) -> Result<Report, Stop> {
    let identity = &request.package.package.package;
    let _ = history::add_published(&Places::find(), &identity.name, &identity.version, report);
    Ok(report.clone())
}

/// Ends the job and prints the report. One whose proof differs is printed with its failure.
fn finish(
    result: Result<Report, Stop>,
    job: &Running,
    console: &Console,
) -> Result<ExitCode, Stop> {
    let report = match result {
        Ok(report) => report,
        Err(stop) => {
            job.stop(stop.clone());
            return Err(stop);
        }
    };
    let printed = Printed {
        error: report.failure(),
        report: report.clone(),
    };
    let text = serde_json::to_string_pretty(&printed)
        .map_err(|error| Failure::internal("the report can't be printed").caused_by(&error))?;
    job.finish(
        serde_json::to_value(&report).unwrap_or_default(),
        Some(report),
    );
    if let Some(failure) = &printed.error {
        console.complain(failure);
    }
    print_line(&text)?;
    Ok(if printed.error.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The report, and the failure that a proof which differs is.
#[derive(serde::Serialize)]
struct Printed {
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// What to do about a password or a tag is this front end's own.
fn with_hint(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(mut failure) if failure.code == Code::TagExists => {
            failure.hint.push_str(" `--replace` does that.");
            Stop::Failed(failure)
        }
        Stop::Failed(failure) => Stop::Failed(with_own_hint(failure)),
        Stop::Cancelled => Stop::Cancelled,
    }
}
