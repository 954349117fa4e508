//! Pictures of every kind, and what the libraries made of them: `decode_truths.zip`, written by
//! `tests/python/decode/truths.py`, which says how to make it again.
//!
//! `BOXWRIGHT_DECODE_TRUTHS` names another file of the kind to hold against. Where
//! `BOXWRIGHT_DECODE_OUT` names a folder, pixels that differ are written there.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use boxwright_model::package::Decode;

use super::{Decoder, Decoding, Picture, RoundTrip};

const MAX_PIXELS: u64 = 100_000_000;

/// One library's answer to one file.
#[derive(Debug)]
struct Truth {
    name: String,
    /// How it was decoded, in the script's words.
    mode: String,
    /// Width, height and a hash of the pixels; `None` where the library refuses or doesn't give
    /// three channels of 8 bits.
    pixels: Option<String>,
    line: String,
}

impl Truth {
    fn of(line: &str) -> Self {
        let fields: Vec<&str> = line.split(' ').collect();
        Self {
            name: fields[0].into(),
            mode: fields[1].into(),
            pixels: (fields[2] != "refused").then(|| fields[2].into()),
            line: line.into(),
        }
    }

    fn decoding(&self) -> Decoding {
        let (mode, rest) = self.mode.split_once(':').unwrap_or((&self.mode, ""));
        let (library, upright) = match mode {
            "pillow" => (Decode::Pillow, true),
            "pillow-stored" | "draft" | "trip" => (Decode::Pillow, false),
            "colour" => (Decode::OpenCv, true),
            "colour-stored" => (Decode::OpenCv, false),
            "grey" => (Decode::OpenCvGrey, true),
            "grey-stored" => (Decode::OpenCvGrey, false),
            "unchanged" => (Decode::OpenCvUnchanged, true),
            "tensorflow" => (Decode::TensorFlow, true),
            other => panic!("{other}"),
        };
        let draft = (mode == "draft").then(|| {
            let (width, height) = rest.split_once('x').unwrap();
            (width.parse().unwrap(), height.parse().unwrap())
        });
        Decoding {
            library,
            upright,
            draft,
            alpha: false,
        }
    }

    /// What this crate makes of `bytes`, in the same words.
    fn got(&self, bytes: &[u8], decoder: &mut Decoder) -> Result<String, String> {
        let decoded = decoder.decode(bytes, &self.decoding());
        decoded.map_err(|error| error.to_string())?;
        let picture = &mut decoder.picture;
        if let Some(quality) = self.mode.strip_prefix("trip:") {
            let mut trip = RoundTrip::new(quality.parse().unwrap()).unwrap();
            trip.apply(picture).map_err(|error| error.to_string())?;
        }
        Ok(said(picture))
    }
}

fn said(picture: &Picture) -> String {
    let hash = picture
        .rgb
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{}x{}:{hash:016x}", picture.width, picture.height)
}

/// The truths, and the files by their names.
pub(super) fn truths() -> (String, BTreeMap<String, Vec<u8>>) {
    let bytes = match std::env::var_os("BOXWRIGHT_DECODE_TRUTHS") {
        Some(path) => std::fs::read(path).unwrap(),
        None => include_bytes!("decode_truths.zip").to_vec(),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    let lines = files.remove("truths.txt").unwrap();
    (String::from_utf8(lines).unwrap(), files)
}

#[test]
fn every_mode_gives_the_pixels_of_its_library() {
    let (lines, files) = truths();
    let mut wrong = Vec::new();
    let mut decoder = Decoder::new(MAX_PIXELS);
    let out = std::env::var_os("BOXWRIGHT_DECODE_OUT");
    for truth in lines.lines().map(Truth::of) {
        let got = truth.got(&files[&truth.name], &mut decoder);
        if got.as_ref().ok() == truth.pixels.as_ref() {
            continue;
        }
        if let (Some(out), Ok(_)) = (&out, &got) {
            let file = format!("{}.{}", truth.name, truth.mode.replace(':', "-"));
            std::fs::write(Path::new(out).join(file), &decoder.picture.rgb).unwrap();
        }
        wrong.push(format!("{}: {got:?}", truth.line));
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn details_are_what_the_files_say() {
    let (_, files) = truths();
    let mut decoder = Decoder::new(MAX_PIXELS);
    let mut details = |name: &str| {
        decoder.decode(&files[name], &Decoding::default()).unwrap();
        decoder.picture.details.clone()
    };
    for format in ["jpg", "png", "webp", "tif"] {
        for kind in ["mluc", "desc"] {
            let details = details(&format!("icc-p3-{kind}.{format}"));
            assert_eq!(
                details.colour_profile.as_deref(),
                Some("Display P3"),
                "{format}"
            );
        }
        let unnamed = details(&format!("icc-unnamed.{format}")).colour_profile;
        assert_eq!(
            unnamed.as_deref(),
            Some("a profile without a name"),
            "{format}"
        );
        assert_eq!(details(&format!("icc-srgb.{format}")).colour_profile, None);
    }
    let kinds = [
        ("exif-6.jpg", "JPEG", 8, 3, 6),
        ("cmyk.jpg", "JPEG", 8, 4, 1),
        ("rgba-16.png", "PNG", 16, 4, 1),
        ("palette-4.png", "PNG", 4, 1, 1),
        ("turned-5-rgb16.tif", "TIFF", 16, 3, 5),
        ("lossy-60-alpha.webp", "WebP", 8, 4, 1),
        ("16-565.bmp", "BMP", 8, 3, 1),
        ("plain.gif", "GIF", 8, 1, 1),
    ];
    for (name, format, bits, channels, orientation) in kinds {
        let details = details(name);
        assert_eq!(
            (
                details.format,
                details.bits,
                details.channels,
                details.orientation
            ),
            (format, bits, channels, orientation),
            "{name}"
        );
        assert_eq!(details.stored, (21, 13), "{name}");
    }
}

#[test]
fn details_say_whether_a_picture_was_turned() {
    let (_, files) = truths();
    let mut decoder = Decoder::new(MAX_PIXELS);
    let mut turned = |name: &str, upright: bool, library: Decode| {
        let decoding = Decoding {
            library,
            upright,
            draft: None,
            alpha: false,
        };
        decoder.decode(&files[name], &decoding).unwrap();
        let details = decoder.picture.details.shown();
        (details.orientation, details.turned)
    };
    assert_eq!(turned("exif-6.jpg", true, Decode::Pillow), (6, true));
    assert_eq!(turned("exif-6.jpg", false, Decode::Pillow), (6, false));
    let unchanged = turned("exif-6.jpg", true, Decode::OpenCvUnchanged);
    assert_eq!(unchanged, (6, false), "it never turns");
    assert_eq!(turned("cmyk.jpg", true, Decode::Pillow), (1, false));
    let tiff = turned("turned-5-rgb16.tif", false, Decode::Pillow);
    assert_eq!(tiff, (5, true), "a TIFF is always turned");
}
