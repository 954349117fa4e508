//! Descriptors, manifests and indexes: the JSON documents of an image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::printable;
use crate::{Digest, Error, Platform, Result, media_type};

/// The largest manifest or index that is read, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Names content by type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// In an index: what the manifest's image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes content without platform or annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            platform: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// An image of one platform: its configuration and layers, bottom first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::MANIFEST`], or Docker's.
    #[serde(default)]
    pub media_type: String,
    /// The image's configuration.
    pub config: Descriptor,
    /// Its layers, bottom first.
    pub layers: Vec<Descriptor>,
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

/// Images of several platforms under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::INDEX`], or Docker's.
    #[serde(default)]
    pub media_type: String,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

/// What a registry keeps under a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// One platform.
    Manifest(Manifest),
    /// Several.
    Index(Index),
}

impl Document {
    /// Reads a manifest or an index, of OCI or Docker.
    ///
    /// # Errors
    /// `ContentInvalid` for anything else, an image of Docker's first schema among it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Outline {
            #[serde(rename = "schemaVersion")]
            schema_version: Option<u32>,
            #[serde(rename = "mediaType", default)]
            media_type: String,
            manifests: Option<serde::de::IgnoredAny>,
            layers: Option<serde::de::IgnoredAny>,
        }
        let outline: Outline = json(bytes)?;
        if outline.schema_version != Some(2) {
            return Err(invalid("only schema version 2 is supported"));
        }
        let of_type = media_type::to_oci(&outline.media_type);
        match (
            of_type,
            outline.manifests.is_some(),
            outline.layers.is_some(),
        ) {
            (media_type::INDEX | "", true, false) => json(bytes).map(Self::Index),
            (media_type::MANIFEST | "", false, true) => json(bytes).map(Self::Manifest),
            _ => Err(invalid("it is neither a manifest nor an index")),
        }
    }
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| invalid(&printable(&error.to_string())))
}

fn invalid(detail: &str) -> Error {
    Error::ContentInvalid {
        what: "the image's manifest is not valid".into(),
        detail: detail.into(),
    }
}

/// Go writes an empty map or list as `null`.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The bytes of `value`, the same on every machine: fields in declared order, maps sorted.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "only maps with keys that are no strings fail; these types have none"
    )]
    serde_json::to_vec(value).expect("plain structures always serialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor() -> Descriptor {
        Descriptor::new(media_type::CONFIG, Digest::of(b"x"), 1)
    }

    #[test]
    fn an_index_of_docker_is_read() {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","size":5,"digest":"{}",
            "platform":{{"architecture":"arm64","os":"linux","variant":"v8","features":["x"]}},"annotations":null}}]}}"#,
            media_type::DOCKER_INDEX,
            media_type::DOCKER_MANIFEST,
            Digest::of(b"m"),
        );
        let Document::Index(index) = Document::parse(text.as_bytes()).unwrap() else {
            panic!()
        };
        assert!(
            index.manifests[0]
                .platform
                .as_ref()
                .unwrap()
                .matches(&Platform::linux("arm64"))
        );
    }

    #[test]
    fn a_manifest_is_written_in_one_way_and_read_back() {
        let manifest = Manifest {
            schema_version: 2,
            media_type: media_type::MANIFEST.into(),
            config: descriptor(),
            layers: vec![],
            annotations: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
        };
        let bytes = to_json(&manifest);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.starts_with(r#"{"schemaVersion":2,"mediaType":"#),
            "{text}"
        );
        assert!(
            text.ends_with(r#""annotations":{"a":"1","b":"2"}}"#),
            "{text}"
        );
        assert_eq!(
            Document::parse(&bytes).unwrap(),
            Document::Manifest(manifest)
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"schemaVersion":1,"layers":[]}"#,
            r#"{"schemaVersion":2}"#,
            r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#,
            r#"{"schemaVersion":2,"mediaType":"text/plain","manifests":[]}"#,
        ] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
