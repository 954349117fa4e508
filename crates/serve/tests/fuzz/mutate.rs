//! Makes inputs of the corpus' inputs. What comes out depends on the random numbers alone.

use std::io::Write;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::dictionary::{HEADER_LENGTH, HEADERS, LENGTHS, MARKS, METHODS, NUMBERS, STEPS};
use crate::request::{Input, Request, Seed};
use crate::{json, protobuf};

/// No part of an input is made longer: four at a time find room in the memory that the server has.
pub const LONGEST: usize = 1 << 20;
/// A header's value, and the path.
const LONGEST_LINE: usize = 8 << 10;
/// All headers. What is longer need not be answered in words, or, by HTTP/2, at all.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 90;

/// One of a list.
pub fn one_of<'a, T>(list: &'a [T], rng: &mut Rng) -> &'a T {
    &list[rng.usize(..list.len())]
}

/// The next input that its protocol frames, made of the corpus.
pub fn framed(corpus: &[Seed], rng: &mut Rng) -> Input {
    let requests: Vec<&Input> = corpus
        .iter()
        .map(|seed| &seed.input)
        .filter(|input| input.request().is_some())
        .collect();
    let mut input = (*one_of(&requests, rng)).clone();
    let other = one_of(&requests, rng).request();
    if let (Input::Http(request) | Input::Grpc(request), Some(other)) = (&mut input, other) {
        changed(request, other, rng);
    }
    input
}

/// The next input of bytes: what frames a request is changed too.
pub fn raw(corpus: &[Seed], rng: &mut Rng) -> Input {
    let other = match &one_of(corpus, rng).input {
        Input::Raw(bytes) => bytes.clone(),
        Input::Http(request) | Input::Grpc(request) => request.on_wire(),
    };
    let other = &other[..other.len().min(1 << 10)];
    Input::Raw(match &one_of(corpus, rng).input {
        Input::Raw(raw) => bytes(raw, other, rng),
        Input::Http(request) | Input::Grpc(request) => {
            let wire = request.on_wire();
            let (head, body) = wire.split_at(wire.len() - request.body.len());
            [bytes(head, other, rng), body.into()].concat()
        }
    })
}

fn changed(request: &mut Request, other: &Request, rng: &mut Rng) {
    for _ in 0..rng.usize(1..4) {
        match rng.u8(..20) {
            0 => request.path = path(&request.path, &other.path, rng),
            1 if rng.u8(..4) == 0 => request.method = (*one_of(&METHODS, rng)).into(),
            1..=3 => headers(request, other, rng),
            4 => compress(request, rng),
            _ => body(request, other, rng),
        }
        request.body.truncate(LONGEST);
        request.headers.truncate(MOST_HEADERS);
        let mut head = 0;
        request.headers.retain(|(name, value)| {
            head += name.len() + value.len() + 32;
            head < LONGEST_HEAD
        });
    }
}

fn path(before: &str, other: &str, rng: &mut Rng) -> String {
    let cut = before.floor_char_boundary(rng.usize(..=before.len()));
    let (head, tail) = before.split_at(cut);
    let mut path = match rng.u8(..6) {
        0 => other.to_owned(),
        1 => format!("{head}{}{tail}", one_of(&STEPS, rng)),
        2 => format!("{before}{}", one_of(&STEPS, rng)),
        3 => format!("{head}{}", "a%20".repeat(rng.usize(..1000))),
        4 => format!("{head}{other}"),
        _ => head.to_owned(),
    };
    path.truncate(LONGEST_LINE);
    match path.starts_with('/') {
        true => path,
        false => format!("/{path}"),
    }
}

fn headers(request: &mut Request, other: &Request, rng: &mut Rng) {
    let count = request.headers.len();
    match rng.u8(..7) {
        0 if count > 0 => drop(request.headers.swap_remove(rng.usize(..count))),
        1 if count > 0 => {
            let (name, value) = request.headers[rng.usize(..count)].clone();
            let times = rng.usize(1..60);
            request
                .headers
                .extend(std::iter::repeat_n((name, value), times));
        }
        2 if count > 0 => {
            let (_, value) = &mut request.headers[rng.usize(..count)];
            *value = bytes(value, b"", rng);
            value.retain(|byte| *byte == b'\t' || (0x20..0x7f).contains(byte) || *byte >= 0x80);
            value.truncate(LONGEST_LINE);
        }
        3 if !other.headers.is_empty() => {
            let (name, value) = one_of(&other.headers, rng).clone();
            request.set_header(&name, value);
        }
        4 => request.set_header(HEADER_LENGTH, *one_of(&NUMBERS, rng)),
        5 => {
            let (name, value) = one_of(&HEADERS, rng);
            request.headers.push(((*name).into(), (*value).into()));
        }
        _ => {
            let (name, value) = one_of(&HEADERS, rng);
            request.set_header(name, *value);
        }
    }
}

/// Compresses the body as one header or another says.
fn compress(request: &mut Request, rng: &mut Rng) {
    let body = std::mem::take(&mut request.body);
    let (fast, out) = (Compression::fast(), Vec::new());
    let mut gzip = GzEncoder::new(out.clone(), fast);
    let (name, packed) = match rng.u8(..8) {
        0 => (
            "deflate",
            written(ZlibEncoder::new(out, fast), &body).finish(),
        ),
        1 => (
            "deflate",
            written(DeflateEncoder::new(out, fast), &body).finish(),
        ),
        2 => {
            let nothing = vec![0; 4 << 20];
            gzip.write_all(&nothing).unwrap();
            ("gzip", gzip.finish())
        }
        _ => ("gzip", written(gzip, &body).finish()),
    };
    request.body = packed.unwrap();
    request.set_header("Content-Encoding", name);
}

fn written<W: Write>(mut writer: W, bytes: &[u8]) -> W {
    writer.write_all(bytes).unwrap();
    writer
}

fn body(request: &mut Request, other: &Request, rng: &mut Rng) {
    let kind = request.header("Content-Type").unwrap_or_default();
    if kind.starts_with(b"application/grpc") {
        return messages(request, other, rng);
    }
    let length = request.header(HEADER_LENGTH);
    let length: Option<usize> =
        length.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let cut = length.unwrap_or(request.body.len()).min(request.body.len());
    let (text, rest) = request.body.split_at(cut);
    let made = match rng.u8(..3) {
        0 => None,
        _ => json::mutated(text, &other.body, rng),
    };
    let Some(text) = made else {
        request.body = bytes(&request.body, &other.body, rng);
        return;
    };
    request.body = [&text, rest].concat();
    if length.is_some() && rng.u8(..10) > 0 {
        request.set_header(HEADER_LENGTH, text.len().to_string());
    }
}

/// Changes one of the messages of gRPC.
fn messages(request: &mut Request, other: &Request, rng: &mut Rng) {
    let mut frames = frames(&request.body);
    if frames.is_empty() || rng.u8(..12) == 0 {
        request.body = bytes(&request.body, &other.body, rng);
        return;
    }
    let other = other.body.get(5..).unwrap_or_default();
    let place = rng.usize(..frames.len());
    let (flag, message) = &mut frames[place];
    let made = match rng.u8(..4) {
        0 => None,
        _ => protobuf::mutated(message, other, rng),
    };
    *message = made.unwrap_or_else(|| bytes(message, other, rng));
    if rng.u8(..16) == 0 {
        let gzip = GzEncoder::new(Vec::new(), Compression::fast());
        *message = written(gzip, message).finish().unwrap();
        *flag = 1;
        request
            .headers
            .push(("grpc-encoding".into(), "gzip".into()));
    }
    if rng.u8(..12) == 0 {
        let again = frames[place].clone();
        frames.extend(std::iter::repeat_n(again, *one_of(&[1, 20], rng)));
    }
    request.body.clear();
    for (flag, message) in frames {
        request.body.push(flag);
        request.body.extend((message.len() as u32).to_be_bytes());
        request.body.extend(message);
    }
}

fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(([flag, length @ ..], rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else {
            break;
        };
        frames.push((*flag, message.to_vec()));
        body = rest;
    }
    frames
}

/// Bytes with one change to eight.
fn bytes(before: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = before.to_vec();
    for _ in 0..*one_of(&[1, 1, 1, 2, 8], rng) {
        change(&mut bytes, other, rng);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.usize(..=bytes.len());
    let end = bytes.len().min(at + rng.usize(..64));
    match rng.u8(..12) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
        1 if at < bytes.len() => bytes[at] = *one_of(&[0, 1, 0x7f, 0x80, 0xff, b'\n', b'"'], rng),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let part = bytes[at..end].to_vec();
            let room = LONGEST / (part.len() + 1);
            let times = *one_of(&[1, 1, 2, 2, 50, 50, 300, 100_000], rng);
            drop(bytes.splice(at..at, part.repeat(times.min(room))));
        }
        5 => drop(bytes.splice(at..at, one_of(&MARKS, rng).iter().copied())),
        6 => drop(bytes.splice(
            at..end,
            (0..rng.usize(..16)).map(|_| rng.u8(..)).collect::<Vec<_>>(),
        )),
        7 | 8 => number(bytes, rng),
        9 => {
            let length = *one_of(&LENGTHS, rng);
            let (little, big) = (length.to_le_bytes(), length.to_be_bytes());
            let length = *one_of(
                &[
                    &little[..],
                    &little[..4],
                    &little[..2],
                    &big[..],
                    &big[4..],
                    &big[6..],
                ],
                rng,
            );
            let end = bytes.len().min(at + length.len());
            drop(bytes.splice(at..end, length.iter().copied()));
        }
        10 => {
            let from = rng.usize(..=other.len());
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        _ => {
            let from = rng.usize(..=other.len());
            let part = &other[from..other.len().min(from + rng.usize(..256))];
            drop(bytes.splice(at..at, part.iter().copied()));
        }
    }
}

/// Puts an extreme number in the place of one that stands in the text.
fn number(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let start = rng.usize(..=bytes.len());
    let Some(first) = bytes[start..].iter().position(u8::is_ascii_digit) else {
        return;
    };
    let first = start + first;
    let digits = bytes[first..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    drop(bytes.splice(first..first + digits, one_of(&NUMBERS, rng).bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::corpus;

    #[test]
    fn the_same_random_numbers_make_the_same_inputs_and_others_make_others() {
        let corpus = corpus("pictures", &["http", "grpc", "raw"]);
        let inputs = |seed| {
            let mut rng = Rng::with_seed(seed);
            let two = |_| [framed(&corpus, &mut rng), raw(&corpus, &mut rng)];
            (0..150).flat_map(two).collect::<Vec<_>>()
        };
        let (one, other) = (inputs(1), inputs(2));
        assert_eq!(one, inputs(1));
        assert!(one.iter().zip(&other).all(|(one, other)| one != other));
        let untouched = |input: &&Input| corpus.iter().any(|seed| seed.input == **input);
        let untouched = one.iter().filter(untouched).count();
        assert!(untouched < 60, "{untouched} of 300");
    }
}
