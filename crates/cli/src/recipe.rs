//! `boxwright match`.

use boxwright_files::WriteOptions;
use boxwright_studio::build::DataDir;
use boxwright_studio::errors::{blocking, write_failure};
use boxwright_studio::model::LoadedPackage;
use boxwright_studio::model::recipe::{Evidence, Recipe, RecipeReport, Verdict};
use boxwright_studio::recipe::{self, RecipeRequest};
use boxwright_studio::worker_session::RunOptions;
use boxwright_studio::{Failure, Stop};
use tokio_util::sync::CancellationToken;

use crate::args::Match;
use crate::console::{Console, print_line};
use crate::package;

/// Most recipes that are listed as doing as well.
const MAX_LISTED: usize = 8;

/// Finds the recipe, prints it, and puts it into the package where that is wanted.
pub async fn find(args: Match, console: &Console) -> Result<(), Failure> {
    let (package, _) = package::open(&args.package, console).await?;
    let (evidence, files) = match args.tensor.is_empty() {
        true => (Evidence::Answers, args.outputs),
        false => (Evidence::Tensors, args.tensor),
    };
    let samples = package::samples(&args.samples).await?;
    let request = RecipeRequest {
        package: package.clone(),
        photos: samples.into_iter().map(|sample| sample.path).collect(),
        evidence,
        files,
        options: RunOptions {
            max_pixels: Some(package::max_pixels(args.max_pixels)),
            ..RunOptions::default()
        },
    };
    let found = recipe::find(&DataDir::find()?, &request, &CancellationToken::new()).await;
    let answer = found.map_err(|stop| match stop {
        Stop::Failed(failure) => failure,
        Stop::Cancelled => Failure::internal("the search was cancelled"),
    })?;
    if let (Some(path), Some(picture)) = (&args.heat_map, &answer.heat_map) {
        let written = WriteOptions::new().write(path, picture);
        written.map_err(|error| write_failure(path, &error))?;
    }
    let report = &answer.report;
    let written = match &report.recipe {
        Some(recipe) if args.write && report.verdict == Verdict::Exact => {
            write(package.clone(), recipe.clone()).await?;
            true
        }
        _ => false,
    };
    if args.json {
        let text = serde_json::to_string_pretty(report)
            .map_err(|error| Failure::internal("the report can't be printed").caused_by(&error))?;
        return print_line(&text);
    }
    print_line(&to_text(report, &package))?;
    if written {
        console.print_info("The recipe is in the package file.");
    }
    Ok(())
}

async fn write(mut package: LoadedPackage, recipe: Recipe) -> Result<(), Failure> {
    blocking(move || {
        recipe.apply(&mut package.package);
        package.save()
    })
    .await
}

/// The answer for people: the verdict, and what the recipe changes in the package.
fn to_text(report: &RecipeReport, package: &LoadedPackage) -> String {
    let unit = report.evidence.unit();
    let verdict = match report.verdict {
        Verdict::Exact => "exact: this recipe gives what your notebook made".to_owned(),
        Verdict::Near => format!(
            "near: the best recipe is off by {:.3} {unit} on average, {:.3} at most",
            report.mean_difference, report.max_difference
        ),
        Verdict::None => {
            "none: no recipe makes this of these photos. Is it another photo, or is a \
                          step of the notebook random?"
                .to_owned()
        }
    };
    let mut lines = vec![verdict];
    if let (Some(recipe), true) = (&report.recipe, report.verdict != Verdict::None) {
        let changes = Recipe::of(&package.package, recipe).differences(recipe);
        if changes.is_empty() {
            lines.push("The package has it already.".to_owned());
        }
        for (field, was, found) in changes {
            lines.push(format!("  {field}: {was} -> {found}"));
        }
        if !report.same.is_empty() {
            lines.push("These photos can't tell it from:".to_owned());
        }
        for other in report.same.iter().take(MAX_LISTED) {
            let differences = recipe.differences(other);
            let words = differences
                .iter()
                .map(|(field, _, other)| format!("{field} = {other}"));
            lines.push(format!("  {}", words.collect::<Vec<_>>().join(", ")));
        }
    }
    let seconds = report.elapsed_ms / 1000.0;
    lines.push(match report.out_of_time {
        true => format!("{seconds:.1} s: time ran out before every recipe was tried"),
        false => format!("{seconds:.1} s"),
    });
    lines.join("\n")
}
