use std::io::Read;

use boxwright_files::Silent;

use super::*;
use crate::{Document, FileSource, ImageConfig, Layer, Process, TarPlan};

fn image(architecture: &str, files: &[(&str, &'static str)]) -> Image {
    let layers = files.iter().map(|(path, content)| {
        let source = FileSource::Bytes(Bytes::from_static(content.as_bytes()));
        let plan = TarPlan::builder()
            .mtime(0)
            .file(path, source, 0o644)
            .finish()
            .unwrap();
        Layer::tar(plan, path, None, &Silent, &CancellationToken::new()).unwrap()
    });
    let platform = Platform::linux(architecture);
    let config = ImageConfig::new(&platform, Process::default());
    Image::new(platform, config, layers.collect(), BTreeMap::new())
}

fn both() -> ImageSet {
    let images = ["amd64", "arm64"].map(|name| image(name, &[("model/m", "weights"), (name, "")]));
    ImageSet::new(images.to_vec(), BTreeMap::new())
}

fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(std::fs::File::open(path).unwrap());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (path, bytes)
    });
    entries.collect()
}

fn write_to(path: &Path, reference: &str) -> ArchiveWritten {
    let reference: Reference = reference.parse().unwrap();
    write(
        &[(&both(), Some(&reference))],
        path,
        &Silent,
        &CancellationToken::new(),
    )
    .unwrap()
}

#[test]
fn an_archive_holds_every_blob_under_its_digest_and_both_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let written = write_to(&path, "example.com/me/net:1");
    assert_eq!(written.bytes, std::fs::metadata(&path).unwrap().len());
    let files = contents(&path);
    assert_eq!(files["oci-layout"], LAYOUT.as_bytes());
    for (name, bytes) in &files {
        if let Some(hex) = name
            .strip_prefix("blobs/sha256/")
            .filter(|hex| !hex.is_empty())
        {
            assert_eq!(Digest::of(bytes).hex(), hex);
        }
    }
    let Document::Index(index) = Document::parse(&files["index.json"]).unwrap() else {
        panic!()
    };
    assert_eq!(index.manifests[0].digest, *both().digest());
    assert_eq!(
        index.manifests[0].annotations[REF_NAME],
        "example.com/me/net:1"
    );

    let list: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        list[0]["RepoTags"],
        serde_json::json!(["example.com/me/net:1"])
    );
    let config = ImageConfig::parse(&files[list[0]["Config"].as_str().unwrap()]).unwrap();
    assert!(config.platform().matches(&Platform::host()));
    for (layer, diff_id) in list[0]["Layers"]
        .as_array()
        .unwrap()
        .iter()
        .zip(config.rootfs.diff_ids)
    {
        assert_eq!(Digest::of(&files[layer.as_str().unwrap()]), diff_id);
    }
}

#[test]
fn the_same_images_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.tar", "b.tar"].map(|name| folder.path().join(name));
    for path in &paths {
        write_to(path, "me/net:1");
    }
    assert_eq!(
        std::fs::read(&paths[0]).unwrap(),
        std::fs::read(&paths[1]).unwrap()
    );
}

#[test]
fn a_cancelled_archive_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, "old").unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = write(&[(&both(), None)], &path, &Silent, &cancel).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_layer_whose_file_changed_leaves_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    std::fs::write(&model, "before").unwrap();
    let source = FileSource::Path {
        path: model.clone(),
        len: 6,
    };
    let plan = TarPlan::builder()
        .file("m", source, 0o644)
        .finish()
        .unwrap();
    let layer = Layer::tar(plan, "model", None, &Silent, &CancellationToken::new()).unwrap();
    std::fs::write(&model, "after!").unwrap();
    let platform = Platform::host();
    let config = ImageConfig::new(&platform, Process::default());
    let set = ImageSet::new(
        vec![Image::new(platform, config, vec![layer], BTreeMap::new())],
        BTreeMap::new(),
    );
    let path = folder.path().join("image.tar");
    let error = write(&[(&set, None)], &path, &Silent, &CancellationToken::new()).unwrap_err();
    assert!(
        matches!(&error, Error::FileChanged { path } if *path == model),
        "{error}"
    );
    assert!(!path.exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_called_one() {
    // Every write to /dev/full fails for want of space; a temporary file cannot lie there.
    let mut full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut tar = TarWriter {
        to: &mut full,
        path: Path::new("image.tar"),
        written: 0,
    };
    let error = tar.small("x", b"y").unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
}

#[test]
fn skopeo_reads_the_archive_with_every_platform() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    write_to(&path, "example.com/me/net:1");
    let skopeo = std::process::Command::new("skopeo")
        .args(["copy", "--all", "--preserve-digests", "--insecure-policy"])
        .arg(format!("oci-archive:{}", path.display()))
        .arg(format!("dir:{}", folder.path().join("out").display()))
        .output();
    let Ok(output) = skopeo else {
        println!("SKIPPED: skopeo is not installed");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let manifest = std::fs::read(folder.path().join("out/manifest.json")).unwrap();
    assert_eq!(Digest::of(&manifest), *both().digest());
}
