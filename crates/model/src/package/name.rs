//! The grammar of names and versions.

/// Most characters of a name or a version.
const LONGEST: usize = 128;

/// Checks that a package's name is `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 characters.
///
/// # Errors
/// The name that comes nearest to it.
pub fn check_name(name: &str) -> Result<(), String> {
    let proposal = propose_name(name);
    if proposal == name {
        Ok(())
    } else {
        Err(proposal)
    }
}

/// Checks that a version is an OCI tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
///
/// # Errors
/// The version that comes nearest to it.
pub fn check_version(version: &str) -> Result<(), String> {
    let mut proposal = String::new();
    for c in version.trim().chars() {
        match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '-' => proposal.push(c),
            _ if proposal.ends_with('-') => {}
            _ => proposal.push('-'),
        }
        if proposal.trim_start_matches(['.', '-']).len() == LONGEST {
            break;
        }
    }
    let first = proposal.trim_start_matches(['.', '-']);
    let proposal = if first.is_empty() {
        "0.0.1".to_owned()
    } else {
        first.to_owned()
    };
    let proposal = if version == proposal {
        proposal
    } else {
        proposal.trim_end_matches('-').to_owned()
    };
    if proposal == version {
        Ok(())
    } else {
        Err(proposal)
    }
}

/// The name nearest to any text: lower case, with one separator between runs of letters and
/// digits. Idempotent: a proper name is its own proposal.
pub(crate) fn propose_name(text: &str) -> String {
    let mut name = String::new();
    let mut separator = None;
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            if !name.is_empty() {
                name.extend(separator);
            }
            separator = None;
            if name.len() >= LONGEST {
                break;
            }
            name.push(c);
        } else {
            separator = match (separator, c) {
                (None, '.' | '_' | '-') => Some(c),
                _ => Some('-'),
            };
        }
    }
    name.truncate(LONGEST);
    let name = name.trim_end_matches(['.', '_', '-']);
    if name.is_empty() {
        "model".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_corrected() {
        for (name, proposal) in [
            ("EfficientNet Lite0", "efficientnet-lite0"),
            ("_x_", "x"),
            ("a__b", "a-b"),
            ("a.b-c_d", "a.b-c_d"),
            ("a. b", "a-b"),
            ("Modèle n°1", "mod-le-n-1"),
            ("模型", "model"),
            ("", "model"),
            ("../../etc", "etc"),
        ] {
            let got = check_name(name).err().unwrap_or_else(|| name.to_owned());
            assert_eq!(got, proposal, "{name}");
        }
        assert_eq!(check_name(&"a".repeat(129)), Err("a".repeat(128)));
        assert_eq!(check_name(&"a".repeat(128)), Ok(()));
    }

    #[test]
    fn versions_are_corrected() {
        for (version, proposal) in [
            ("0.0.1", "0.0.1"),
            ("v1_x-2.", "v1_x-2."),
            ("1.0-", "1.0-"),
            ("1.0+build 5", "1.0-build-5"),
            ("-1", "1"),
            (".1", "1"),
            ("", "0.0.1"),
            (" 1 ", "1"),
        ] {
            let got = check_version(version)
                .err()
                .unwrap_or_else(|| version.to_owned());
            assert_eq!(got, proposal, "{version}");
        }
        assert_eq!(check_version(&"1".repeat(129)), Err("1".repeat(128)));
    }

    proptest! {
        #[test]
        fn every_proposal_is_accepted(text in any::<String>()) {
            if let Err(proposal) = check_name(&text) {
                prop_assert_eq!(check_name(&proposal), Ok(()));
            }
            if let Err(proposal) = check_version(&text) {
                prop_assert_eq!(check_version(&proposal), Ok(()));
            }
        }

        #[test]
        fn proper_names_are_kept(name in "[a-z0-9]{1,9}([._-][a-z0-9]{1,9}){0,9}") {
            prop_assert_eq!(check_name(&name), Ok(()));
        }

        #[test]
        fn proper_versions_are_kept(version in "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}") {
            prop_assert_eq!(check_version(&version), Ok(()));
        }
    }
}
