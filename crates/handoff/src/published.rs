//! An image that a registry holds.

use boxwright_oci::{Digest, Platform, Reference};
use serde::{Deserialize, Serialize};

/// What was published under one tag. In JSON, references, digests and platforms are strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PublishedImage {
    /// The tag that it was published under.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub reference: Reference,
    /// Digest of the index that the tag named when it was published.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub digest: Digest,
    /// One a target, in the index's order.
    pub platforms: Vec<PublishedPlatform>,
}

/// One platform of a [`PublishedImage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PublishedPlatform {
    /// The target's name: `cpu`, `arm64`, `gpu`.
    pub target: String,
    /// What its containers run on: `linux/amd64`.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    #[serde(with = "as_text")]
    pub platform: Platform,
    /// Digest of the manifest.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub digest: Digest,
    /// Compressed size of the layers, in bytes.
    pub size: u64,
}

impl PublishedImage {
    /// The image by its digest alone: always the content that was published, whatever becomes of
    /// the tag.
    pub fn pinned(&self) -> Reference {
        self.reference.with_digest(self.digest)
    }
}

/// A platform as `linux/amd64`.
mod as_text {
    use std::borrow::Cow;

    use boxwright_oci::Platform;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        platform: &Platform,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(platform)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Platform, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_image_is_the_json_of_the_reports() {
        let digest = Digest::of(b"index");
        let image = PublishedImage {
            reference: "localhost:5000/cat:1.0".parse().expect("a reference"),
            digest,
            platforms: vec![PublishedPlatform {
                target: "cpu".into(),
                platform: Platform::linux("amd64"),
                digest,
                size: 7,
            }],
        };
        let json = serde_json::to_value(&image).expect("JSON");
        let expected = serde_json::json!({
            "reference": "localhost:5000/cat:1.0",
            "digest": digest.to_string(),
            "platforms": [{
                "target": "cpu",
                "platform": "linux/amd64",
                "digest": digest.to_string(),
                "size": 7,
            }],
        });
        assert_eq!(json, expected);
        let read: PublishedImage = serde_json::from_value(json).expect("read back");
        assert_eq!(read, image);
        assert_eq!(
            image.pinned().to_string(),
            format!("localhost:5000/cat@{digest}")
        );
    }
}
