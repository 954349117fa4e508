//! Class names: one a line in a text file, or as training frameworks leave them in a model's
//! metadata.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Most bytes of a labels file.
const LARGEST: u64 = 16 << 20;
/// Most characters of a label.
const LONGEST: usize = 1000;
/// Keys of a model's metadata that hold class names, the surest first.
const KEYS: [&str; 6] = [
    "names",
    "labels",
    "classes",
    "class_names",
    "id2label",
    "label_names",
];

/// The class names in a text, one a line.
///
/// # Errors
/// [`Error::Package`] without a file's name, if a line is empty, too long or no text, or if there
/// is none.
pub fn parse_labels(text: &str) -> Result<Vec<String>> {
    parse(text, Path::new("labels"))
}

/// The class names in the text file at `path`, one a line, UTF-8.
///
/// # Errors
/// [`Error::Io`] if it can't be read, [`Error::Package`] as [`parse_labels`].
pub fn read_labels(path: &Path) -> Result<Vec<String>> {
    let io = |source| Error::io(path, "read", source);
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(refused(path, None, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(io)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused(
            path,
            None,
            "is larger than any list of labels (16 MiB)",
        ));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse(text, path),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(refused(
                path,
                Some(line),
                "is not UTF-8: save the file as UTF-8",
            ))
        }
    }
}

fn parse(text: &str, path: &Path) -> Result<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    let mut labels = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let label = label(line);
        let wrong = if label.is_empty() && !text.is_empty() {
            "is empty: every line is the name of one class"
        } else if label.chars().count() > LONGEST {
            "is longer than 1000 characters: every line is the name of one class"
        } else if label.chars().any(char::is_control) {
            "has control characters: a labels file is plain text, one name a line"
        } else {
            labels.push(label.to_owned());
            continue;
        };
        return Err(refused(path, Some(index + 1), wrong));
    }
    if labels.is_empty() {
        return Err(refused(path, None, "names no class: write one name a line"));
    }
    Ok(labels)
}

fn refused(path: &Path, line: Option<usize>, reason: &str) -> Error {
    Error::Package {
        path: path.to_owned(),
        line,
        field: Some("labels.file".to_owned()),
        reason: reason.to_owned(),
        hint: "A labels file is a text file in UTF-8 with the name of one class a line, in the \
               order of the model's classes."
            .to_owned(),
    }
}

/// The text of a labels file with these names.
pub(crate) fn to_text(labels: &[String]) -> String {
    labels.iter().map(|label| format!("{label}\n")).collect()
}

/// Class names in a model's metadata, by class index.
pub(crate) fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Vec<String>> {
    KEYS.into_iter()
        .find_map(|key| from_value(metadata.get(key)?))
        .or_else(|| characters(metadata.get("character")?))
}

/// The characters of a recogniser of text, or the classes of a detector, one a line, as PaddleOCR's
/// and RapidOCR's models have them. A space at the end goes without saying.
fn characters(text: &str) -> Option<Vec<String>> {
    let text = text.trim_end_matches([' ', '\r', '\n']);
    let names: Vec<String> = text
        .split('\n')
        .map(|line| label(line).to_owned())
        .collect();
    let read = parse_labels(&to_text(&names)).ok()?;
    (names.len() > 1 && read == names).then_some(names)
}

/// The label of a line. A wide space alone is one: it is a character of Chinese text.
fn label(line: &str) -> &str {
    match line.trim_end_matches('\r') {
        "\u{3000}" => "\u{3000}",
        line => line.trim(),
    }
}

/// Class names as JSON or Python writes a list or a dictionary, or separated by lines or commas.
pub(crate) fn from_value(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let is_list = text.starts_with(['[', '{', '(']);
    let names = match text.chars().next()? {
        '[' | '{' | '(' => Literal { rest: text }.names()?,
        _ if text.contains('\n') => text.lines().map(|line| line.trim().to_owned()).collect(),
        _ => text
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect::<Vec<_>>(),
    };
    let proper = |name: &String| {
        !name.is_empty()
            && name.chars().count() <= LONGEST
            && !name.chars().any(char::is_control)
            && name.trim() == name
    };
    // A detector of persons has one name; a word alone is no list.
    let least = if is_list { 1 } else { 2 };
    (names.len() >= least && names.iter().all(proper)).then_some(names)
}

/// Class names by index from pairs of them, if the indices are 0, 1, 2 and so on.
pub(crate) fn by_index(pairs: impl IntoIterator<Item = (u64, String)>) -> Option<Vec<String>> {
    let names: BTreeMap<u64, String> = pairs.into_iter().collect();
    let whole = names
        .keys()
        .enumerate()
        .all(|(index, key)| *key == index as u64);
    (whole && !names.is_empty()).then(|| names.into_values().collect())
}

/// Reads a flat list or dictionary of names, in JSON or as Python's `repr` writes it.
struct Literal<'a> {
    rest: &'a str,
}

/// A name or a class index.
enum Atom {
    Name(String),
    Index(u64),
}

impl Literal<'_> {
    fn names(mut self) -> Option<Vec<String>> {
        let names = match self.next()? {
            '{' => self.dictionary()?,
            '[' => self.list(']')?,
            '(' => self.list(')')?,
            _ => return None,
        };
        self.space();
        self.rest.is_empty().then_some(names)
    }

    fn list(&mut self, end: char) -> Option<Vec<String>> {
        let mut names = Vec::new();
        while !self.accept(end) {
            match self.atom()? {
                Atom::Name(name) => names.push(name),
                Atom::Index(_) => return None,
            }
            if !self.accept(',') {
                return self.accept(end).then_some(names);
            }
        }
        Some(names)
    }

    /// `{0: "cat"}`, `{"0": "cat"}` or `{"cat": 0}`.
    fn dictionary(&mut self) -> Option<Vec<String>> {
        let mut pairs = Vec::new();
        while !self.accept('}') {
            let key = self.atom()?;
            if !self.accept(':') {
                return None;
            }
            pairs.push(match (key, self.atom()?) {
                (Atom::Index(index), Atom::Name(name)) | (Atom::Name(name), Atom::Index(index)) => {
                    (index, name)
                }
                (Atom::Name(key), Atom::Name(name)) => (key.parse().ok()?, name),
                _ => return None,
            });
            if !self.accept(',') {
                if !self.accept('}') {
                    return None;
                }
                break;
            }
        }
        let count = pairs.len();
        by_index(pairs).filter(|names| names.len() == count)
    }

    fn atom(&mut self) -> Option<Atom> {
        self.space();
        match self.rest.chars().next()? {
            quote @ ('"' | '\'') => {
                self.next();
                Some(Atom::Name(self.string(quote)?))
            }
            '0'..='9' => {
                let end = self
                    .rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(self.rest.len());
                let (digits, rest) = self.rest.split_at(end);
                self.rest = rest;
                Some(Atom::Index(digits.parse().ok()?))
            }
            _ => None,
        }
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.next()? {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'x' => char::from_u32(self.hexadecimal(2)?)?,
            'U' => char::from_u32(self.hexadecimal(8)?)?,
            'u' => {
                let first = self.hexadecimal(4)?;
                // JSON writes what lies past 16 bits as a pair of surrogates.
                if (0xd800..0xdc00).contains(&first) && self.rest.starts_with("\\u") {
                    self.rest = &self.rest[2..];
                    let second = self.hexadecimal(4)?.checked_sub(0xdc00)?;
                    char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)?
                } else {
                    char::from_u32(first)?
                }
            }
            c => c,
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let code = self.rest.get(..digits)?;
        self.rest = &self.rest[digits..];
        // `from_str_radix` alone would take a sign.
        code.bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(code, 16).ok())?
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn accept(&mut self, wanted: char) -> bool {
        self.space();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_has_one_label_a_line() {
        let labels =
            parse_labels("\u{feff}tench, Tinca tinca\r\n  cat \r\ncrane\ncrane\n\n").unwrap();
        assert_eq!(labels, ["tench, Tinca tinca", "cat", "crane", "crane"]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, message) in [
            ("", "labels: names no class: write one name a line"),
            (" \n\n", "labels: names no class: write one name a line"),
            (
                "a\n\nb",
                "labels line 2: is empty: every line is the name of one class",
            ),
            (
                "a\n\u{1}\n",
                "labels line 2: has control characters: a labels file is plain text, one name a line",
            ),
        ] {
            assert_eq!(
                parse_labels(text).unwrap_err().to_string(),
                message,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_text_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"a\nb\xff\n").unwrap();
        let message = read_labels(file.path()).unwrap_err().to_string();
        assert!(
            message.ends_with("line 2: is not UTF-8: save the file as UTF-8"),
            "{message}"
        );
    }

    #[test]
    fn metadata_is_understood_in_every_common_shape() {
        for text in [
            r#"["cat", "o'dog", "日本"]"#,
            r#"{"0": "cat", "1": "o'dog", "2": "日本"}"#,
            r#"{"2": "日本", "1": "o'dog", "0": "cat"}"#,
            r#"{"cat": 0, "o'dog": 1, "日本": 2}"#,
            r#"{0: 'cat', 1: "o'dog", 2: '日本'}"#,
            r"{0: 'cat', 1: 'o\'dog', 2: '\u65e5\u672c',}",
            r"['cat', 'o\x27dog', '\u65e5\U0000672c']",
            "('cat', \"o'dog\", '日本')",
            "cat\no'dog\r\n日本\n",
            "cat, o'dog,日本",
        ] {
            let names = from_value(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(names, ["cat", "o'dog", "日本"], "{text}");
        }
        assert_eq!(from_value(r#"["\ud83d\ude00", "b"]"#).unwrap(), ["😀", "b"]);
        assert_eq!(from_value("{0: 'person'}").unwrap(), ["person"]);
    }

    #[test]
    fn metadata_that_names_no_classes_is_left_alone() {
        for text in [
            "",
            "cat",
            "[1, 2]",
            "{0: 'a', 2: 'b'}",
            "{0: 'a', 0: 'b'}",
            "['a', 'b'",
            "['a', ''] x",
            "{'a': 'b'}",
            "['a\\n', 'b']",
            "[['a'], ['b']]",
        ] {
            assert_eq!(from_value(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC*|[\\[\\]{}'\",:\\\\0-9a-z\n ]*") {
            drop(parse_labels(&text));
            drop(from_value(&text));
        }

        #[test]
        fn what_was_written_is_read_again(labels in proptest::collection::vec("[^\\pC\\s]([^\\pC\\pZ]| )*[^\\pC\\s]", 1..20)) {
            prop_assume!(labels.iter().all(|l| l.trim() == l && !l.starts_with('\u{feff}')));
            prop_assert_eq!(parse_labels(&to_text(&labels)).unwrap(), labels);
        }
    }
}
