//! The two layers that are the user's: the model's files, and the package around them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use boxwright_files::{Level, Progress, Silent, WriteOptions};
use boxwright_model::package::{FILE_NAME, model_digest};
use boxwright_model::{LoadedPackage, Package};
use boxwright_oci::layer::{self, Gzipped};
use boxwright_oci::{Descriptor, Digest, FileSource, Layer, TarPlan};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::cache;
use crate::image::MODEL_FOLDER;

/// How many samples of a file are compressed to judge it, and their size in bytes.
const SAMPLES: u64 = 16;
const SAMPLE_BYTES: u64 = 256 << 10;

/// The layers of a package, and the digest of its model.
pub(crate) struct PackageLayers {
    pub(crate) model: Layer,
    pub(crate) package: Layer,
    pub(crate) model_digest: String,
    /// As it ships: with the digest of every file.
    pub(crate) shipped: Package,
}

/// Makes the layers of `package`. What did not change since last time comes from `cache`. Blocks.
pub(crate) fn make(
    package: &LoadedPackage,
    epoch: u64,
    cache: &Path,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<PackageLayers> {
    let compress = compresses(&package.files)?;
    let plan = model_plan(package, epoch)?;
    let files = &package.package.model.files;
    let progress = &FileProgress {
        file: files.first().map_or("", |model| &model.path),
        progress,
    };
    // Two passes over the same bytes, at the same time: the page cache serves the second.
    let (files, plain) = std::thread::scope(|scope| {
        let files = scope.spawn(|| digests(&package.files, cache, cancel));
        let plain =
            (!compress).then(|| Layer::tar(plan.clone(), "model", Some(cache), progress, cancel));
        (files.join(), plain)
    });
    let files = match files {
        Ok(files) => files?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let shipped = with_digests(package, &files)?;
    let listed: Vec<(String, String)> = shipped
        .model
        .files
        .iter()
        .zip(&files)
        .map(|(file, digest)| (file.path.clone(), digest.hex()))
        .collect();
    let model = match plain {
        Some(layer) => layer?,
        None => compressed(&plan, &listed, epoch, cache, progress, cancel)?,
    };
    Ok(PackageLayers {
        model,
        package: package_layer(package, &shipped, epoch, cancel)?,
        model_digest: model_digest(&listed),
        shipped,
    })
}

/// Progress of the model's layer, under the name of its first file: until it is hashed, it has no
/// digest.
struct FileProgress<'a> {
    file: &'a str,
    progress: &'a dyn Progress,
}

impl Progress for FileProgress<'_> {
    fn bytes(&self, stage: &str, _: &str, done: u64, total: Option<u64>) {
        self.progress.bytes(stage, self.file, done, total);
    }

    fn reused(&self, stage: &str, _: &str, total: u64) {
        self.progress.reused(stage, self.file, total);
    }

    fn log(&self, level: Level, text: &str) {
        self.progress.log(level, text);
    }
}

/// The package with the digest of every file. One that it names already has to be the file's.
fn with_digests(package: &LoadedPackage, digests: &[Digest]) -> Result<Package> {
    let hashes: Vec<String> = digests.iter().map(Digest::hex).collect();
    package.check_hashes(&hashes)?;
    let mut shipped = package.package.clone();
    for (file, hash) in shipped.model.files.iter_mut().zip(hashes) {
        file.sha256 = Some(hash);
    }
    Ok(shipped)
}

fn digests(files: &[PathBuf], cache: &Path, cancel: &CancellationToken) -> Result<Vec<Digest>> {
    let digest = |path: &PathBuf| layer::file_digest(path, Some(cache), &Silent, cancel);
    Ok(files.iter().map(digest).collect::<Result<_, _>>()?)
}

fn model_plan(package: &LoadedPackage, epoch: u64) -> Result<TarPlan> {
    let mut plan = TarPlan::builder();
    plan.mtime(epoch);
    for (path, file) in package.model_files() {
        let metadata = std::fs::metadata(file)
            .map_err(|error| boxwright_model::Error::io(file, "read", error))?;
        let source = FileSource::Path {
            path: file.to_owned(),
            len: metadata.len(),
        };
        plan.file(&image_path(path), source, 0o644);
    }
    Ok(plan.finish()?)
}

fn package_layer(
    package: &LoadedPackage,
    shipped: &Package,
    epoch: u64,
    cancel: &CancellationToken,
) -> Result<Layer> {
    let mut plan = TarPlan::builder();
    plan.mtime(epoch);
    let toml = Bytes::from(shipped.to_toml());
    plan.file(&image_path(FILE_NAME), FileSource::Bytes(toml), 0o644);
    if let (Some(labels), Some(text)) = (&shipped.labels, package.labels_text()) {
        let text = FileSource::Bytes(text.into());
        plan.file(&image_path(&labels.file), text, 0o644);
    }
    let plan = plan.finish()?;
    Ok(Layer::tar(plan, "package", None, &Silent, cancel)?)
}

/// The path in the image of a file that the package names.
fn image_path(path: &str) -> String {
    format!("{MODEL_FOLDER}/{path}")
}

/// Whether compressing the files saves a tenth or more, judged by samples spread over each. Random
/// weights don't compress, and unpacking them would cost every start of a container.
fn compresses(files: &[PathBuf]) -> Result<bool> {
    let (mut plain, mut packed) = (0, 0);
    for path in files {
        let io = |error| boxwright_model::Error::io(path, "read", error);
        let mut file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        for start in sample_offsets(size) {
            file.seek(SeekFrom::Start(start)).map_err(io)?;
            let mut sample = Vec::new();
            (&file)
                .take(SAMPLE_BYTES)
                .read_to_end(&mut sample)
                .map_err(io)?;
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&sample).map_err(io)?;
            // A file's samples stand for the whole of it.
            let weight = size / (SAMPLES * SAMPLE_BYTES) + 1;
            plain += sample.len() as u64 * weight;
            packed += encoder.finish().map_err(io)?.len() as u64 * weight;
        }
    }
    Ok(packed * 10 <= plain * 9)
}

/// Where the samples of a file of `size` bytes begin.
fn sample_offsets(size: u64) -> impl Iterator<Item = u64> {
    let step = (size / SAMPLES).max(SAMPLE_BYTES);
    (0..SAMPLES)
        .map(move |index| index * step)
        .take_while(move |start| *start < size)
}

/// The compressed layer of `plan`, whose files are `listed`: that of an earlier build, or a new one.
fn compressed(
    plan: &TarPlan,
    listed: &[(String, String)],
    epoch: u64,
    cache: &Path,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Layer> {
    let lines: String = listed
        .iter()
        .map(|(path, sha256)| format!("{sha256}  {path}\n"))
        .collect();
    let key = Digest::of(format!("gzip {epoch}\n{lines}").as_bytes()).hex();
    let folder = cache::layers(cache);
    let io = |path: &Path, error| boxwright_model::Error::io(path, "written", error);
    std::fs::create_dir_all(&folder).map_err(|error| io(&folder, error))?;
    let (path, note) = (
        folder.join(format!("{key}.tar.gz")),
        folder.join(format!("{key}.json")),
    );
    let known = std::fs::read(&note).ok();
    let known = known.and_then(|text| serde_json::from_slice::<CachedLayer>(&text).ok());
    // One that is damaged is made anew.
    let known = known.filter(|known| {
        let digest = layer::file_digest(&path, Some(cache), &Silent, cancel);
        digest.is_ok_and(|digest| digest == known.descriptor.digest)
    });
    let made = match known {
        Some(known) => known,
        None => {
            let Gzipped {
                descriptor,
                diff_id,
            } = layer::gzip(plan, &path, "model", progress, cancel)?;
            CachedLayer {
                descriptor,
                diff_id,
            }
        }
    };
    // Without the note the next build compresses again; its time is when it was last used.
    let text = serde_json::to_vec(&made).unwrap_or_default();
    WriteOptions::new()
        .write(&note, &text)
        .map_err(|error| io(&note, error))?;
    Ok(Layer::file(path, made.descriptor, made.diff_id, "model"))
}

/// The digests of a compressed layer in the cache.
#[derive(Serialize, Deserialize)]
struct CachedLayer {
    descriptor: Descriptor,
    diff_id: Digest,
}

#[cfg(test)]
mod tests {
    use boxwright_oci::BlobSource;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    /// Bytes without any pattern.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(len).collect()
    }

    #[test]
    fn a_layer_that_was_damaged_in_the_cache_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let zeros = file(&vec![0; 1 << 20]);
        let source = FileSource::Path {
            path: zeros.path().to_owned(),
            len: 1 << 20,
        };
        let mut plan = TarPlan::builder();
        plan.file("model/m", source, 0o644);
        let plan = plan.finish().unwrap();
        let make = || {
            let cancel = CancellationToken::new();
            let listed = [("m".to_owned(), "ab".to_owned())];
            compressed(&plan, &listed, 0, &cache, &Silent, &cancel).unwrap()
        };
        let made = make();
        let BlobSource::File(path) = &made.blob.source else {
            panic!("{made:?}")
        };
        let whole = std::fs::read(path).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        std::fs::write(path, damaged).unwrap();
        assert_eq!(make().blob.digest(), made.blob.digest());
        assert_eq!(std::fs::read(path).unwrap(), whole);
    }

    #[test]
    fn only_what_compresses_is_compressed() {
        let (noise, zeros) = (file(&noise(9 << 20)), file(&vec![0; 9 << 20]));
        assert!(!compresses(&[noise.path().into()]).unwrap());
        assert!(compresses(&[zeros.path().into()]).unwrap());
    }

    #[test]
    fn a_large_file_that_starts_with_zeros_is_judged_by_all_of_it() {
        let mut mostly_noise = vec![0; 1 << 20];
        mostly_noise.extend(noise(19 << 20));
        let file = file(&mostly_noise);
        assert!(!compresses(&[file.path().into()]).unwrap());
        assert_eq!(sample_offsets(0).count(), 0);
        assert_eq!(sample_offsets(300 << 10).count(), 2);
        assert_eq!(sample_offsets(1 << 40).count(), 16);
    }
}
