//! Every kernel against what its library makes of noise; `tests/python/resize/truths.py` has made
//! the truths.

use super::kernel::{OpenCvFilter, TensorFlowFilter, TorchFilter};
use super::*;

const TRUTHS: [&str; 4] = [
    include_str!("truths/pillow.txt"),
    include_str!("truths/opencv.txt"),
    include_str!("truths/torch.txt"),
    include_str!("truths/tensorflow.txt"),
];

fn noise(width: usize, height: usize) -> Vec<u8> {
    let mut state = 12345u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..width * height * 3).map(step).collect()
}

fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn checksum(pixels: &Pixels) -> u32 {
    match pixels {
        Pixels::U8(bytes) => crc32(bytes.iter().copied()),
        Pixels::F32(floats) => crc32(floats.iter().flat_map(|value| value.to_le_bytes())),
    }
}

/// A truth's kernel: library, filter, and what else there is.
fn kernel(name: &str) -> Kernel {
    let parts: Vec<&str> = name.split(':').collect();
    let (filter, antialias) = match parts[1].split_once('+') {
        Some((filter, _)) => (filter, true),
        None => (parts[1], false),
    };
    let depth = || match parts[2] {
        "u8" => Depth::U8,
        "f32" => Depth::F32,
        "unit" => Depth::Unit,
        "rounded" => Depth::Rounded,
        other => panic!("{other}"),
    };
    match parts[0] {
        "pillow" => Kernel::Pillow {
            filter: pillow_filter(filter),
            reducing_gap: parts[2].parse().ok(),
            extent: None,
        },
        "opencv" => Kernel::OpenCv {
            filter: opencv_filter(filter),
            depth: depth(),
        },
        "torch" => Kernel::Torch {
            filter: torch_filter(filter),
            antialias,
            depth: depth(),
        },
        "tensorflow" => Kernel::TensorFlow {
            filter: tensorflow_filter(filter),
            antialias,
            depth: depth(),
        },
        other => panic!("{other}"),
    }
}

fn pillow_filter(name: &str) -> PillowFilter {
    match name {
        "nearest" => PillowFilter::Nearest,
        "box" => PillowFilter::Box,
        "bilinear" => PillowFilter::Bilinear,
        "hamming" => PillowFilter::Hamming,
        "bicubic" => PillowFilter::Bicubic,
        "lanczos" => PillowFilter::Lanczos,
        other => panic!("{other}"),
    }
}

fn opencv_filter(name: &str) -> OpenCvFilter {
    match name {
        "nearest" => OpenCvFilter::Nearest,
        "nearest_exact" => OpenCvFilter::NearestExact,
        "linear" => OpenCvFilter::Linear,
        "linear_exact" => OpenCvFilter::LinearExact,
        "cubic" => OpenCvFilter::Cubic,
        "area" => OpenCvFilter::Area,
        "lanczos4" => OpenCvFilter::Lanczos4,
        other => panic!("{other}"),
    }
}

fn torch_filter(name: &str) -> TorchFilter {
    match name {
        "nearest" => TorchFilter::Nearest,
        "nearest-exact" => TorchFilter::NearestExact,
        "bilinear" => TorchFilter::Bilinear,
        "bicubic" => TorchFilter::Bicubic,
        "lanczos" => TorchFilter::Lanczos,
        other => panic!("{other}"),
    }
}

fn tensorflow_filter(name: &str) -> TensorFlowFilter {
    match name {
        "nearest" => TensorFlowFilter::Nearest,
        "bilinear" => TensorFlowFilter::Bilinear,
        "bicubic" => TensorFlowFilter::Bicubic,
        "area" => TensorFlowFilter::Area,
        "lanczos3" => TensorFlowFilter::Lanczos3,
        "lanczos5" => TensorFlowFilter::Lanczos5,
        other => panic!("{other}"),
    }
}

fn size(text: &str) -> (usize, usize) {
    let (width, height) = text.split_once('x').expect("a size");
    let number = |text: &str| text.parse().expect("a number");
    (number(width), number(height))
}

fn whole((width, height): (usize, usize)) -> Region {
    Region {
        left: 0,
        top: 0,
        width,
        height,
    }
}

#[test]
fn every_kernel_gives_what_its_library_gives() {
    let mut resizer = Resizer::default();
    let mut wrong = Vec::new();
    for line in TRUTHS.iter().flat_map(|truths| truths.lines()) {
        let words: Vec<&str> = line.split(' ').collect();
        let ((width, height), to) = (size(words[1]), size(words[2]));
        let rgb = noise(width, height);
        let view = View {
            width,
            height,
            rgb: &rgb,
        };
        let mut out = Pixels::default();
        resizer.resize(view, to, kernel(words[0]), whole(to), &mut out);
        if format!("{:08x}", checksum(&out)) != words[3] {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
}

/// The names of all kernels, each once.
fn names() -> Vec<&'static str> {
    let lines = TRUTHS.iter().flat_map(|truths| truths.lines());
    let mut names: Vec<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
    names.dedup();
    names
}

#[test]
fn a_region_is_a_cut_of_the_whole() {
    let rgb = noise(41, 33);
    let source = View {
        width: 41,
        height: 33,
        rgb: &rgb,
    };
    let to = (23, 47);
    let part = Region {
        left: 5,
        top: 11,
        width: 13,
        height: 9,
    };
    let legacy = [Kernel::LegacyLinear, Kernel::LegacyArea];
    let mut resizer = Resizer::default();
    for kernel in names().into_iter().map(kernel).chain(legacy) {
        let (mut all, mut some) = (Pixels::default(), Pixels::default());
        resizer.resize(source, to, kernel, whole(to), &mut all);
        resizer.resize(source, to, kernel, part, &mut some);
        match (&all, &some) {
            (Pixels::U8(all), Pixels::U8(some)) => check_cut(all, some, to, part, kernel),
            (Pixels::F32(all), Pixels::F32(some)) => check_cut(all, some, to, part, kernel),
            _ => panic!("{kernel:?} gives two types"),
        }
    }
}

fn check_cut<T: Copy + PartialEq + std::fmt::Debug>(
    all: &[T],
    some: &[T],
    to: (usize, usize),
    part: Region,
    kernel: Kernel,
) {
    let rows = all.chunks_exact(to.0 * 3).skip(part.top).take(part.height);
    let cut: Vec<T> = rows
        .flat_map(|row| row[part.left * 3..(part.left + part.width) * 3].to_vec())
        .collect();
    assert!(cut == some, "{kernel:?}");
}

#[test]
fn a_buffer_takes_the_type_of_the_kernel() {
    let rgb = noise(4, 4);
    let source = View {
        width: 4,
        height: 4,
        rgb: &rgb,
    };
    let mut resizer = Resizer::default();
    let mut out = Pixels::default();
    let to = (2, 2);
    resizer.resize(
        source,
        to,
        kernel("torch:bilinear:f32"),
        whole(to),
        &mut out,
    );
    assert!(
        matches!(&out, Pixels::F32(all) if all.len() == 12),
        "{out:?}"
    );
    resizer.resize(source, to, kernel("torch:bilinear:u8"), whole(to), &mut out);
    assert!(
        matches!(&out, Pixels::U8(all) if all.len() == 12),
        "{out:?}"
    );
}
