//! Unpacks layers into a folder as a root file system, and trusts nothing in them.
//!
//! Owners, times and set-user-id bits are left out: what is unpacked here runs as whoever
//! unpacked it. Nobody else may write to the folder while this runs.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::{Entry, EntryType};

use crate::error::printable;
use crate::{Descriptor, Digest, Error, Hasher, Result, media_type};

mod tree;
mod zstd;

use tree::Tree;
use zstd::Zstd;

/// The most that the headers of one entry (long names, pax records) may take.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// The most entries a layer may have.
const MAX_ENTRIES: usize = 1_000_000;

/// Unpacks `layers`, bottom first, into the folder `to`, which is made and has to be empty.
/// `diff_ids` are the digests of the plain tars, `max_bytes` bounds what they decompress to in
/// all. After an error, what had been unpacked until then is still there. Blocks.
///
/// # Errors
/// `ContentInvalid` for a layer that is not what it should be, or that holds a path with `..`, a
/// device, a link that leads out of the folder, or too much; `DiskFull`, `Io`.
pub fn unpack(
    layers: &[(Descriptor, PathBuf)],
    diff_ids: &[Digest],
    to: &Path,
    max_bytes: u64,
) -> Result<()> {
    if layers.len() != diff_ids.len() {
        return Err(Error::ContentInvalid {
            what: "the image is not valid".into(),
            detail: format!("{} layers, but {} diff_ids", layers.len(), diff_ids.len()),
        });
    }
    let mut tree = Tree::in_empty_folder(to)?;
    let budget = Rc::new(Budget {
        all: Cell::new(max_bytes),
        header: Cell::new(None),
    });
    for ((descriptor, path), diff_id) in layers.iter().zip(diff_ids) {
        let layer = Layer {
            descriptor,
            path,
            diff_id,
            budget: &budget,
        };
        layer.unpack(&mut tree)?;
    }
    Ok(())
}

struct Layer<'a> {
    descriptor: &'a Descriptor,
    path: &'a Path,
    diff_id: &'a Digest,
    budget: &'a Rc<Budget>,
}

impl Layer<'_> {
    fn unpack(&self, tree: &mut Tree) -> Result<()> {
        tree.begin_layer();
        let mut archive = tar::Archive::new(Metered {
            from: self.open()?,
            hasher: Hasher::new(),
            budget: Rc::clone(self.budget),
        });
        let broken = |error: io::Error| self.invalid(&error.to_string());
        let mut entries = archive.entries().map_err(broken)?;
        for count in 0.. {
            self.budget.header.set(Some(MAX_HEADER_BYTES));
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(broken)?;
            self.budget.header.set(None);
            if count == MAX_ENTRIES {
                return Err(self.invalid("it has too many entries"));
            }
            self.place(&mut entry, tree)?;
            io::copy(&mut entry, &mut io::sink()).map_err(broken)?;
        }
        self.budget.header.set(None);
        let mut rest = archive.into_inner();
        io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
        match rest.hasher.finish() == *self.diff_id {
            true => Ok(()),
            false => Err(self.invalid("its content has another digest than the image says")),
        }
    }

    fn open(&self) -> Result<Box<dyn Read>> {
        let file = File::open(self.path).map_err(|error| Error::read(self.path, error))?;
        let file = BufReader::with_capacity(256 << 10, file);
        match media_type::to_oci(&self.descriptor.media_type) {
            media_type::LAYER_TAR => Ok(Box::new(file)),
            media_type::LAYER_GZIP => Ok(Box::new(MultiGzDecoder::new(file))),
            media_type::LAYER_ZSTD => Ok(Box::new(Zstd::new(file))),
            other => {
                Err(self.invalid(&format!("its type {:?} is not supported", printable(other))))
            }
        }
    }

    fn place(&self, entry: &mut Entry<'_, impl Read>, tree: &mut Tree) -> Result<()> {
        let name = entry.path_bytes().into_owned();
        let refuse = |reason: &str| {
            self.invalid(&format!(
                "{:?} {reason}",
                printable(&String::from_utf8_lossy(&name))
            ))
        };
        let path = relative(&entry.path().map_err(|_| refuse("is no path"))?)
            .ok_or_else(|| refuse("leads out of the image"))?;
        let Some(last) = path
            .file_name()
            .map(|last| last.as_encoded_bytes().to_owned())
        else {
            return Ok(());
        };
        let kind = entry.header().entry_type();
        let mode = entry.header().mode().map_err(|_| refuse("has no mode"))?;
        if let Some(hidden) = last.strip_prefix(b".wh.") {
            return tree
                .whiteout(&path, hidden)
                .map_err(|reason| reason.into_error(&refuse));
        }
        let placed = match kind {
            EntryType::Directory => tree.folder(&path, mode),
            EntryType::Regular => tree.file(&path, mode, entry),
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name().ok().flatten();
                let target = target
                    .ok_or_else(|| refuse("is a link to nothing"))?
                    .into_owned();
                match kind {
                    EntryType::Symlink => tree.symlink(&path, &target),
                    _ => match relative(&target) {
                        Some(target) => tree.hard_link(&path, &target),
                        None => return Err(refuse("links out of the image")),
                    },
                }
            }
            EntryType::XGlobalHeader => Ok(()),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(refuse("is a device, which no layer needs"));
            }
            _ => return Err(refuse("is of a kind that is not supported")),
        };
        placed.map_err(|reason| reason.into_error(&refuse))
    }

    fn invalid(&self, detail: &str) -> Error {
        Error::ContentInvalid {
            what: format!("the layer {} cannot be unpacked", self.descriptor.digest),
            detail: printable(detail),
        }
    }
}

/// The path below the root; `None` if it has a `..`.
fn relative(path: &Path) -> Option<PathBuf> {
    let mut below = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => below.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(below)
}

/// How many bytes may still be read: of all layers, and of an entry's headers while they are read.
struct Budget {
    all: Cell<u64>,
    header: Cell<Option<u64>>,
}

impl Budget {
    fn spend(&self, count: u64) -> io::Result<()> {
        let left = self.all.get().checked_sub(count);
        self.all
            .set(left.ok_or_else(|| io::Error::other("it unpacks to more than it may"))?);
        if let Some(header) = self.header.get() {
            let left = header.checked_sub(count);
            self.header.set(Some(
                left.ok_or_else(|| io::Error::other("a name in it is too long"))?,
            ));
        }
        Ok(())
    }
}

/// Hashes and counts a plain tar while it is read.
struct Metered {
    from: Box<dyn Read>,
    hasher: Hasher,
    budget: Rc<Budget>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.budget.spend(count as u64)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(all(test, unix))]
mod tests;
