//! `boxwright doctor`.

use boxwright_studio::api::CheckStatus;
use boxwright_studio::build::DataDir;
use boxwright_studio::{Directories, Failure, doctor as studio};

use crate::args::Doctor;
use crate::console::print_line;
use crate::text::sanitize;

/// Says what works.
pub async fn doctor(args: &Doctor) -> Result<(), Failure> {
    let found = studio::examine(DataDir::find().map_err(Failure::from), &Directories::find()).await;
    if args.json {
        let text = serde_json::to_string_pretty(&found)
            .map_err(|error| Failure::internal("it can't be printed").caused_by(&error))?;
        return print_line(&text);
    }
    let width = found
        .checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = format!("boxwright {}\n", found.version);
    for check in &found.checks {
        let mark = match check.status {
            CheckStatus::Works => "works ",
            CheckStatus::Absent => "absent",
            CheckStatus::Broken => "BROKEN",
        };
        text.push_str(&format!(
            "{mark}  {:width$}  {}\n",
            check.name,
            sanitize(&check.message)
        ));
        if !check.hint.is_empty() {
            text.push_str(&format!(
                "{:6}  {:width$}  {}\n",
                "",
                "",
                sanitize(&check.hint)
            ));
        }
    }
    print_line(text.trim_end())
}
