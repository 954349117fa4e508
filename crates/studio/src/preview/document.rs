//! What a preview is written down as: the same JSON from every front end. Numbers are written from
//! their own type, so that they have the digits that a container answers with.

use std::io::{self, Read, Write};

use boxwright_model::prediction::{SampleResult, Timing};
use serde::Serialize;

use super::Head;

/// A result, as an entry of a document or a line of its own.
pub fn line(result: &SampleResult) -> String {
    // Strings for keys, and numbers that are finite or null: nothing that JSON can't say.
    serde_json::to_string(result).unwrap_or_default()
}

/// What comes before the results.
#[derive(Serialize)]
struct Start<'a> {
    #[serde(flatten)]
    head: &'a Head,
    timing: &'a Timing,
}

/// Writes a whole document around `results`, which are [`line`]s with commas between them.
///
/// # Errors
/// Of reading or writing.
pub fn write_document(
    to: &mut impl Write,
    head: &Head,
    timing: &Timing,
    results: &mut impl Read,
) -> io::Result<()> {
    let start = serde_json::to_string(&Start { head, timing })?;
    // The results are the last field of the same object.
    let open = start.strip_suffix('}').unwrap_or(&start);
    writeln!(to, "{open},\"results\":[")?;
    io::copy(results, to)?;
    to.write_all(b"\n]}\n")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use boxwright_model::Outcome;
    use boxwright_model::prediction::{ClassPrediction, DeviceUsed};

    use super::*;
    use crate::preview::ModelName;

    #[test]
    fn a_score_has_the_digits_of_its_own_type() {
        let class = ClassPrediction {
            class: "tiger cat".to_owned(),
            score: 0.391_141_36,
        };
        let result = SampleResult {
            sample: "cat.jpg".to_owned(),
            outcome: Outcome::Classes(vec![class]),
        };
        let (name, version, digest) = ("cat".into(), "1".into(), "sha256:ab".into());
        let (kind, device, reason) = ("cpu".into(), "a CPU".into(), "no GPU".into());
        let head = Head {
            model: ModelName {
                name,
                version,
                digest,
            },
            device: DeviceUsed {
                kind,
                name: device,
                reason,
            },
            batch_size: 8,
        };
        let mut text = Vec::new();
        let results = line(&result);
        let written = write_document(
            &mut text,
            &head,
            &Timing::default(),
            &mut results.as_bytes(),
        );
        written.expect("written");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains(r#""score":0.39114136}"#), "{text}");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["results"][0]["sample"], "cat.jpg");
        assert_eq!(document["batch_size"], 8);
    }
}
