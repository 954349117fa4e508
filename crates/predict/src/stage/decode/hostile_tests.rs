//! Damaged files of every format: an error or a picture, never a panic, and no memory to speak of.

use boxwright_model::package::Decode;
use std::sync::OnceLock;

use image::codecs::{bmp::BmpEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

use super::{Compressor, Decoder, Decoding, exif, truth_tests};

const WIDTH: usize = 45;
const HEIGHT: usize = 31;
const MAX_PIXELS: u64 = 1_000_000;

/// A small whole file of each format.
fn files() -> Vec<Vec<u8>> {
    let rgb: Vec<u8> = (0..WIDTH * HEIGHT * 3)
        .map(|n| (n * n / 7 % 251) as u8)
        .collect();
    let (width, height, color) = (WIDTH as u32, HEIGHT as u32, ExtendedColorType::Rgb8);
    let (mut png, mut bmp, mut webp) = (Vec::new(), Vec::new(), Vec::new());
    PngEncoder::new(&mut png)
        .write_image(&rgb, width, height, color)
        .unwrap();
    BmpEncoder::new(&mut bmp)
        .write_image(&rgb, width, height, color)
        .unwrap();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(&rgb, width, height, color)
        .unwrap();
    let mut gif = Vec::new();
    let frame = ::gif::Frame::from_indexed_pixels(
        WIDTH as u16,
        HEIGHT as u16,
        rgb.iter()
            .step_by(3)
            .map(|byte| byte / 16)
            .collect::<Vec<_>>(),
        None,
    );
    let palette: Vec<u8> = (0..48).map(|n| n * 5).collect();
    let mut encoder = ::gif::Encoder::new(&mut gif, WIDTH as u16, HEIGHT as u16, &palette).unwrap();
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let mut tiff = std::io::Cursor::new(Vec::new());
    ::tiff::encoder::TiffEncoder::new(&mut tiff)
        .unwrap()
        .write_image::<::tiff::encoder::colortype::RGB8>(width, height, &rgb)
        .unwrap();
    let jpeg = Compressor::new(80)
        .unwrap()
        .encode(&rgb, WIDTH, HEIGHT)
        .unwrap();
    vec![jpeg, png, bmp, webp, gif, tiff.into_inner()]
}

/// Those, and every kind that the truths are about.
fn all_files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let (_, kinds) = truth_tests::truths();
        files().into_iter().chain(kinds.into_values()).collect()
    })
}

/// The most memory that this process has ever had, in kilobytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[derive(Debug, Clone)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Number(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Doubled(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<prop::sample::Index>;
    let extreme = prop::sample::select(vec![0, 1, 0x7fff_ffff, 0xffff_ffff, 0x0001_0000, 0xffff]);
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        3 => (place(), extreme).prop_map(|(at, number)| Damage::Number(at, number)),
        1 => place().prop_map(Damage::Cut),
        1 => place().prop_map(Damage::Doubled),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage) {
    if file.is_empty() {
        return;
    }
    match damage {
        // Headers are short and at the start: half of the damage goes there.
        Damage::Flip(at, bits) => {
            let most = if bits & 1 == 0 {
                file.len()
            } else {
                file.len().min(128)
            };
            file[at.index(most)] ^= bits | 1;
        }
        Damage::Number(at, number) => {
            let at = at.index(file.len().min(512));
            for (byte, new) in file[at..].iter_mut().zip(number.to_le_bytes()) {
                *byte = new;
            }
        }
        Damage::Cut(at) => file.truncate(at.index(file.len())),
        Damage::Doubled(at) => {
            let tail = file[at.index(file.len())..].to_vec();
            file.extend(tail);
        }
    }
}

const LIBRARIES: [Decode; 5] = [
    Decode::Pillow,
    Decode::OpenCv,
    Decode::OpenCvGrey,
    Decode::OpenCvUnchanged,
    Decode::TensorFlow,
];

fn decoding() -> impl Strategy<Value = Decoding> {
    let draft = prop::option::of((0..60u32, 0..60u32));
    (prop::sample::select(&LIBRARIES[..]), any::<bool>(), draft).prop_map(
        |(library, upright, draft)| Decoding {
            library,
            upright,
            draft,
            alpha: draft.is_some(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_an_error_or_a_picture(
        // Half of them the small files, so that every format has its turn.
        which in prop_oneof![0..6usize, 0..all_files().len()],
        damages in prop::collection::vec(damage(), 1..4),
        decoding in decoding(),
    ) {
        let mut file = all_files()[which].clone();
        for damage in &damages {
            apply(&mut file, damage);
        }
        let mut decoder = Decoder::new(MAX_PIXELS);
        if decoder.decode(&file, &decoding).is_ok() {
            let picture = &decoder.picture;
            prop_assert!((picture.width * picture.height) as u64 <= MAX_PIXELS);
            prop_assert_eq!(picture.rgb.len(), picture.width * picture.height * 3);
        }
        // A picture at the limit takes 3 MB, its decoder's tables and planes a multiple.
        if let Some(peak) = peak() {
            prop_assert!(peak < 600_000, "{peak} kB");
        }
    }

    #[test]
    fn any_bytes_are_searched_for_an_orientation(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for start in [b"II*\0", b"MM\0*"] {
            let block = [start, bytes.as_slice()].concat();
            let _ = (exif::pillow(&block), exif::opencv(&block));
        }
        let _ = exif::xmp(&[b"tiff:Orientation", bytes.as_slice()].concat());
    }
}

#[test]
fn whole_files_are_decoded_and_every_cut_is_refused() {
    for (file, library) in files()
        .into_iter()
        .flat_map(|file| LIBRARIES.map(|library| (file.clone(), library)))
    {
        let decoding = Decoding {
            library,
            ..Decoding::default()
        };
        if library == Decode::TensorFlow && file.starts_with(b"II*") {
            continue;
        }
        let mut decoder = Decoder::new(MAX_PIXELS);
        decoder.decode(&file, &decoding).unwrap();
        assert_eq!(
            (decoder.picture.width, decoder.picture.height),
            (WIDTH, HEIGHT)
        );
        for length in 0..file.len() * 3 / 4 {
            assert!(
                decoder.decode(&file[..length], &decoding).is_err(),
                "{length} of {}",
                file.len()
            );
        }
        // The decoder is still good for the next picture.
        decoder.decode(&file, &decoding).unwrap();
    }
}

#[test]
fn a_jpeg_that_ends_in_its_header_is_cut_off_and_not_without_area() {
    let jpeg = files().remove(0);
    for length in (4..jpeg.len()).step_by(7) {
        let refusal = Decoder::new(MAX_PIXELS).decode(&jpeg[..length], &Decoding::default());
        let words = refusal.expect_err("half a file").to_string();
        assert!(
            words.contains("before the picture is complete"),
            "{length}: {words}"
        );
    }
}
