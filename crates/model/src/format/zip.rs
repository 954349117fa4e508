//! The names in a zip archive, read from its central directory. No entry is unpacked, and names
//! past the first few hundred are not needed to tell what the archive is.

use std::io::{Read, Seek};

use super::source::{Fault, Source};

/// Most names that are read.
const MOST_NAMES: usize = 512;
/// Bytes of the record at the end of an archive, and of the longest comment after it.
const END_RECORD: u64 = 22;
const LONGEST_COMMENT: u64 = 0xffff;

/// The names of the archive's first entries; `None` where the file is no zip archive.
pub(crate) fn names<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Vec<String>>, Fault> {
    let Some(mut at) = directory(source)? else {
        return Ok(None);
    };
    let mut names = Vec::new();
    while names.len() < MOST_NAMES {
        let header = source.peek(at, 46)?;
        if header.len() < 46 || header[..4] != *b"PK\x01\x02" {
            break;
        }
        let [name, extra, comment] = [28, 30, 32].map(|field| u64::from(u16_at(&header, field)));
        let text = source.peek(at + 46, name)?;
        names.push(String::from_utf8_lossy(&text).into_owned());
        at += 46 + name + extra + comment;
    }
    Ok(Some(names))
}

/// Where the central directory begins.
fn directory<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<u64>, Fault> {
    let len = source.len();
    if len < END_RECORD {
        return Ok(None);
    }
    let from = len.saturating_sub(END_RECORD + LONGEST_COMMENT);
    let tail = source.peek(from, len - from)?;
    let Some(end) = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else {
        return Ok(None);
    };
    if tail.len() - end < END_RECORD as usize {
        return Ok(None);
    }
    let directory = u64::from(u32_at(&tail, end + 16));
    if directory < u64::from(u32::MAX) {
        return Ok(Some(directory));
    }
    // Larger than 4 GiB: a locator before the record says where its 64-bit twin is.
    let Some(locator) = (from + end as u64).checked_sub(20) else {
        return Ok(None);
    };
    let locator = source.peek(locator, 20)?;
    if locator.len() < 20 || locator[..4] != *b"PK\x06\x07" {
        return Ok(None);
    }
    let record = source.peek(u64_at(&locator, 8), 56)?;
    if record.len() < 56 || record[..4] != *b"PK\x06\x06" {
        return Ok(None);
    }
    Ok(Some(u64_at(&record, 48)).filter(|directory| *directory < len))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
