//! Samples: the pictures or arrays in what was given, in the order in which a person expects them.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::failure::{Code, Failure};

/// Most samples of one preview.
pub const MAX_SAMPLES: usize = 10_000;
/// Most entries that are looked at in a folder.
const MAX_ENTRIES: usize = 1_000_000;
/// Deepest folder that is searched.
const MAX_DEPTH: usize = 64;

/// The extensions of pictures, in lower case.
const EXTENSIONS: [&str; 12] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "dib", "tif", "tiff", "apng",
];

/// One sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleFile {
    /// The file's name, or its path relative to the folder that was given, `/`-separated.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// The samples in `paths`: a file is one, whatever it holds (its result says what is wrong with
/// it), a folder is searched recursively for pictures, and where it has none for arrays (`.npy`,
/// `.npz`). Files keep the order in which they were
/// given, a folder's are in natural order: `cat2.jpg` before `cat10.jpg`. Different files whose
/// names would be the same have their paths as names, as they were given.
///
/// # Errors
/// [`Code::SampleUnreadable`] if a folder can't be searched, holds neither, or there are more
/// than [`MAX_SAMPLES`].
pub fn collect(paths: &[PathBuf]) -> Result<Vec<SampleFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut found)?;
        } else {
            found.push(FoundSample {
                given: path.clone(),
                sample: SampleFile {
                    name: file_name(path),
                    path: absolute(path),
                },
            });
        }
        if found.len() > MAX_SAMPLES {
            return Err(Failure::new(
                Code::SampleUnreadable,
                format!("there are more than {MAX_SAMPLES} samples"),
                "Give fewer pictures, or a folder that holds fewer.",
            ));
        }
    }
    Ok(disambiguate(found))
}

/// A sample, and its path as it was given.
struct FoundSample {
    sample: SampleFile,
    given: PathBuf,
}

fn disambiguate(found: Vec<FoundSample>) -> Vec<SampleFile> {
    let mut files: HashMap<String, HashSet<PathBuf>> = HashMap::new();
    for FoundSample { sample, .. } in &found {
        let same = files.entry(sample.name.clone()).or_default();
        same.insert(sample.path.clone());
    }
    let named = found.into_iter().map(|FoundSample { mut sample, given }| {
        if files[&sample.name].len() > 1 {
            sample.name = given.to_string_lossy().into_owned();
        }
        sample
    });
    named.collect()
}

/// Whether the file is a picture, judged by its first bytes, or else by its name: a damaged
/// picture is shown as one that can't be read.
pub fn is_picture(path: &Path) -> bool {
    has_picture_name(path) || starts_like_picture(path)
}

fn has_picture_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|text| EXTENSIONS.contains(&text.to_ascii_lowercase().as_str()))
}

/// Whether the file has an extension of NumPy's formats.
pub fn is_array(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension
        .is_some_and(|text| text.eq_ignore_ascii_case("npy") || text.eq_ignore_ascii_case("npz"))
}

fn starts_like_picture(path: &Path) -> bool {
    let mut start = Vec::with_capacity(12);
    // Reading a pipe or a device could block.
    if !path.is_file() {
        return false;
    }
    let read = File::open(path).and_then(|file| file.take(12).read_to_end(&mut start));
    read.is_ok() && is_picture_start(&start)
}

fn is_picture_start(start: &[u8]) -> bool {
    const STARTS: [&[u8]; 5] = [
        &[0xff, 0xd8, 0xff],
        b"\x89PNG\r\n\x1a\n",
        b"GIF8",
        b"II*\0",
        b"MM\0*",
    ];
    STARTS.iter().any(|magic| start.starts_with(magic))
        || (start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP"))
        // "BM" alone begins many a text: the reserved bytes of a bitmap's header are 0.
        || (start.starts_with(b"BM") && start.get(6..10) == Some(&[0; 4]))
}

fn search(folder: &Path, found: &mut Vec<FoundSample>) -> Result<(), Failure> {
    let unsearchable = |error: walkdir::Error| {
        Failure::new(
            Code::SampleUnreadable,
            format!("the folder {} can't be searched", folder.display()),
            "Check that it exists and that you may read it.",
        )
        .caused_by(&error)
    };
    let (mut pictures, mut arrays) = (Vec::new(), Vec::new());
    for entry in walk(folder).take(MAX_ENTRIES) {
        let entry = match entry {
            Ok(entry) => entry,
            // A subfolder that can't be read or a circular link is skipped.
            Err(error) if error.depth() > 0 => continue,
            Err(error) => return Err(unsearchable(error)),
        };
        let kind = match entry.file_type().is_file() {
            true if is_picture(entry.path()) => &mut pictures,
            true if is_array(entry.path()) => &mut arrays,
            _ => continue,
        };
        // One more than the limit is enough to detect too many.
        if kind.len() <= MAX_SAMPLES {
            kind.push(found_in(folder, entry.path()));
        }
        if pictures.len() > MAX_SAMPLES {
            break;
        }
    }
    let samples = if pictures.is_empty() {
        arrays
    } else {
        pictures
    };
    if samples.is_empty() {
        return Err(Failure::new(
            Code::SampleUnreadable,
            format!("there is no picture in {}", folder.display()),
            "Give a folder with JPEG, PNG, WebP, BMP, GIF or TIFF files, or with .npy or .npz for a \
             model that takes arrays.",
        ));
    }
    found.extend(samples);
    Ok(())
}

/// What a folder holds, in natural order, without what is hidden.
fn walk(folder: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    WalkDir::new(folder)
        .follow_links(true)
        .max_depth(MAX_DEPTH)
        .sort_by(|a, b| {
            natural(
                &a.file_name().to_string_lossy(),
                &b.file_name().to_string_lossy(),
            )
        })
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()))
}

fn found_in(folder: &Path, path: &Path) -> FoundSample {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    FoundSample {
        given: path.to_owned(),
        sample: SampleFile {
            name: parts.join("/"),
            path: absolute(path),
        },
    }
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The worker may have another working directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Compares runs of digits by their value and the rest without regard to case; names that are the
/// same then by their bytes, so that the order is always the same.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (digits(&mut left), digits(&mut right));
            m.len().cmp(&n.len()).then_with(|| m.cmp(n))
        } else {
            left = &left[x.len_utf8()..];
            right = &right[y.len_utf8()..];
            x.to_lowercase().cmp(y.to_lowercase())
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes a run of digits off the front of `text`, without its leading zeros.
fn digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    run.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_in_natural_order() {
        let mut names = [
            "cat10.jpg",
            "Cat2.jpg",
            "cat1.jpg",
            "b",
            "cat02.jpg",
            "ä",
            "cat",
        ];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            [
                "b",
                "cat",
                "cat1.jpg",
                "Cat2.jpg",
                "cat02.jpg",
                "cat10.jpg",
                "ä"
            ]
        );
    }

    #[test]
    fn a_folder_is_searched_and_a_file_is_taken_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).expect("made");
        fs::create_dir_all(root.join(".git")).expect("made");
        for name in [
            "b/c/10.png",
            "b/c/9.PNG",
            "a.jpg",
            ".git/x.jpg",
            ".hidden.jpg",
            "notes.txt",
        ] {
            fs::write(root.join(name), b"no picture").expect("written");
        }
        fs::write(root.join("unnamed"), [0xff, 0xd8, 0xff, 0xe0]).expect("written");
        fs::write(root.join("BMW"), b"BMW is no bitmap").expect("written");
        let found = collect(&[root.join("notes.txt"), root.to_owned()]).expect("found");
        let names: Vec<&str> = found.iter().map(|sample| sample.name.as_str()).collect();
        assert_eq!(
            names,
            ["notes.txt", "a.jpg", "b/c/9.PNG", "b/c/10.png", "unnamed"]
        );
        assert!(found.iter().all(|sample| sample.path.is_absolute()));
    }

    #[test]
    fn different_files_of_one_name_are_told_apart_by_their_paths() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["a/cat.jpg", "b/cat.jpg", "b/dog.jpg"] {
            fs::create_dir_all(path(name).parent().expect("one")).expect("made");
            fs::write(path(name), b"").expect("written");
        }
        let names = |given: &[PathBuf]| -> Vec<String> {
            let found = collect(given).expect("found");
            found.into_iter().map(|sample| sample.name).collect()
        };
        let shown = |name: &str| path(name).to_string_lossy().into_owned();
        let both = [shown("a/cat.jpg"), shown("b/cat.jpg")];
        assert_eq!(names(&[path("a/cat.jpg"), path("b/cat.jpg")]), both);
        let expected = [&both[..], &["dog.jpg".to_owned()]].concat();
        assert_eq!(names(&[path("a"), path("b")]), expected);
        // Twice the same file is no two.
        assert_eq!(names(&[path("a/cat.jpg"), path("a")]), ["cat.jpg"; 2]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_and_pipes_are_passed_by() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::write(root.join("a.jpg"), b"").expect("written");
        std::os::unix::fs::symlink(root, root.join("again")).expect("linked");
        let _socket = std::os::unix::net::UnixListener::bind(root.join("s.jpg")).expect("bound");
        let found = collect(&[root.to_owned()]).expect("found");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn arrays_are_found_where_there_is_no_picture() {
        let folder = tempfile::tempdir().expect("made");
        let root = folder.path();
        for name in ["b2.npz", "b10.npz", "a.NPY", "notes.txt"] {
            fs::write(root.join(name), b"x").expect("written");
        }
        let names = || -> Vec<String> {
            let found = collect(&[root.to_owned()]).expect("found");
            found.into_iter().map(|sample| sample.name).collect()
        };
        assert_eq!(names(), ["a.NPY", "b2.npz", "b10.npz"]);
        fs::write(root.join("photo.jpg"), b"x").expect("written");
        assert_eq!(names(), ["photo.jpg"]);
    }

    #[test]
    fn a_folder_without_a_picture_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let failure = collect(&[folder.path().to_owned()]).expect_err("nothing there");
        assert_eq!(failure.code, Code::SampleUnreadable);
        assert!(
            failure
                .message
                .contains(&folder.path().display().to_string())
        );
    }
}
