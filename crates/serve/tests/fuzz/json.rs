//! Changes to JSON that leave it JSON.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::dictionary::{NUMBERS, WORDS};
use crate::mutate::{LONGEST, one_of};

/// Marks a string that becomes a number which [`Value`] can't hold.
const NUMBER: &str = "number:";
/// What is put behind strings.
const TAILS: [&str; 5] = ["=", "\u{0}", "\u{fffd}", "\u{10ffff}", "-tensor"];

/// `text` with one to three changes; parts of `other` may come in. `None` where it is no JSON.
pub fn mutated(text: &[u8], other: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    let mut text = String::new();
    let other: Value = serde_json::from_slice(other).unwrap_or_default();
    for _ in 0..rng.usize(1..4) {
        change(&mut value, &other, rng);
        text = value.to_string();
        if text.len() > LONGEST {
            break;
        }
    }
    for number in NUMBERS {
        text = text.replace(&format!("\"{NUMBER}{number}\""), number);
    }
    Some(text.into_bytes())
}

fn change(value: &mut Value, other: &Value, rng: &mut Rng) {
    let place = any_place(value, rng);
    let graft = match rng.u8(..8) {
        0 | 1 => other.pointer(&any_place(other, rng)).cloned(),
        2 | 3 => value.pointer(&any_place(value, rng)).cloned(),
        _ => None,
    };
    let Some(node) = value.pointer_mut(&place) else {
        return;
    };
    if let Some(graft) = graft {
        *node = graft;
        return;
    }
    match (rng.u8(..8), node) {
        (0 | 1, Value::Array(list)) if !list.is_empty() => {
            let element = list[rng.usize(..list.len())].clone();
            let room = LONGEST / (element.to_string().len() + 1);
            let times = *one_of(&[1, 1, 2, 2, 9, 9, 300, 70_000], rng);
            list.extend(std::iter::repeat_n(element, times.min(room)));
        }
        (2, Value::Array(list)) if !list.is_empty() => {
            list.remove(rng.usize(..list.len()));
        }
        (0..=2, Value::Object(map)) if !map.is_empty() => change_key(map, rng),
        (0..=3, Value::String(text)) if !text.starts_with(NUMBER) => match rng.u8(..4) {
            0 => *text = text.repeat(*one_of(&[0, 2, 100], rng)),
            1 => text.push_str(TAILS[rng.usize(..TAILS.len())]),
            2 => text.truncate(text.floor_char_boundary(rng.usize(..=text.len()))),
            _ => *text = (*one_of(&WORDS, rng)).into(),
        },
        (4, node) => {
            for _ in 0..*one_of(&[1, 2, 60, 125, 130], rng) {
                *node = json!([node.take()]);
            }
        }
        (_, node) => *node = extreme(rng),
    }
}

fn change_key(map: &mut Map<String, Value>, rng: &mut Rng) {
    let key = map.keys().nth(rng.usize(..map.len())).cloned();
    let taken = key.and_then(|key| map.remove(&key));
    if let (Some(value), true) = (taken, rng.bool()) {
        map.insert((*one_of(&WORDS, rng)).into(), value);
    }
}

fn extreme(rng: &mut Rng) -> Value {
    match rng.u8(..8) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(true),
        4 => json!(""),
        5 => json!(*one_of(&WORDS, rng)),
        _ => json!(format!("{NUMBER}{}", one_of(&NUMBERS, rng))),
    }
}

/// A pointer (RFC 6901) to any node.
fn any_place(value: &Value, rng: &mut Rng) -> String {
    let mut place = String::new();
    let mut node = value;
    // Deep nodes are as likely as shallow ones where lists are long.
    while rng.u8(..5) > 0 {
        let next = match node {
            Value::Array(list) if !list.is_empty() => {
                let index = rng.usize(..list.len());
                Some((index.to_string(), &list[index]))
            }
            Value::Object(map) if !map.is_empty() => {
                let next = map.iter().nth(rng.usize(..map.len()));
                next.map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
            }
            _ => None,
        };
        let Some((step, value)) = next else { break };
        place = format!("{place}/{step}");
        node = value;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_json_or_has_an_extreme_number() {
        let text =
            br#"{"inputs": [{"name": "a", "shape": [1, 2], "data": [[1.5, 2.5]]}], "id": "7"}"#;
        let mut changed = 0;
        for seed in 0..500 {
            let out =
                mutated(text, br#"{"instances": [null]}"#, &mut Rng::with_seed(seed)).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(!out.contains(NUMBER), "{out}");
            changed += usize::from(
                serde_json::from_str::<Value>(&out).ok() != serde_json::from_slice(text).ok(),
            );
        }
        assert!(changed > 400, "{changed}");
        assert!(mutated(b"{", b"", &mut Rng::with_seed(0)).is_none());
    }
}
