use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use tar::{Builder, Header};

use super::*;

/// A tar entry, written without any of a tar library's checks.
#[derive(Debug, Clone)]
struct Raw {
    path: String,
    kind: u8,
    mode: u32,
    link: String,
    content: String,
}

fn raw(kind: u8, path: &str, rest: &str) -> Raw {
    let text = |wanted| {
        if wanted {
            rest.to_owned()
        } else {
            String::new()
        }
    };
    Raw {
        path: path.into(),
        kind,
        mode: 0o644,
        link: text(kind != b'0'),
        content: text(kind == b'0'),
    }
}

fn file(path: &str, content: &str) -> Raw {
    raw(b'0', path, content)
}

fn tar_of(entries: &[Raw]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        let bytes = header.as_mut_bytes();
        bytes[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
        bytes[157..157 + entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(EntryType::new(entry.kind));
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn unpack_tars(layers: &[Vec<u8>], to: &Path, max_bytes: u64) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (index, tar) in layers.iter().enumerate() {
        let path = folder.path().join(index.to_string());
        fs::write(&path, tar).unwrap();
        let size = tar.len() as u64;
        files.push((
            Descriptor::new(media_type::LAYER_TAR, Digest::of(tar), size),
            path,
        ));
    }
    let diff_ids: Vec<_> = files
        .iter()
        .map(|(descriptor, _)| descriptor.digest)
        .collect();
    unpack(&files, &diff_ids, to, max_bytes)
}

/// Unpacks into `root` of a new folder, which is given back.
fn unpacked(layers: &[&[Raw]]) -> (tempfile::TempDir, Result<()>) {
    let folder = tempfile::tempdir().unwrap();
    let tars: Vec<_> = layers.iter().map(|entries| tar_of(entries)).collect();
    let result = unpack_tars(&tars, &folder.path().join("root"), 1 << 20);
    (folder, result)
}

fn read(folder: &tempfile::TempDir, path: &str) -> Option<String> {
    fs::read_to_string(folder.path().join("root").join(path)).ok()
}

#[test]
fn layers_lie_on_each_other_and_links_lead_inside() {
    let base = [
        raw(b'5', "usr/lib/", ""),
        raw(b'2', "lib", "/usr/lib"),
        raw(b'2', "usr/lib/c.so", "c.so.6"),
        file("usr/lib/c.so.6", "old"),
    ];
    let top = [
        file("lib/c.so.6", "new"),
        raw(b'1', "hard", "usr/lib/c.so.6"),
    ];
    let (folder, result) = unpacked(&[&base, &top]);
    result.unwrap();
    assert_eq!(
        read(&folder, "usr/lib/c.so.6").as_deref(),
        Some("new"),
        "through /lib"
    );
    assert_eq!(read(&folder, "hard").as_deref(), Some("new"));
    assert_eq!(
        fs::read_link(folder.path().join("root/lib")).unwrap(),
        Path::new("/usr/lib")
    );
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    let base = [
        file("a/x", "1"),
        file("a/y", "1"),
        file("b/x", "1"),
        file("b/sub/z", "1"),
    ];
    let top = [
        raw(b'0', "a/.wh.x", ""),
        file("b/new", "2"),
        file("b/sub/new", "2"),
        raw(b'0', "b/.wh..wh..opq", ""),
    ];
    let (folder, result) = unpacked(&[&base, &top]);
    result.unwrap();
    let there = |path| read(&folder, path).is_some();
    assert_eq!((there("a/x"), there("a/y")), (false, true));
    assert_eq!((there("b/x"), there("b/sub/z")), (false, false));
    assert_eq!((there("b/new"), there("b/sub/new")), (true, true));
    assert!(!there("a/.wh.x"));
}

#[test]
fn what_leads_out_is_refused_by_name() {
    let cases: [(&[Raw], &str); 14] = [
        (&[file("../out", "x")], "leads out"),
        (&[file("a/../../out", "x")], "leads out"),
        (&[raw(b'2', "l", "../out")], "links out"),
        (&[raw(b'2', "a/l", "../../out")], "links out"),
        (&[raw(b'2', "l", "/../out")], "links out"),
        (&[raw(b'1', "l", "../out")], "links out"),
        (&[raw(b'1', "l", "nothing")], "no file in the image"),
        (
            &[raw(b'2', "s", "/etc/passwd"), raw(b'1', "l", "s")],
            "no file in the image",
        ),
        (&[raw(b'3', "dev/null", "")], "device"),
        (&[raw(b'4', "dev/sda", "")], "device"),
        (&[raw(b'6', "pipe", "")], "device"),
        (&[raw(b'7', "odd", "")], "not supported"),
        (&[raw(b'2', "l", "l"), file("l/x", "x")], "too many links"),
        (&[raw(b'0', "a/.wh...", "")], "no file"),
    ];
    for (entries, reason) in cases {
        let (folder, result) = unpacked(&[entries]);
        let Err(Error::ContentInvalid { detail, .. }) = result else {
            panic!("{entries:?}")
        };
        assert!(detail.contains(reason), "{entries:?}: {detail}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{entries:?} got out"
        );
    }
}

#[test]
fn an_absolute_link_is_followed_inside_and_never_written_through() {
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "safe").unwrap();
    let out = outside.path().to_str().unwrap();
    let (folder, result) = unpacked(&[
        &[
            raw(b'2', "l", victim.to_str().unwrap()),
            raw(b'2', "d", out),
        ],
        &[
            file("l", "over the link"),
            file("d/victim", "through the link"),
        ],
    ]);
    result.unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "safe");
    assert_eq!(read(&folder, "l").as_deref(), Some("over the link"));
    let inside = victim.strip_prefix("/").unwrap().to_str().unwrap();
    assert_eq!(read(&folder, inside).as_deref(), Some("through the link"));
}

#[test]
fn no_more_is_unpacked_than_allowed() {
    let tar = tar_of(&[file("a", &"x".repeat(5000))]);
    let folder = tempfile::tempdir().unwrap();
    let error = unpack_tars(&[tar], &folder.path().join("root"), 4000).unwrap_err();
    assert!(error.to_string().contains("more than it may"), "{error}");
}

#[test]
fn a_name_without_end_is_not_kept_in_memory() {
    let mut long = raw(b'0', "././@LongLink", &"x".repeat(3 << 20));
    long.kind = b'L';
    let folder = tempfile::tempdir().unwrap();
    let error = unpack_tars(&[tar_of(&[long])], &folder.path().join("root"), 1 << 30).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn a_layer_of_another_digest_is_refused() {
    let tar = tar_of(&[file("a", "x")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    fs::write(&path, gzip.finish().unwrap()).unwrap();
    let layer = (
        Descriptor::new(media_type::LAYER_GZIP, Digest::of(b""), 1),
        path,
    );
    let to = folder.path().join("good");
    unpack(
        std::slice::from_ref(&layer),
        &[Digest::of(&tar)],
        &to,
        1 << 20,
    )
    .unwrap();
    let to = folder.path().join("bad");
    let error = unpack(&[layer], &[Digest::of(b"other")], &to, 1 << 20).unwrap_err();
    assert!(error.to_string().contains("another digest"), "{error}");
}

/// Unpacks one layer of zstd into `root` of `folder`.
fn unpack_zstd(folder: &Path, bytes: &[u8], tar: &[u8], max_bytes: u64) -> Result<()> {
    let path = folder.join("layer");
    fs::write(&path, bytes).unwrap();
    let size = bytes.len() as u64;
    let descriptor = Descriptor::new(media_type::LAYER_ZSTD, Digest::of(bytes), size);
    let _ = fs::remove_dir_all(folder.join("root"));
    let to = folder.join("root");
    unpack(&[(descriptor, path)], &[Digest::of(tar)], &to, max_bytes)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn a_layer_of_zstd_is_all_its_frames_and_no_more_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let content = "all work and no play\n".repeat(100_000);
    let tar = tar_of(&[file("a", &content), file("b", "x")]);
    let (first, second) = tar.split_at(tar.len() / 3);
    // What is not content: a table of contents, as some tools append.
    let table = [
        &0x184d_2a5e_u32.to_le_bytes()[..],
        &3u32.to_le_bytes(),
        b"toc",
    ]
    .concat();
    let bytes = [&table[..], &zstd(first), &zstd(b""), &zstd(second), &table].concat();
    unpack_zstd(folder.path(), &bytes, &tar, 8 << 20).unwrap();
    assert_eq!(read(&folder, "a").as_deref(), Some(content.as_str()));
    assert_eq!(read(&folder, "b").as_deref(), Some("x"));

    let refused = |bytes: &[u8], max_bytes| match unpack_zstd(folder.path(), bytes, &tar, max_bytes)
    {
        Err(Error::ContentInvalid { detail, .. }) => detail,
        other => panic!("{other:?}"),
    };
    let too_much = refused(&bytes, 1 << 20);
    assert!(too_much.contains("more than it may"), "{too_much}");
    let other = refused(&zstd(&tar_of(&[file("a", "y")])), 8 << 20);
    assert!(other.contains("another digest"), "{other}");
    refused(&bytes[..bytes.len() / 2], 8 << 20);
    refused(&bytes[..bytes.len() - 2], 8 << 20);
    refused(&[&bytes[..], b"rest"].concat(), 8 << 20);
    // A frame that wants a window of 1 GiB.
    let window = refused(&[0x28, 0xb5, 0x2f, 0xfd, 0, 20 << 3, 1, 0, 0], 8 << 20);
    assert!(window.to_lowercase().contains("window"), "{window}");
}

#[test]
fn what_zstd_itself_compresses_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let noise: String = (0..400_000u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(i) >> 7) as u8 % 26))
        .collect();
    let tar = tar_of(&[file("a", &noise), file("b", &noise.repeat(8))]);
    let plain = folder.path().join("plain.tar");
    fs::write(&plain, &tar).unwrap();
    for arguments in [&["-1"][..], &["-19", "--long=27"], &["--ultra", "-22"]] {
        let run = std::process::Command::new("zstd")
            .args(arguments)
            .args(["--stdout", "--quiet"])
            .arg(&plain)
            .output();
        let Ok(run) = run else {
            println!("SKIPPED: zstd is not installed");
            return;
        };
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        unpack_zstd(folder.path(), &run.stdout, &tar, 64 << 20).unwrap();
        assert_eq!(read(&folder, "a").as_deref(), Some(noise.as_str()));
    }
}

#[test]
fn nothing_becomes_set_user_id_and_folders_stay_removable() {
    let entries = [
        Raw {
            mode: 0o4755,
            ..file("su", "x")
        },
        Raw {
            mode: 0o000,
            ..raw(b'5', "closed/", "")
        },
        file("closed/x", "x"),
    ];
    let (folder, result) = unpacked(&[&entries]);
    result.unwrap();
    let mode = |path: &str| {
        fs::metadata(folder.path().join("root").join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!((mode("su"), mode("closed")), (0o755, 0o700));
}

proptest! {
    #[test]
    fn no_sequence_of_entries_writes_outside(
        entries in proptest::collection::vec(
            (prop::sample::select(vec![b'0', b'1', b'2', b'5']),
             "(a|b|c|\\.\\.|\\.|/|\\.wh\\.a|\\.wh\\.\\.wh\\.\\.opq)(/(a|b|c|\\.\\.)){0,3}",
             "(/|\\.\\./|\\./){0,3}(a|b|c|victim)(/(a|b|\\.\\.)){0,3}")
                .prop_map(|(kind, path, rest)| raw(kind, &path, &rest)),
            0..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("victim"), "safe").unwrap();
        for half in entries.chunks(entries.len().div_ceil(2).max(1)) {
            let root = folder.path().join("root");
            let _ = unpack_tars(&[tar_of(half), tar_of(&entries)], &root, 1 << 20);
            let _ = fs::remove_dir_all(&root);
        }
        prop_assert_eq!(fs::read_to_string(folder.path().join("victim")).unwrap(), "safe");
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn bytes_that_are_no_zstd_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        at in 0usize..200,
        flip in 1u8..,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let tar = tar_of(&[file("a", "some text, some text, some text")]);
        let _ = unpack_zstd(folder.path(), &[&[0x28, 0xb5, 0x2f, 0xfd], &bytes[..]].concat(), &tar, 1 << 20);
        let mut damaged = zstd(&tar);
        let at = at % damaged.len();
        damaged[at] ^= flip;
        let _ = unpack_zstd(folder.path(), &damaged, &tar, 1 << 20);
    }

    #[test]
    fn bytes_that_are_no_tar_are_refused_in_words(bytes in proptest::collection::vec(any::<u8>(), 1..2000)) {
        let folder = tempfile::tempdir().unwrap();
        let _ = unpack_tars(&[bytes], &folder.path().join("root"), 1 << 20);
    }
}
