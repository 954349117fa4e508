//! TIFFs whose strips or tiles are JPEGs, decoded by libjpeg-turbo as libtiff does.

use std::io::Cursor;

use ::tiff::decoder::Decoder;
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use super::super::format::{Format, check_size};
use super::super::jpeg::too_short;
use super::super::request::Request;
use super::super::turbo::{Decompressor, Header, Samples, Trouble};
use super::refusal::refusal;
use crate::error::Result;

const JPEG: u16 = 7;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const YCBCR: u16 = 6;

/// Tables take less than 2 kB.
const MOST_TABLES: usize = 64 << 10;

/// Tiles of JPEGs are whole blocks.
const SMALLEST_TILE: usize = 8;

/// How the parts of a picture lie in the file.
#[derive(Debug)]
pub(super) struct Parts {
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    /// Width and height of a part; those at the right and at the bottom may stand out.
    size: (usize, usize),
    /// What all parts have in common, a JPEG without a picture.
    tables: Vec<u8>,
    samples: Samples,
    /// The colours are stored as luma and chroma.
    ycbcr: bool,
    max_pixels: u64,
}

impl Parts {
    /// `None` for everything but 8-bit greys, RGB and YCbCr that are JPEGs.
    pub fn of(
        decoder: &mut Decoder<Cursor<&[u8]>>,
        color: ColorType,
        picture: (usize, usize),
        request: &Request<'_>,
    ) -> Result<Option<Self>> {
        let bytes = request.bytes;
        let refuse = |error: TiffError| refusal(bytes, &error);
        let mut short = |tag| decoder.find_tag_unsigned::<u16>(tag).map_err(refuse);
        let interleaved = short(Tag::PlanarConfiguration)?.unwrap_or(1) == 1;
        if short(Tag::Compression)? != Some(JPEG) || color.bit_depth() != 8 || !interleaved {
            return Ok(None);
        }
        let photometric = short(Tag::PhotometricInterpretation)?;
        let samples = match (photometric, color.num_samples()) {
            (Some(BLACK_IS_ZERO), 1) => Samples::Grey,
            (Some(RGB | YCBCR), 3) => Samples::Rgb,
            _ => return Ok(None),
        };
        let mut length = |tag| decoder.find_tag_unsigned::<u32>(tag).map_err(refuse);
        let tile = (length(Tag::TileWidth)?, length(Tag::TileLength)?);
        let (size, offsets, lengths) = if let (Some(width), Some(height)) = tile {
            let size = (width as usize, height as usize);
            (size, Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            let rows = length(Tag::RowsPerStrip)?.map_or(picture.1, |rows| rows as usize);
            let size = (picture.0, rows.min(picture.1));
            (size, Tag::StripOffsets, Tag::StripByteCounts)
        };
        let smallest = if tile.0.is_some() { SMALLEST_TILE } else { 1 };
        if size.0.min(size.1) < smallest {
            return Err(Format::Tiff.damaged("its strips or tiles are too small"));
        }
        let tables = decoder.find_tag(Tag::JPEGTables).map_err(refuse)?;
        let tables = tables
            .and_then(|tables| tables.into_u8_vec().ok())
            .filter(|tables| tables.len() <= MOST_TABLES);
        Ok(Some(Self {
            offsets: decoder.get_tag_u64_vec(offsets).map_err(refuse)?,
            lengths: decoder.get_tag_u64_vec(lengths).map_err(refuse)?,
            size,
            tables: tables.unwrap_or_default(),
            samples,
            ycbcr: photometric == Some(YCBCR),
            max_pixels: request.max_pixels,
        }))
    }

    /// The picture's samples, pixel by pixel.
    pub fn decode(&self, bytes: &[u8], (width, height): (usize, usize)) -> Result<Vec<u8>> {
        let count = self.samples.count();
        let mut out = vec![0; width * height * count];
        let (part_width, part_height) = self.size;
        let mut turbo = Decompressor::new()?;
        let mut part = Vec::new();
        let across = width.div_ceil(part_width);
        for index in 0..across * height.div_ceil(part_height) {
            let (left, top) = (index % across * part_width, index / across * part_height);
            let header = self.part(index, bytes, &mut turbo, &mut part)?;
            let columns = header.width.min(width - left);
            let rows = part.chunks_exact(header.width * count).take(height - top);
            if columns < part_width.min(width - left) || rows.len() < part_height.min(height - top)
            {
                return Err(Format::Tiff.damaged("a strip or tile is smaller than it has to be"));
            }
            for (y, row) in rows.enumerate() {
                let at = ((top + y) * width + left) * count;
                out[at..at + columns * count].copy_from_slice(&row[..columns * count]);
            }
        }
        Ok(out)
    }

    /// Decodes one part.
    fn part(
        &self,
        index: usize,
        bytes: &[u8],
        turbo: &mut Decompressor,
        out: &mut Vec<u8>,
    ) -> Result<Header> {
        let jpeg = self
            .jpeg(index, bytes)
            .ok_or_else(|| Format::Tiff.cut_off(bytes))?;
        let damaged = |trouble| {
            let (Trouble::Warning(reason) | Trouble::Fatal(reason)) = trouble;
            Format::Tiff.damaged(reason)
        };
        let header = turbo.header(&jpeg).map_err(damaged)?;
        // Judged before room is made for it.
        check_size(header.width as u64, header.height as u64, self.max_pixels)?;
        if header.width > self.size.0 || header.height > self.size.1 || header.cmyk {
            return Err(Format::Tiff.damaged("a strip or tile is larger than it may be"));
        }
        if too_short(&jpeg, header) {
            return Err(Format::Tiff.cut_off(bytes));
        }
        out.clear();
        out.resize(header.width * header.height * self.samples.count(), 0);
        match turbo.decode(&jpeg, header, 1, self.samples, out) {
            Ok(()) | Err(Trouble::Warning(_)) => Ok(header),
            Err(trouble) => Err(damaged(trouble)),
        }
    }

    /// One part as a JPEG of its own: with the common tables, and its colours named, which are
    /// said by the TIFF alone.
    fn jpeg(&self, index: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let start = usize::try_from(*self.offsets.get(index)?).ok()?;
        let length = usize::try_from(*self.lengths.get(index)?).ok()?;
        let part = bytes.get(start..start.checked_add(length)?)?;
        let part = part.strip_prefix(b"\xff\xd8")?;
        let tables = self.tables.strip_prefix(b"\xff\xd8").unwrap_or(&[]);
        let tables = tables.strip_suffix(b"\xff\xd9").unwrap_or(tables);
        let mut jpeg = b"\xff\xd8".to_vec();
        if self.samples == Samples::Rgb {
            jpeg.extend(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0");
            jpeg.push(u8::from(self.ycbcr));
        }
        jpeg.extend(tables);
        jpeg.extend(part);
        Some(jpeg)
    }
}
