//! Lines of Python that turn a model into ONNX.

/// `text` as a Python string literal, safe to paste whatever the text holds.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            // Marks that turn the order of the text around would show other code than runs.
            c if c.is_control() || is_invisible(c) => {
                let code = u32::from(c);
                literal.push_str(&if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                });
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Lines that export `model`, a `torch.nn.Module` by that name, to the file `onnx` (a literal).
/// Two pictures as an example: a batch of one would be taken for a fixed size.
pub(crate) fn torch_export(onnx: &str) -> String {
    format!(
        "model.eval()\n\
         example = torch.randn(2, 3, 224, 224)  # your input's shape, with two samples\n\
         torch.onnx.export(model, (example,), {onnx}, dynamo=True, external_data=False,\n\
         \x20                 input_names=[\"images\"], output_names=[\"logits\"],\n\
         \x20                 dynamic_shapes=({{0: torch.export.Dim(\"batch\")}},))\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_quotes() {
        assert_eq!(quoted("plain.pt"), r#""plain.pt""#);
        assert_eq!(quoted("\"); import os  #"), r#""\"); import os  #""#);
        assert_eq!(
            quoted("a\\\nb\u{202e}\u{e0041}ü"),
            r#""a\\\u000ab\u202e\U000e0041ü""#
        );
    }
}
