//! The page's types are generated from the Rust source and kept current by this test.
//! `UPDATE=1 cargo test -p boxwright-studio --features ts --test typescript` writes them anew.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::Path;

use boxwright_studio::api;
use ts_rs::{Config, TS, TypeVisitor};

const HEADER: &str = "\
// Generated from crates/studio/src/api and the types it names. Don't edit:
//   UPDATE=1 cargo test -p boxwright-studio --features ts --test typescript
";

struct Collected {
    config: Config,
    declarations: BTreeMap<String, String>,
}

impl TypeVisitor for Collected {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only our own types have a file of their own; the rest are TypeScript's.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            if self.declarations.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", T::decl(&self.config));
            self.declarations.insert(name, text);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn contract() -> String {
    let config = Config::new().with_large_int("number");
    let mut all = Collected {
        config,
        declarations: BTreeMap::new(),
    };
    all.visit::<api::State>();
    all.visit::<api::Event>();
    all.visit::<api::PublishRequest>();
    all.visit::<api::RecipeChoice>();
    all.visit::<api::SignIn>();
    all.visit::<api::SignInOutcome>();
    all.visit::<api::Pick>();
    all.visit::<api::ExportFormat>();
    all.visit::<api::Doctor>();
    let declarations: Vec<String> = all
        .declarations
        .into_values()
        .map(|text| tidy(&text))
        .collect();
    format!("{HEADER}\n{}", declarations.join("\n"))
}

/// A comment of one line on one line, fields indented, no blanks at the ends of lines.
fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.replace(", };", ",\n};").lines().map(str::trim_end) {
        inside &= !line.starts_with('}');
        let indent = if inside { "  " } else { "" };
        if line == " */" && lines.len() >= 2 && lines[lines.len() - 2].trim() == "/**" {
            let comment = lines.pop().unwrap_or_default();
            let comment = comment.trim().trim_start_matches('*').trim();
            let last = lines.len() - 1;
            lines[last] = format!("{indent}/** {comment} */");
        } else {
            lines.push(format!("{indent}{line}"));
        }
        inside |= line.ends_with('{');
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_generated_typescript_is_current() {
    let path = Path::new("../../ui/src/generated/contract.ts");
    let text = contract();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("the path has a folder")).expect("made");
        std::fs::write(path, &text).expect("written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "{} is stale: see its first lines",
        path.display()
    );
}
