//! Images of one platform, and what lies under one tag.

use std::collections::BTreeMap;

use crate::manifest::to_json;
use crate::{
    Blob, Descriptor, Digest, History, ImageConfig, Index, Layer, Manifest, Platform, media_type,
};

/// An image of one platform.
#[derive(Debug, Clone)]
pub struct Image {
    /// What it runs on.
    pub platform: Platform,
    /// Its configuration.
    pub config: Blob,
    /// Its manifest.
    pub manifest: Blob,
    /// Its layers, bottom first.
    pub layers: Vec<Layer>,
}

impl Image {
    /// Puts `layers`, bottom first, into one image. The list of their contents and their history
    /// is filled into `config`; history for lower layers may be there already.
    pub fn new(
        platform: Platform,
        mut config: ImageConfig,
        layers: Vec<Layer>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id).collect();
        let told = config
            .history
            .iter()
            .filter(|step| !step.empty_layer)
            .count();
        for layer in layers.iter().skip(told) {
            config.history.push(History {
                created: config.created.clone(),
                created_by: Some(layer.label.clone()),
                ..History::default()
            });
        }
        let config = Blob::bytes(media_type::CONFIG, to_json(&config));
        let manifest = Manifest {
            schema_version: 2,
            media_type: media_type::MANIFEST.into(),
            config: config.descriptor.clone(),
            layers: layers
                .iter()
                .map(|layer| layer.blob.descriptor.clone())
                .collect(),
            annotations,
        };
        let manifest = Blob::bytes(media_type::MANIFEST, to_json(&manifest));
        Self {
            platform,
            config,
            manifest,
            layers,
        }
    }

    /// The compressed size of its layers in bytes.
    pub fn size(&self) -> u64 {
        self.layers
            .iter()
            .map(|layer| layer.blob.descriptor.size)
            .sum()
    }
}

/// The images under one tag: an index of one image a platform.
#[derive(Debug, Clone)]
pub struct ImageSet {
    /// The index.
    pub index: Blob,
    /// Its images.
    pub images: Vec<Image>,
}

impl ImageSet {
    /// Puts `images` under one index, in their order.
    pub fn new(images: Vec<Image>, annotations: BTreeMap<String, String>) -> Self {
        let manifests = images
            .iter()
            .map(|image| Descriptor {
                platform: Some(image.platform.clone()),
                ..image.manifest.descriptor.clone()
            })
            .collect();
        let media_type = media_type::INDEX.to_owned();
        let index = Index {
            schema_version: 2,
            media_type,
            manifests,
            annotations,
        };
        Self {
            index: Blob::bytes(media_type::INDEX, to_json(&index)),
            images,
        }
    }

    /// The index's digest: what a push of this gives the tag.
    pub fn digest(&self) -> &Digest {
        self.index.digest()
    }

    /// Every configuration and layer once, however many images share it.
    pub(crate) fn blobs(&self) -> Vec<&Blob> {
        let mut blobs = BTreeMap::new();
        for image in &self.images {
            blobs.insert(image.config.digest(), &image.config);
            blobs.extend(
                image
                    .layers
                    .iter()
                    .map(|layer| (layer.blob.digest(), &layer.blob)),
            );
        }
        blobs.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Process};

    fn layer(content: &'static str) -> Layer {
        let blob = Blob::bytes(media_type::LAYER_TAR, content);
        Layer {
            diff_id: *blob.digest(),
            blob,
            label: content.into(),
        }
    }

    fn image(architecture: &str, layers: Vec<Layer>) -> Image {
        let platform = Platform::linux(architecture);
        let config = ImageConfig::new(&platform, Process::default());
        Image::new(platform, config, layers, BTreeMap::new())
    }

    #[test]
    fn an_image_lists_its_layers_in_configuration_and_manifest() {
        let image = image("amd64", vec![layer("base"), layer("model")]);
        let crate::BlobSource::Bytes(bytes) = &image.config.source else {
            panic!()
        };
        let config = ImageConfig::parse(bytes).unwrap();
        assert_eq!(
            config.rootfs.diff_ids,
            [Digest::of(b"base"), Digest::of(b"model")]
        );
        assert_eq!(config.history.len(), 2);
        let crate::BlobSource::Bytes(bytes) = &image.manifest.source else {
            panic!()
        };
        let Document::Manifest(manifest) = Document::parse(bytes).unwrap() else {
            panic!()
        };
        assert_eq!(manifest.config.digest, *image.config.digest());
        assert_eq!(manifest.layers[1].digest, Digest::of(b"model"));
        assert_eq!(image.size(), 9);
    }

    #[test]
    fn a_layer_that_platforms_share_is_one_blob() {
        let images = ["amd64", "arm64"].map(|name| image(name, vec![layer("model")]));
        let set = ImageSet::new(images.to_vec(), BTreeMap::new());
        assert_eq!(set.blobs().len(), 3, "two configurations and one layer");
        let crate::BlobSource::Bytes(bytes) = &set.index.source else {
            panic!()
        };
        let Document::Index(index) = Document::parse(bytes).unwrap() else {
            panic!()
        };
        assert_eq!(index.manifests[1].platform, Some(Platform::linux("arm64")));
    }
}
