//! What is wrong with a package, field by field.

mod postprocess;
mod preprocess;

use super::file::{FORMAT, Input, InputKind, Package};
use super::name::{check_name, check_version};
use crate::{paths, pipeline};
use boxwright_tensor::Signature;

/// Most pixels across or down that an image input may have.
const LARGEST_SIDE: u32 = 16_384;
/// Most samples in one batch.
const LARGEST_BATCH: usize = 4096;
/// Longest that a request may wait for others, in milliseconds.
const LONGEST_DELAY: u64 = 60_000;

impl Package {
    /// What is wrong with the package, as dotted fields (`input.0.width`) with what is wrong and
    /// what to do; empty when it can be used. With the model's `signature`, whether they fit
    /// together too.
    pub fn problems(&self, signature: Option<&Signature>) -> Vec<(String, String)> {
        let mut problems = Problems(Vec::new());
        problems.identity(self);
        problems.files(self);
        problems.inputs(&self.input);
        if let Some(input) = self.image_input() {
            problems.preprocess(&self.preprocess, input);
        }
        problems.postprocess(&self.postprocess);
        problems.serving(self);
        let mut problems = problems.0;
        if let Some(signature) = signature {
            problems.extend(pipeline::problems(self, signature));
        }
        problems
    }

    /// The input that takes pictures, if one does.
    pub fn image_input(&self) -> Option<&Input> {
        self.input
            .iter()
            .find(|input| input.kind == InputKind::Image)
    }
}

struct Problems(Vec<(String, String)>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push((field.into(), message.into()));
    }

    fn identity(&mut self, package: &Package) {
        if package.format != FORMAT {
            let message = format!("format {} is not known: it is {FORMAT}", package.format);
            self.add("format", message);
        }
        let identity = &package.package;
        if let Err(proposal) = check_name(&identity.name) {
            self.add("package.name", format!(
                "`{}` is no name: lower-case letters and digits, separated by single `.`, `_` or \
                 `-`, at most 128 characters; such as `{proposal}`",
                paths::shown(&identity.name)
            ));
        }
        if let Err(proposal) = check_version(&identity.version) {
            self.add("package.version", format!(
                "`{}` is no version: letters, digits, `.`, `_` and `-`, not beginning with `.` or \
                 `-`, at most 128 characters; such as `{proposal}`",
                paths::shown(&identity.version)
            ));
        }
    }

    fn files(&mut self, package: &Package) {
        let files = &package.model.files;
        if files.is_empty() {
            self.add("model.files", "no file is named: the first is the model");
        }
        for (index, file) in files.iter().enumerate() {
            self.path(format!("model.files.{index}.path"), &file.path);
            if files[..index].iter().any(|other| other.path == file.path) {
                let message = format!("`{}` is named twice", paths::shown(&file.path));
                self.add(format!("model.files.{index}.path"), message);
            }
            let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if file
                .sha256
                .as_ref()
                .is_some_and(|s| s.len() != 64 || !s.bytes().all(hexadecimal))
            {
                let message = "no SHA-256: 64 digits in lower-case hexadecimal";
                self.add(format!("model.files.{index}.sha256"), message);
            }
        }
        if let Some(labels) = &package.labels {
            self.path("labels.file".to_owned(), &labels.file);
        }
        let taken = |name: &str| name.eq_ignore_ascii_case(super::FILE_NAME);
        if files.iter().any(|file| taken(&file.path)) {
            self.add(
                "model.files",
                "the package file can't be a file of the model",
            );
        }
        if package.labels.as_ref().is_some_and(|labels| {
            taken(&labels.file) || files.iter().any(|file| file.path == labels.file)
        }) {
            self.add("labels.file", "labels need a file of their own");
        }
    }

    fn path(&mut self, field: String, path: &str) {
        match paths::normal(path) {
            Ok(normal) if normal == path => {}
            Ok(normal) => self.add(field, format!("write this path as `{normal}`")),
            Err(reason) => self.add(field, reason),
        }
    }

    fn inputs(&mut self, inputs: &[Input]) {
        if inputs.is_empty() {
            self.add(
                "input",
                "no input is named: a package has one [[input]] for each of the model's",
            );
        }
        for (index, input) in inputs.iter().enumerate() {
            let field = |name: &str| format!("input.{index}.{name}");
            if inputs[..index].iter().any(|other| other.name == input.name) {
                self.add(
                    field("name"),
                    format!("`{}` is named twice", paths::shown(&input.name)),
                );
            }
            self.extra_input(index, input, inputs);
            if input.kind != InputKind::Image {
                continue;
            }
            if inputs[..index]
                .iter()
                .any(|other| other.kind == InputKind::Image)
            {
                self.add(
                    field("kind"),
                    "one input at most takes pictures: make this a `tensor`",
                );
            }
            let sides = [
                ("width", input.width),
                ("height", input.height),
                ("stride", input.stride),
            ];
            for (name, side) in sides {
                if let Some(side) = side.filter(|side| !(1..=LARGEST_SIDE).contains(side)) {
                    let message = format!("{side} is not from 1 to {LARGEST_SIDE}");
                    self.add(field(name), message);
                }
            }
            match (input.width, input.height) {
                (Some(_), None) => self.add(field("height"), "is needed where the width is given"),
                (None, Some(_)) => self.add(field("width"), "is needed where the height is given"),
                _ => {}
            }
        }
    }

    /// Kinds that go with a picture, and fields of one kind alone.
    fn extra_input(&mut self, index: usize, input: &Input, inputs: &[Input]) {
        let field = |name: &str| format!("input.{index}.{name}");
        match input.kind {
            InputKind::Constant if input.value.is_empty() => {
                self.add(
                    field("value"),
                    "is needed: the numbers that the input always has",
                );
            }
            InputKind::Constant if input.value.iter().any(|number| !number.is_finite()) => {
                self.add(field("value"), "is not a finite number");
            }
            InputKind::Constant => {}
            _ if !input.value.is_empty() => {
                self.add(field("value"), "belongs to the kind `constant`");
            }
            _ => {}
        }
        let with_picture = matches!(input.kind, InputKind::OriginalSize | InputKind::Mask);
        let pictures = inputs.iter().any(|one| one.kind == InputKind::Image);
        if with_picture && !pictures {
            let message = format!("`{}` needs an input of the kind `image`", input.kind);
            self.add(field("kind"), message);
        }
    }

    fn serving(&mut self, package: &Package) {
        let (batch, resources) = (&package.batch, &package.resources);
        if !(1..=LARGEST_BATCH).contains(&batch.max_size) {
            let message = format!("{} is not from 1 to {LARGEST_BATCH}", batch.max_size);
            self.add("batch.max_size", message);
        }
        if batch.max_delay_ms > LONGEST_DELAY {
            self.add(
                "batch.max_delay_ms",
                format!("is more than {LONGEST_DELAY}, a minute"),
            );
        }
        if !(1..=1 << 30).contains(&resources.memory_mb) {
            self.add("resources.memory_mb", "is no size of a main memory in MiB");
        }
        if !(resources.cpus > 0.0 && resources.cpus <= 4096.0) {
            self.add(
                "resources.cpus",
                "is no number of cores: more than 0, at most 4096",
            );
        }
        if resources.gpus > 1024 {
            self.add("resources.gpus", "is more than 1024");
        }
    }
}
