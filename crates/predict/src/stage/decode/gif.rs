//! The first frame of a GIF.

use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, MemoryLimit};

use super::format::{Format, check_size};
use super::opencv::Unchanged;
use super::orientation::Orientation;
use super::picture::Picture;
use super::request::Request;
use super::{grey, tensorflow};
use crate::error::{Error, Result};

pub(super) fn decode(request: &Request<'_>, picture: &mut Picture) -> Result<Orientation> {
    let Request {
        bytes,
        max_pixels,
        decoding,
    } = *request;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(
        std::num::NonZeroU64::new(max_pixels).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes),
    );
    let refuse = |error: DecodingError| refusal(bytes, &error);
    let mut decoder = options.read_info(bytes).map_err(refuse)?;
    let mut frame = Frame::first(&mut decoder, bytes)?;
    let screen = frame.screen;
    // A frame that reaches past the screen widens it.
    let (right, bottom) = (frame.at.0 + frame.size.0, frame.at.1 + frame.size.1);
    let canvas = check_size(
        screen.0.max(right) as u64,
        screen.1.max(bottom) as u64,
        max_pixels,
    )?;
    check_size(frame.size.0 as u64, frame.size.1 as u64, max_pixels)?;
    picture.details.stored = canvas;
    (picture.details.bits, picture.details.channels) = (8, 1);
    let blocks = Blocks::of(bytes);
    if !decoding.by_pillow() {
        frame.check(blocks, canvas, bytes)?;
        if decoding.unchanged() {
            let channels = if blocks.alpha { 4 } else { 3 };
            Unchanged { channels, bits: 8 }.check()?;
        }
    }
    frame.indices = vec![0; decoder.buffer_size()];
    decoder
        .read_into_buffer(&mut frame.indices)
        .map_err(refuse)?;

    if decoding.by_tensorflow() {
        let (width, height) = blocks.largest;
        check_size(width as u64, height as u64, max_pixels)?;
        picture.reset(width, height);
        frame.paint_as_tensorflow(picture)?;
        return Ok(Orientation::default());
    }
    picture.reset(canvas.0, canvas.1);
    if decoding.by_pillow() {
        frame.paint_as_pillow(picture);
    } else {
        frame.paint_as_opencv(bytes, picture)?;
    }
    if decoding.grey() {
        picture.turn_grey(grey::opencv);
    }
    Ok(Orientation::default())
}

/// The first frame, and where it belongs.
#[derive(Debug)]
struct Frame {
    screen: (usize, usize),
    at: (usize, usize),
    size: (usize, usize),
    transparent: Option<u8>,
    /// The frame's own colours, empty where it has none.
    local: Vec<u8>,
    /// The file's colours, empty where it has none.
    global: Vec<u8>,
    indices: Vec<u8>,
}

impl Frame {
    /// The first frame, without its pixels.
    fn first(decoder: &mut Decoder<&[u8]>, bytes: &[u8]) -> Result<Self> {
        let screen = (usize::from(decoder.width()), usize::from(decoder.height()));
        let global = decoder.global_palette().unwrap_or(&[]).to_vec();
        let frame = decoder.next_frame_info();
        let frame = frame.map_err(|error| refusal(bytes, &error))?;
        let frame = frame.ok_or_else(|| Format::Gif.cut_off(bytes))?;
        Ok(Self {
            screen,
            at: (usize::from(frame.left), usize::from(frame.top)),
            size: (usize::from(frame.width), usize::from(frame.height)),
            transparent: frame.transparent,
            local: frame.palette.clone().unwrap_or_default(),
            global,
            indices: Vec::new(),
        })
    }

    fn paint_as_pillow(&self, picture: &mut Picture) {
        let colours = if self.local.is_empty() {
            &self.global
        } else {
            &self.local
        };
        let palette = palette(colours);
        // What no frame covers has the transparent colour's place in the palette, else the first.
        let uncovered = palette[usize::from(self.transparent.unwrap_or(0))];
        picture.pixels().fill(uncovered);
        self.place(picture, |index| Some(palette[usize::from(index)]));
    }

    /// OpenCV shows the background where nothing covers it, and knows fewer liberties.
    fn paint_as_opencv(&self, bytes: &[u8], picture: &mut Picture) -> Result<()> {
        let (local, _) = self.local.as_chunks::<3>();
        let (global, _) = self.global.as_chunks::<3>();
        let known = if local.is_empty() && global.is_empty() {
            256
        } else {
            local.len().max(global.len())
        };
        let past = |index: &&u8| usize::from(**index) >= known && Some(**index) != self.transparent;
        if let Some(index) = self.indices.iter().find(past) {
            return Err(Format::Gif.refused_by(
                "OpenCV",
                format!("colour {index} is used, and the file has {known}"),
            ));
        }
        let background = background(bytes).and_then(|index| global.get(index));
        picture
            .pixels()
            .fill(background.copied().unwrap_or_default());
        self.place(picture, |index| {
            let place = usize::from(index);
            match (local.get(place), global.get(place)) {
                _ if Some(index) == self.transparent => None,
                (Some(colour), _) | (None, Some(colour)) => Some(*colour),
                // Without any colours: greys, but 1 is white.
                (None, None) => Some([if index == 1 { 255 } else { index }; 3]),
            }
        });
        Ok(())
    }

    /// TensorFlow makes room for the largest frame only, and shows black where nothing is.
    fn paint_as_tensorflow(&self, picture: &mut Picture) -> Result<()> {
        let colours = if self.local.is_empty() {
            &self.global
        } else {
            &self.local
        };
        let colours = colours.as_chunks::<3>().0;
        let (width, height) = (picture.width, picture.height);
        picture.pixels().fill([0; 3]);
        let rows = self.indices.chunks_exact(self.size.0).take(self.size.1);
        let seen = height.saturating_sub(self.at.1);
        for (y, row) in rows.enumerate().take(seen) {
            let start = (self.at.1 + y) * width;
            let out = &mut picture.pixels()[start + self.at.0.min(width)..start + width];
            for (pixel, index) in out.iter_mut().zip(row) {
                if Some(*index) != self.transparent {
                    *pixel = *colours.get(usize::from(*index)).ok_or_else(|| {
                        tensorflow::refused(Format::Gif, "a colour is used that it doesn't have")
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Gives every pixel of the frame its colour; `None` leaves what is there.
    fn place(&self, picture: &mut Picture, colour: impl Fn(u8) -> Option<[u8; 3]>) {
        let width = picture.width;
        let pixels = picture.pixels();
        let rows = self.indices.chunks_exact(self.size.0).take(self.size.1);
        for (y, row) in rows.enumerate() {
            let at = (self.at.1 + y) * width + self.at.0;
            for (pixel, index) in pixels[at..at + self.size.0].iter_mut().zip(row) {
                if let Some(colour) = colour(*index) {
                    *pixel = colour;
                }
            }
        }
    }

    /// Refuses what OpenCV refuses.
    fn check(&self, blocks: Blocks, canvas: (usize, usize), bytes: &[u8]) -> Result<()> {
        if !blocks.complete {
            return Err(Format::Gif.refused_by("OpenCV", "its end isn't marked"));
        }
        if canvas != self.screen {
            return Err(Format::Gif.refused_by("OpenCV", "its first frame reaches past the screen"));
        }
        let colours = self.global.len() / 3;
        match background(bytes) {
            Some(index) if colours > 0 && index >= colours => Err(Format::Gif.refused_by(
                "OpenCV",
                format!("its background is colour {index}, and it has {colours}"),
            )),
            _ => Ok(()),
        }
    }
}

/// The number of the background's colour.
fn background(bytes: &[u8]) -> Option<usize> {
    bytes.get(11).map(|index| usize::from(*index))
}

/// What OpenCV and TensorFlow learn on a first way through all blocks of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Blocks {
    /// The end is marked.
    complete: bool,
    /// The last graphic control extension names a transparent colour.
    alpha: bool,
    /// The largest width and the largest height of a frame.
    largest: (usize, usize),
}

impl Blocks {
    fn of(bytes: &[u8]) -> Self {
        let mut blocks = Self::default();
        blocks.complete = blocks.walk(bytes).is_some();
        blocks
    }

    /// `None` where the file ends before its end, or holds what is no block.
    fn walk(&mut self, bytes: &[u8]) -> Option<()> {
        let mut at = 13 + table(*bytes.get(10)?);
        loop {
            match *bytes.get(at)? {
                0x21 => {
                    if *bytes.get(at + 1)? == 0xf9 && *bytes.get(at + 2)? == 4 {
                        self.alpha = *bytes.get(at + 3)? & 1 == 1;
                    }
                    at = behind(bytes, at + 2)?;
                }
                0x2c => {
                    let side = |at: usize| {
                        let two = bytes.get(at..at + 2)?.try_into().ok()?;
                        Some(usize::from(u16::from_le_bytes(two)))
                    };
                    let size = (side(at + 5)?, side(at + 7)?);
                    self.largest.0 = self.largest.0.max(size.0);
                    self.largest.1 = self.largest.1.max(size.1);
                    at = behind(bytes, at + 11 + table(*bytes.get(at + 9)?))?;
                }
                0x3b => return Some(()),
                _ => return None,
            }
        }
    }
}

/// Bytes of the colour table that the flags announce.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Where the sub-blocks that begin at `at` end.
fn behind(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += length + 1;
        if length == 0 {
            return Some(at);
        }
    }
}

/// 256 colours: those of the file, black past its end; greys where the file has none.
fn palette(colours: &[u8]) -> [[u8; 3]; 256] {
    if colours.is_empty() {
        return std::array::from_fn(|grey| [grey as u8; 3]);
    }
    let mut palette = [[0; 3]; 256];
    for (slot, colour) in palette.iter_mut().zip(colours.as_chunks::<3>().0) {
        *slot = *colour;
    }
    palette
}

fn refusal(bytes: &[u8], error: &DecodingError) -> Error {
    match error {
        DecodingError::UnexpectedEof => Format::Gif.cut_off(bytes),
        DecodingError::Io(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Gif.cut_off(bytes)
        }
        error => Format::Gif.damaged(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Blocks;

    proptest! {
        #[test]
        fn any_bytes_are_walked_through(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Blocks::of(&bytes);
            let _ = Blocks::of(&[b"GIF89a\x01\0\x01\0\0\0\0", bytes.as_slice()].concat());
        }
    }
}
