//! Tar headers, the same on every machine.

use std::fmt::Write as _;

use tar::{EntryType, Header};

use crate::{Error, Result};

/// Tar's unit: headers are one block, content is padded to blocks.
pub(crate) const BLOCK: usize = 512;
static ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The largest number in eleven octal digits.
const MAX_SIZE: u64 = 0o777_7777_7777;

/// What all entries of a tar share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) mtime: u64,
}

/// An entry's own part. `path` is relative; `link` is a symbolic link's target.
pub(crate) struct EntryHead<'a> {
    pub(crate) path: &'a str,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) link: Option<&'a str>,
}

/// The header blocks of an entry: ustar, with a pax record before it for what ustar cannot hold.
pub(crate) fn header(entry: &EntryHead<'_>, attributes: Attributes) -> Result<Vec<u8>> {
    let mut records = String::new();
    let mut header = Header::new_ustar();
    // A folder's name ends in a slash, as every tar writes it.
    let slash = if entry.kind == EntryType::Directory {
        "/"
    } else {
        ""
    };
    let path = format!("{}{slash}", entry.path);
    if !path.is_ascii() || header.set_path(&path).is_err() {
        record(&mut records, "path", &path);
        place(&mut header, 0, &short(&path));
    }
    if let Some(link) = entry.link {
        if link.is_ascii() && link.len() <= 100 {
            place(&mut header, 157, link.as_bytes());
        } else {
            record(&mut records, "linkpath", link);
            place(&mut header, 157, &short(link));
        }
    }
    if entry.size > MAX_SIZE {
        record(&mut records, "size", &entry.size.to_string());
    }
    finish(&mut header, entry.kind, entry.mode, entry.size, attributes)?;
    let mut bytes = pax(&records, entry.path, attributes)?;
    bytes.extend_from_slice(header.as_bytes());
    Ok(bytes)
}

/// The zeros that fill the last block of `size` bytes of content.
pub(crate) fn padding(size: u64) -> &'static [u8] {
    // Less than a block.
    let rest = (size % BLOCK as u64) as usize;
    &ZEROS[..(BLOCK - rest) % BLOCK]
}

/// Two empty blocks end a tar.
pub(crate) fn end() -> &'static [u8] {
    &ZEROS
}

fn finish(
    header: &mut Header,
    kind: EntryType,
    mode: u32,
    size: u64,
    attributes: Attributes,
) -> Result<()> {
    if attributes.uid.max(attributes.gid) > 0o777_7777 || attributes.mtime > MAX_SIZE {
        return Err(Error::LayerInvalid {
            what: "an entry".into(),
            reason: "its owner or time is out of a tar's range".into(),
        });
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(attributes.uid.into());
    header.set_gid(attributes.gid.into());
    header.set_mtime(attributes.mtime);
    header.set_size(if size > MAX_SIZE { 0 } else { size });
    header.set_cksum();
    Ok(())
}

fn pax(records: &str, path: &str, attributes: Attributes) -> Result<Vec<u8>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut header = Header::new_ustar();
    let name = path.rsplit('/').next().unwrap_or_default();
    place(&mut header, 0, &short(&format!("PaxHeaders/{name}")));
    finish(
        &mut header,
        EntryType::XHeader,
        0o644,
        records.len() as u64,
        attributes,
    )?;
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(records.as_bytes());
    bytes.extend_from_slice(padding(records.len() as u64));
    Ok(bytes)
}

/// Appends `<length> <key>=<value>\n`, where the length counts its own digits.
fn record(records: &mut String, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    // Writing into a String never fails.
    let _ = writeln!(records, "{length} {key}={value}");
}

/// A shortened value for a ustar field; the pax record before it has the full one.
fn short(text: &str) -> Vec<u8> {
    text.bytes()
        .map(|b| if b.is_ascii_graphic() { b } else { b'_' })
        .take(100)
        .collect()
}

fn place(header: &mut Header, at: usize, bytes: &[u8]) {
    let length = bytes.len().min(100);
    header.as_mut_bytes()[at..at + length].copy_from_slice(&bytes[..length]);
}
