//! docs/CLI.md says what the program takes.

use std::fmt::Write as _;
use std::path::Path;

use boxwright_studio::Code;
use clap::{Arg, Command, CommandFactory};

use super::*;

const REFERENCE: &str = "../../docs/CLI.md";

fn program() -> Command {
    let mut program = Arguments::command();
    program.build();
    program
}

/// The commands, but for the one that prints help.
fn commands(program: &Command) -> impl Iterator<Item = &Command> {
    let all = program.get_subcommands();
    all.filter(|command| command.get_name() != "help")
}

/// How a command is written, and what each of its arguments means.
fn table(command: &Command) -> String {
    let mut text = String::new();
    let is_program = command.get_subcommands().next().is_some();
    if !is_program {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = write!(text, "    {usage}\n\n");
    }
    let all = command.get_arguments().filter(|argument| {
        let id = argument.get_id().as_str();
        !matches!(id, "help" | "version") && argument.is_global_set() == is_program
    });
    let arguments: Vec<&Arg> = all.collect();
    if !arguments.is_empty() {
        text.push_str("| argument | is |\n| --- | --- |\n");
    }
    for argument in arguments {
        let (name, meaning) = (name(argument), meaning(argument));
        let _ = writeln!(text, "| `{name}` | {} |", meaning.replace('|', "\\|"));
    }
    text
}

fn name(argument: &Arg) -> String {
    let mut name = match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => String::new(),
    };
    if let Some(short) = argument.get_short() {
        name = format!("-{short}, {name}");
    }
    if argument.get_action().takes_values() {
        let values = argument.get_value_names().unwrap_or_default();
        for value in values {
            let _ = write!(name, " {value}");
        }
        let most = argument
            .get_num_args()
            .map_or(1, |range| range.max_values());
        if most > 1 {
            name.push('…');
        }
    }
    name.trim_start().to_owned()
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut meaning = help.map(ToString::to_string).unwrap_or_default();
    if !meaning.ends_with('.') {
        meaning.push('.');
    }
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let values: Vec<String> = values
            .iter()
            .map(|value| {
                let help = value.get_help().map(|help| format!(" ({help})"));
                format!("`{}`{}", value.get_name(), help.unwrap_or_default())
            })
            .collect();
        if !values.is_empty() {
            let _ = write!(meaning, " One of {}.", values.join(", "));
        }
        if let [default] = argument.get_default_values() {
            let _ = write!(meaning, " Without it: `{}`.", default.to_string_lossy());
        }
    }
    meaning
}

/// The page with the tables of this program in their directories.
fn with_tables(page: &str, program: &Command) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<!-- table: ") {
        let (name, after) = after.split_once(" -->").expect("the comment ends");
        let (_, after) = after.split_once("<!-- end -->").expect("the table ends");
        let command = match name == program.get_name() {
            true => program,
            false => program.find_subcommand(name).expect("a command"),
        };
        let table = table(command);
        let _ = write!(text, "{before}<!-- table: {name} -->\n{table}<!-- end -->");
        rest = after;
    }
    text + rest
}

#[test]
fn the_reference_says_what_help_says() {
    let path = Path::new(REFERENCE);
    let page = std::fs::read_to_string(path).expect("docs/CLI.md");
    let program = program();
    let current = with_tables(&page, &program);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &current).expect("written");
    } else {
        assert!(
            page == current,
            "docs/CLI.md is stale: run this test with UPDATE=1"
        );
    }
    for command in commands(&program) {
        let name = command.get_name();
        assert!(page.contains(&format!("## boxwright {name}\n")), "{name}");
        let table = format!("<!-- table: {name} -->");
        assert_eq!(page.matches(&table).count(), 1, "{name}");
    }
    for code in Code::ALL {
        assert!(page.contains(&format!("| `{code}` |")), "{code}");
    }
}

/// Command lines of `boxwright` in a page's code, as the program gets them.
fn examples(page: &str) -> Vec<Vec<&str>> {
    let (mut examples, mut fenced, mut written) = (Vec::new(), false, true);
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        // A table's usage is no example.
        written ^= line.starts_with("<!-- ");
        let code = if fenced {
            Some(line)
        } else {
            line.strip_prefix("    ")
        };
        let words = code
            .filter(|_| written)
            .unwrap_or_default()
            .split_whitespace();
        // What a shell takes for itself: variables before, redirections behind.
        let command = words.skip_while(|word| word.contains('='));
        let command = command.take_while(|word| !word.starts_with(['<', '>', '|', '#', '&']));
        let command: Vec<&str> = command.collect();
        if command.first() == Some(&"boxwright") {
            examples.push(command);
        }
    }
    examples
}

#[test]
fn every_example_is_understood() {
    let mut seen = std::collections::BTreeSet::new();
    for page in [REFERENCE, "../../README.md"] {
        let text = std::fs::read_to_string(page).expect(page);
        for example in examples(&text) {
            if let Err(error) = Arguments::try_parse_from(&example) {
                panic!("{page}: {}\n{error}", example.join(" "));
            }
            seen.insert(example[1].to_owned());
        }
    }
    let program = program();
    let all = commands(&program).map(|command| command.get_name().to_owned());
    let all: std::collections::BTreeSet<String> = all.collect();
    assert_eq!(seen, all, "each command has an example");
}
