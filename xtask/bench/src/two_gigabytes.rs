//! An ONNX model of 2 GB: one matrix that is added to the input, of numbers that don't compress.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::{Bench, Failed};

/// Elements of the weight: 4 bytes each, so that the file stays below protobuf's 2 GiB.
const ELEMENTS: u64 = 500_000_000;

/// The model's file, made once in a run.
pub fn model(bench: &Bench) -> Result<PathBuf, Failed> {
    let folder = bench.scratch.path().join("two-gigabytes");
    let path = folder.join("large.onnx");
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder)?;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let weight = [
        varint(1, ELEMENTS),
        varint(2, 1),
        text(8, "weight"),
        key(9, 2),
    ]
    .concat();
    let raw = ELEMENTS * 4;
    let weight_length = weight.len() as u64 + length_of(raw) + raw;
    let before = [
        field(
            1,
            &[
                text(1, "x"),
                text(1, "weight"),
                text(2, "y"),
                text(4, "Add"),
            ]
            .concat(),
        ),
        text(2, "large"),
    ]
    .concat();
    let after = [field(11, &value("x")), field(12, &value("y"))].concat();
    let graph_length =
        before.len() as u64 + 1 + length_of(weight_length) + weight_length + after.len() as u64;
    file.write_all(
        &[
            varint(1, 8),
            field(8, &varint(2, 18)),
            key(7, 2),
            number(graph_length),
        ]
        .concat(),
    )?;
    file.write_all(&before)?;
    file.write_all(&[key(5, 2), number(weight_length), weight, number(raw)].concat())?;
    write_noise(&mut file, raw)?;
    file.write_all(&after)?;
    file.flush()?;
    Ok(path)
}

/// Bytes of a xorshift generator: no compressor finds anything in them.
fn write_noise(file: &mut impl Write, bytes: u64) -> std::io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    Ok(())
}

/// A value of one dynamic axis, 32-bit float.
fn value(name: &str) -> Vec<u8> {
    let axis = field(1, &text(2, "n"));
    let tensor = [varint(1, 1), field(2, &axis)].concat();
    [text(1, name), field(2, &field(1, &tensor))].concat()
}

fn key(field: u64, wire: u64) -> Vec<u8> {
    number(field << 3 | wire)
}

fn varint(field: u64, value: u64) -> Vec<u8> {
    [key(field, 0), number(value)].concat()
}

fn text(number: u64, value: &str) -> Vec<u8> {
    field(number, value.as_bytes())
}

fn field(field: u64, bytes: &[u8]) -> Vec<u8> {
    [key(field, 2), number(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn length_of(value: u64) -> u64 {
    number(value).len() as u64
}
