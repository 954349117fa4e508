use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use proptest::prelude::*;
use tar::EntryType;

use super::*;
use crate::{FileSource, TarPlanBuilder};

fn bytes_of(plan: &TarPlan) -> Vec<u8> {
    let mut bytes = vec![0; plan.size() as usize + 1];
    let filled = SegmentReader::at(plan.segments(), 0)
        .fill(&mut bytes)
        .unwrap();
    bytes.truncate(filled);
    bytes
}

fn text(content: &str) -> FileSource {
    FileSource::Bytes(Bytes::copy_from_slice(content.as_bytes()))
}

fn gzip_of(plan: &TarPlan, to: &Path) -> Gzipped {
    gzip(
        plan,
        to,
        "layer",
        &boxwright_files::Silent,
        &CancellationToken::new(),
    )
    .unwrap()
}

type Read1 = (String, EntryType, u32, u64, u64, Vec<u8>);

fn read_back(bytes: &[u8]) -> Vec<Read1> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let owner = header.uid().unwrap() + header.gid().unwrap();
        (
            path,
            header.entry_type(),
            header.mode().unwrap(),
            header.mtime().unwrap(),
            owner,
            content,
        )
    });
    entries.collect()
}

#[test]
fn a_plan_is_sorted_owned_by_root_and_without_time() {
    let plan = TarPlan::builder()
        .mtime(0)
        .file("/model/b.onnx", text("weights"), 0o644)
        .file("model/a/x", text(""), 0o600)
        .symlink("bin", "usr/bin")
        .finish()
        .unwrap();
    let entries = read_back(&bytes_of(&plan));
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.0.as_str(), e.1, e.2, e.3, e.4))
        .collect();
    assert_eq!(
        seen,
        [
            ("bin", EntryType::Symlink, 0o777, 0, 0),
            ("model/", EntryType::Directory, 0o755, 0, 0),
            ("model/a/", EntryType::Directory, 0o755, 0, 0),
            ("model/a/x", EntryType::Regular, 0o600, 0, 0),
            ("model/b.onnx", EntryType::Regular, 0o644, 0, 0),
        ]
    );
    assert_eq!(entries[4].5, b"weights");
}

#[test]
fn the_bytes_of_a_layer_are_pinned() {
    let long = format!("model/{}/ü.txt", "x".repeat(200));
    let plan = TarPlan::builder()
        .mtime(0)
        .owner(65532, 65532)
        .dir("tmp", 0o1777)
        .file(&long, text("hello"), 0o644)
        .finish()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let gzipped = gzip_of(&plan, &folder.path().join("layer.tar.gz"));
    // A change here changes the digest of every published image.
    assert_eq!(
        (
            gzipped.diff_id.to_string().as_str(),
            gzipped.descriptor.digest.to_string().as_str()
        ),
        (PINNED_TAR, PINNED_GZIP)
    );
}

const PINNED_TAR: &str = "sha256:8e9174c7f589d88b70a4302882a60a5edf491c69dcfba037a3c930cd18346721";
const PINNED_GZIP: &str = "sha256:249911cea0fe18bd5222eae1728b0d2f03cfd79e568e9060fcf6a5daa40c3eec";

#[test]
fn gzip_writes_what_its_descriptor_says_and_no_name_or_time() {
    let plan = TarPlan::builder()
        .file("a", text(&"abc".repeat(9999)), 0o644)
        .finish()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer.tar.gz");
    let gzipped = gzip_of(&plan, &path);
    let written = std::fs::read(&path).unwrap();
    assert_eq!(gzipped.descriptor.digest, Digest::of(&written));
    assert_eq!(gzipped.descriptor.size, written.len() as u64);
    assert_eq!(&written[..8], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*written)
        .read_to_end(&mut plain)
        .unwrap();
    assert_eq!(plain, bytes_of(&plan));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left"
    );
}

#[test]
fn a_size_that_ustar_cannot_hold_is_told_by_a_pax_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge");
    let len = (8 << 30) + 1;
    // A sparse file: it takes no room.
    std::fs::File::create(&path).unwrap().set_len(len).unwrap();
    let plan = TarPlan::builder()
        .file("huge", FileSource::Path { path, len }, 0o644)
        .finish()
        .unwrap();
    let mut start = vec![0; 4096];
    SegmentReader::at(plan.segments(), 0)
        .fill(&mut start)
        .unwrap();
    let mut archive = tar::Archive::new(&*start);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(
        (entry.path().unwrap().to_str(), entry.size()),
        (Some("huge"), len)
    );
}

#[test]
fn wrong_paths_are_refused_by_name() {
    type Build = fn(&mut TarPlanBuilder);
    let cases: [(Build, &str, &str); 6] = [
        (|b| _ = b.file("../x", text(""), 0), "../x", ".."),
        (|b| _ = b.file("a//b", text(""), 0), "a//b", "empty part"),
        (|b| _ = b.dir("/", 0), "/", "no path"),
        (
            |b| _ = b.file("a", text(""), 0).file("/a", text(""), 0),
            "/a",
            "twice",
        ),
        (
            |b| _ = b.file("a", text(""), 0).file("a/b", text(""), 0),
            "a/b",
            "is a file",
        ),
        (
            |b| _ = b.file("a/b", text(""), 0).symlink("a", "x"),
            "a",
            "twice",
        ),
    ];
    for (build, path, reason) in cases {
        let mut builder = TarPlan::builder();
        build(&mut builder);
        let message = builder.finish().unwrap_err().to_string();
        assert!(
            message.starts_with(path) && message.contains(reason),
            "{message}"
        );
    }
}

#[test]
fn a_file_of_another_size_than_said_has_changed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = FileSource::Path {
        path: file.path().to_owned(),
        len: 1,
    };
    let error = TarPlan::builder()
        .file("a", source, 0o644)
        .finish()
        .unwrap_err();
    assert!(matches!(error, Error::FileChanged { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_plan_is_read_back_by_tar(
        files in proptest::collection::btree_map(
            "[a-zé]{1,120}(/[a-z ü]{1,90}){0,3}", proptest::collection::vec(any::<u8>(), 0..1500), 0..6),
        mode in 0u32..0o1000,
    ) {
        let mut builder = TarPlan::builder();
        for (path, content) in &files {
            builder.file(path, FileSource::Bytes(content.clone().into()), mode);
        }
        let Ok(plan) = builder.finish() else {
            // A file cannot be the folder of another.
            return Ok(());
        };
        let bytes = bytes_of(&plan);
        prop_assert_eq!(bytes.len() % 512, 0);
        let read: BTreeMap<_, _> = read_back(&bytes).into_iter()
            .filter(|entry| entry.1 == EntryType::Regular)
            .map(|entry| (entry.0, entry.5))
            .collect();
        prop_assert_eq!(read, files);
    }

    #[test]
    fn the_order_in_which_files_are_named_is_no_matter(mut paths in proptest::collection::hash_set("[a-c]{1,3}/[a-c]{1,3}", 1..8).prop_map(Vec::from_iter)) {
        let build = |paths: &[String]| {
            let mut builder = TarPlan::builder();
            for path in paths {
                builder.file(path, text(path), 0o644);
            }
            bytes_of(&builder.finish().unwrap())
        };
        let forward = build(&paths);
        paths.reverse();
        prop_assert_eq!(forward, build(&paths));
    }
}
