//! The JSON of a preview, the same from every front end. Numbers are written from their own type, so
//! that they have the digits that a container answers with.

use std::io::{self, Write};

use boxwright_model::prediction::{DeviceUsed, SampleResult, Timing};
use serde::Serialize;

/// What is known of a preview before its first result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Header {
    /// The model.
    pub model: ModelIdentity,
    /// The device that runs it.
    pub device: DeviceUsed,
    /// Samples in one run of the model.
    pub batch_size: usize,
}

/// Which model it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelIdentity {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// Digest of the model's files.
    pub digest: String,
}

/// Writes a result as an entry of a document, or as a line of its own.
///
/// # Errors
/// Of writing: string keys, and numbers that are finite or text, are always valid JSON.
pub fn write_result(to: &mut dyn Write, result: &SampleResult) -> io::Result<()> {
    Ok(serde_json::to_writer(to, result)?)
}

/// The fields before the results.
#[derive(Serialize)]
struct Prefix<'a> {
    #[serde(flatten)]
    header: &'a Header,
    timing: &'a Timing,
}

/// Writes a document with what `results` writes: that of [`write_result`], separated by commas.
///
/// # Errors
/// Of writing.
pub fn write_document<W: Write>(
    to: &mut W,
    header: &Header,
    timing: &Timing,
    results: impl FnOnce(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    let start = serde_json::to_string(&Prefix { header, timing })?;
    // The results are the last field of the same object.
    let open = start.strip_suffix('}').unwrap_or(&start);
    writeln!(to, "{open},\"results\":[")?;
    results(to)?;
    to.write_all(b"\n]}\n")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use boxwright_model::Outcome;
    use boxwright_model::prediction::{ClassPrediction, DeviceUsed};

    use super::*;
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
        let (device, reason) = ("a CPU".into(), "no GPU".into());
        let header = Header {
            model: ModelIdentity {
                name,
                version,
                digest,
            },
            device: DeviceUsed {
                kind: boxwright_model::DeviceKind::Cpu,
                name: device,
                reason,
            },
            batch_size: 8,
        };
        let mut text = Vec::new();
        let written = write_document(&mut text, &header, &Timing::default(), |to| {
            write_result(to, &result)
        });
        written.expect("written");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains(r#""score":0.39114136}"#), "{text}");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["results"][0]["sample"], "cat.jpg");
        assert_eq!(document["batch_size"], 8);
    }
}
