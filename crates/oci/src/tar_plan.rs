//! A tar whose bytes are computed while it is read, the same on every machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tar::EntryType;

use crate::segment::Segment;
use crate::tar_header::{Attributes, EntryHead, end, header, padding};
use crate::{Error, Result};

/// The content of a file in a layer.
#[derive(Debug, Clone)]
pub enum FileSource {
    /// From memory.
    Bytes(Bytes),
    /// From a regular file of `len` bytes, read when the layer is.
    Path {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        len: u64,
    },
}

/// A tar whose headers are in memory and whose files are read when it is read: nothing is copied.
#[derive(Debug, Clone)]
pub struct TarPlan {
    segments: Arc<[Segment]>,
}

impl TarPlan {
    /// Nothing planned yet. Owner 0:0; times are `SOURCE_DATE_EPOCH` where it is set, else 0.
    pub fn builder() -> TarPlanBuilder {
        let epoch = std::env::var("SOURCE_DATE_EPOCH")
            .ok()
            .and_then(|text| text.parse().ok());
        TarPlanBuilder {
            entries: BTreeMap::new(),
            attributes: Attributes {
                uid: 0,
                gid: 0,
                mtime: epoch.unwrap_or(0),
            },
            problem: None,
        }
    }

    /// The tar's size in bytes.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    pub(crate) fn segments(&self) -> Arc<[Segment]> {
        Arc::clone(&self.segments)
    }
}

enum Entry {
    Folder { implied: bool },
    File(FileSource),
    Link(String),
}

/// Collects what a tar holds. Entries are sorted, and folders that no one named are added.
pub struct TarPlanBuilder {
    entries: BTreeMap<String, (Entry, u32)>,
    attributes: Attributes,
    problem: Option<Error>,
}

impl TarPlanBuilder {
    /// All entries' owner.
    pub fn owner(&mut self, uid: u32, gid: u32) -> &mut Self {
        (self.attributes.uid, self.attributes.gid) = (uid, gid);
        self
    }

    /// All entries' time, in seconds since 1970.
    pub fn mtime(&mut self, seconds: u64) -> &mut Self {
        self.attributes.mtime = seconds;
        self
    }

    /// A folder.
    pub fn dir(&mut self, path: &str, mode: u32) -> &mut Self {
        self.add(path, Entry::Folder { implied: false }, mode)
    }

    /// A file.
    pub fn file(&mut self, path: &str, source: FileSource, mode: u32) -> &mut Self {
        self.add(path, Entry::File(source), mode)
    }

    /// A symbolic link to `target`.
    pub fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.add(path, Entry::Link(target.to_owned()), 0o777)
    }

    /// The finished plan.
    ///
    /// # Errors
    /// `LayerInvalid` for a path that is none or named twice, or a source that is no regular file;
    /// `FileChanged` where a file's size is not the given one; `Io`.
    pub fn finish(&mut self) -> Result<TarPlan> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let mut segments = Vec::with_capacity(2 * self.entries.len() + 1);
        for (path, (entry, mode)) in std::mem::take(&mut self.entries) {
            let (kind, content, link) = match entry {
                Entry::Folder { .. } => (EntryType::Directory, None, None),
                Entry::File(source) => (EntryType::Regular, Some(segment(source)?), None),
                Entry::Link(target) => (EntryType::Symlink, None, Some(target)),
            };
            let size = content.as_ref().map_or(0, Segment::len);
            let head = EntryHead {
                path: &path,
                kind,
                mode,
                size,
                link: link.as_deref(),
            };
            segments.push(Segment::Bytes(header(&head, self.attributes)?.into()));
            segments.extend(content);
            segments.push(Segment::Bytes(Bytes::from_static(padding(size))));
        }
        segments.push(Segment::Bytes(Bytes::from_static(end())));
        segments.retain(|segment| segment.len() > 0);
        Ok(TarPlan {
            segments: segments.into(),
        })
    }

    fn add(&mut self, path: &str, entry: Entry, mode: u32) -> &mut Self {
        if let Err(reason) = self.try_add(path, entry, mode) {
            let what = path.to_owned();
            self.problem.get_or_insert(Error::LayerInvalid {
                what,
                reason: reason.to_owned(),
            });
        }
        self
    }

    fn try_add(&mut self, path: &str, entry: Entry, mode: u32) -> Result<(), &'static str> {
        let path = path.trim_start_matches('/').trim_end_matches('/');
        if path.is_empty() || path.contains('\0') || path.len() > 4096 {
            return Err("that is no path");
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("its path has an empty part, . or ..");
        }
        for (slash, _) in path.match_indices('/') {
            let parent = (Entry::Folder { implied: true }, 0o755);
            let parent = self
                .entries
                .entry(path[..slash].to_owned())
                .or_insert(parent);
            if !matches!(parent.0, Entry::Folder { .. }) {
                return Err("one of its folders is a file or a link");
            }
        }
        match (self.entries.get(path), &entry) {
            (None, _) => {}
            (Some((Entry::Folder { implied: true }, _)), Entry::Folder { .. }) => {}
            (Some(_), _) => return Err("it is there twice"),
        }
        self.entries.insert(path.to_owned(), (entry, mode & 0o7777));
        Ok(())
    }
}

fn segment(source: FileSource) -> Result<Segment> {
    match source {
        FileSource::Bytes(bytes) => Ok(Segment::Bytes(bytes)),
        FileSource::Path { path, len } => {
            let segment = Segment::file(&path)?;
            match segment.len() == len {
                true => Ok(segment),
                false => Err(Error::FileChanged { path }),
            }
        }
    }
}
