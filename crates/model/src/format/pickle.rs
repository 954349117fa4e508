//! Pickles: programs for a small machine that can call any function of Python. They are told by
//! their opcodes, and never run.

use super::source::Fault;
use super::suspect::{Recognised, Suspect};

/// Opcodes that must make sense before a file counts as a pickle.
const ENOUGH: usize = 12;

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let len = suspect.source.len();
    let Some(last) = len.checked_sub(1) else {
        return Ok(None);
    };
    let whole = len <= suspect.head.len() as u64;
    if !begins_like_pickle(&suspect.head, whole) {
        return Ok(None);
    }
    // Text may begin like the oldest protocol: that has to end like it, too.
    if suspect.head[0] != 0x80 && suspect.source.peek(last, 1)? != b"." {
        return Ok(None);
    }
    Ok(Some(Recognised::new("a Python pickle", hint(suspect))))
}

/// What joblib writes with `compress=3`: a stream that begins with one of zlib's four headers.
pub(super) fn compressed(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let zlib = matches!(suspect.head[..], [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]);
    let what = "a zlib stream, as joblib compresses pickles";
    Ok(zlib.then(|| Recognised::new(what, hint(suspect))))
}

fn hint(suspect: &Suspect) -> String {
    format!(
        "A pickle can run any code when it is loaded, so Boxwright does not open it. If it is a \
         scikit-learn model and you trust it, export it to ONNX, and open that:\n\n\
         import joblib\n\
         from skl2onnx import to_onnx\n\
         from skl2onnx.common.data_types import FloatTensorType\n\n\
         model = joblib.load({})\n\
         inputs = [(\"input\", FloatTensorType([None, model.n_features_in_]))]\n\
         options = {{id(model): {{\"zipmap\": False}}}} if hasattr(model, \"classes_\") else None\n\
         onnx = to_onnx(model, initial_types=inputs, options=options)\n\
         with open({}, \"wb\") as file:\n\
         \x20   file.write(onnx.SerializeToString())\n",
        suspect.python, suspect.onnx
    )
}

/// Whether the first opcodes are those of a pickle. `whole` says that `bytes` is all there is.
pub(super) fn begins_like_pickle(bytes: &[u8], whole: bool) -> bool {
    if let [0x80, protocol, ..] = bytes
        && !(2..=5).contains(protocol)
    {
        return false;
    }
    let (mut at, mut opcodes, mut told) = (0, 0, bytes.first() == Some(&0x80));
    while opcodes < ENOUGH {
        let Some(&opcode) = bytes.get(at) else {
            // Cut off by the window rather than by the file's end, after something telling.
            return !whole && told && opcodes > 0;
        };
        if opcode == b'.' {
            return told && opcodes > 0;
        }
        // Objects are made by these; a pickle of the oldest protocol without one is just numbers.
        told |= matches!(opcode, b'c' | b'(' | b']' | b'}' | b')');
        let Some(size) = argument(opcode, &bytes[at + 1..]) else {
            return false;
        };
        at = at.saturating_add(1 + size);
        opcodes += 1;
    }
    told
}

/// The size of an opcode's argument; `None` for what is no opcode.
fn argument(opcode: u8, rest: &[u8]) -> Option<usize> {
    let counted = |width: usize| -> Option<usize> {
        let count = rest
            .get(..width)?
            .iter()
            .rev()
            .try_fold(0_usize, |count, byte| {
                count.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
        width.checked_add(count)
    };
    let lines = |count: usize| -> Option<usize> {
        let mut size = 0;
        for _ in 0..count {
            let line = rest.get(size..)?.iter().position(|byte| *byte == b'\n')?;
            if rest[size..size + line].iter().any(|byte| *byte < b' ') {
                return None;
            }
            size += line + 1;
        }
        Some(size)
    };
    Some(match opcode {
        0x80 | b'K' | b'h' | b'q' | 0x82 => 1,
        b'M' | 0x83 => 2,
        b'J' | b'j' | b'r' | 0x84 => 4,
        b'G' | 0x95 => 8,
        b'U' | b'C' | 0x8a | 0x8c => counted(1)?,
        b'T' | b'B' | b'X' | 0x8b => counted(4)?,
        0x8d | 0x8e | 0x96 => counted(8)?,
        b'c' | b'i' => lines(2)?,
        b'I' | b'L' | b'F' | b'S' | b'V' | b'P' | b'g' | b'p' => lines(1)?,
        b'('
        | b'.'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b'a'
        | b'b'
        | b'd'
        | b'}'
        | b'e'
        | b'l'
        | b']'
        | b'o'
        | b's'
        | b't'
        | b')'
        | b'u'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => 0,
        _ => return None,
    })
}
