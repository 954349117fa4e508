//! The tick boxes.

use boxwright_build::{Share, Target};

use crate::api::TargetChoice;

/// Every target, with its size, and why it can't be ticked where it can't.
pub fn choices(share: &Share) -> Vec<TargetChoice> {
    let catalogue = share.catalogue();
    Target::ALL
        .into_iter()
        .map(|target| {
            let checked = match &catalogue {
                Ok(catalogue) => catalogue.check(target).map(|()| catalogue.size(target)),
                Err(error) => Err(boxwright_build::Error::TargetUnavailable {
                    target,
                    needs: error.to_string(),
                }),
            };
            TargetChoice {
                target: target.to_string(),
                title: target.title().to_owned(),
                platform: target.platform().to_string(),
                size: *checked.as_ref().unwrap_or(&0),
                unavailable: checked.err().map(|error| error.to_string()),
            }
        })
        .collect()
}
