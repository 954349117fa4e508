//! What `build`, `publish` and `verify` print, held to the contract.

use serde_json::Value;

/// A checked report.
#[derive(Debug, Clone)]
pub struct Report(pub Value);

impl Report {
    /// Checks its shape.
    ///
    /// # Panics
    /// When a field of the contract is missing or of another type.
    pub fn new(report: Value) -> Self {
        for key in ["uploaded_bytes", "reused_bytes", "elapsed_ms"] {
            assert!(report[key].is_u64(), "no `{key}` in {report:#}");
        }
        let images = report["images"]
            .as_array()
            .unwrap_or_else(|| panic!("{report:#}"));
        assert!(!images.is_empty(), "{report:#}");
        for image in images {
            assert!(image["reference"].is_string(), "{image:#}");
            assert_digest(&image["digest"]);
            for platform in image["platforms"]
                .as_array()
                .unwrap_or_else(|| panic!("{image:#}"))
            {
                check_platform(platform);
            }
        }
        Self(report)
    }

    /// The digest of the only image.
    ///
    /// # Panics
    /// When there are more.
    pub fn digest(&self) -> &str {
        let images = self.0["images"].as_array().unwrap();
        assert_eq!(images.len(), 1, "{:#}", self.0);
        images[0]["digest"].as_str().unwrap()
    }

    /// The platforms of the only image, by target.
    ///
    /// # Panics
    /// When there is no such target.
    pub fn platform(&self, target: &str) -> &Value {
        let platforms = self.0["images"][0]["platforms"].as_array().unwrap();
        let found = platforms
            .iter()
            .find(|platform| platform["target"] == target);
        found.unwrap_or_else(|| panic!("no {target} in {:#}", self.0))
    }

    /// The proof of one target.
    pub fn proof(&self, target: &str) -> &Value {
        &self.platform(target)["verified"]
    }

    /// Bytes that were sent.
    ///
    /// # Panics
    /// Never: the shape has been checked.
    pub fn uploaded(&self) -> u64 {
        self.0["uploaded_bytes"].as_u64().unwrap()
    }

    /// Bytes that were there already.
    ///
    /// # Panics
    /// Never: the shape has been checked.
    pub fn reused(&self) -> u64 {
        self.0["reused_bytes"].as_u64().unwrap()
    }
}

fn check_platform(platform: &Value) {
    assert!(platform["target"].is_string(), "{platform:#}");
    assert!(platform["platform"].is_string(), "{platform:#}");
    assert!(platform["size"].is_u64(), "{platform:#}");
    assert_digest(&platform["digest"]);
    let object = platform.as_object().unwrap();
    let verified = object
        .get("verified")
        .unwrap_or_else(|| panic!("no `verified` in {platform:#}"));
    if verified.is_null() {
        return;
    }
    let status = verified["status"].as_str().unwrap_or_default();
    assert!(
        ["proven", "differs", "not-run"].contains(&status),
        "{verified:#}"
    );
    assert!(verified["samples"].is_u64(), "{verified:#}");
    for key in ["by", "max_difference", "reason"] {
        assert!(
            verified.as_object().unwrap().contains_key(key),
            "no `{key}` in {verified:#}"
        );
    }
    let by = &verified["by"];
    assert!(
        by.is_null() || by == "docker" || by == "namespaces",
        "{verified:#}"
    );
}

fn assert_digest(digest: &Value) {
    let hex = digest
        .as_str()
        .and_then(|digest| digest.strip_prefix("sha256:"));
    let right = hex.is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    assert!(right, "{digest} is no digest");
}
