//! The targets as choices of the window.

use boxwright_build::{DataDir, Target};

use crate::api::TargetChoice;

/// Every target, with its size, and why it can't be ticked where it can't.
pub fn choices(data_dir: &DataDir) -> Vec<TargetChoice> {
    let catalogue = data_dir.catalogue();
    Target::ALL
        .into_iter()
        .map(|target| {
            let (checked, needs) = match &catalogue {
                Ok(catalogue) => {
                    let size = catalogue.check(target).map(|()| catalogue.size(target));
                    (size, target.needs())
                }
                Err(error) => {
                    let needs = error.to_string();
                    let error = boxwright_build::Error::TargetUnavailable { target, needs };
                    (Err(error), "Boxwright's share folder, whole")
                }
            };
            TargetChoice {
                target: target.to_string(),
                title: target.title().to_owned(),
                platform: target.platform().to_string(),
                size: *checked.as_ref().unwrap_or(&0),
                needs: checked.is_err().then(|| needs.to_owned()),
                unavailable: checked.err().map(|error| error.to_string()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_ticked_says_why_at_length_and_in_short() {
        let folder = tempfile::tempdir().expect("a folder");
        let nothing = choices(&DataDir::at(folder.path()));
        for choice in nothing {
            assert_eq!(
                choice.needs.as_deref(),
                Some("Boxwright's share folder, whole")
            );
            assert!(choice.unavailable.is_some(), "{choice:?}");
        }
        let catalogue = r#"{"format":1,"onnxruntime":"1","components":[],"programs":[]}"#;
        std::fs::write(folder.path().join("catalogue.json"), catalogue).expect("written");
        for choice in choices(&DataDir::at(folder.path())) {
            let (short, long) = (
                choice.needs.expect("short"),
                choice.unavailable.expect("long"),
            );
            assert!(short.len() < 70 && long.contains(&short), "{short}: {long}");
        }
    }
}
