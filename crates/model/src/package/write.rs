//! Writing a package file's text: always the same for the same package, in the order of
//! `docs/PACKAGE.md`.

use std::fmt::{Display, Write};

use super::file::{
    ImageDtype, Input, InputKind, Layout, ModelFile, Package, SizeOrder, StrideRounding,
};
use super::postprocess::{Activation, Head, Normalise, Postprocess, Range, Task, Upsample};
use super::preprocess::Preprocess;

impl Package {
    /// The package file's text. Reading it gives the same package, every number exactly.
    pub fn to_toml(&self) -> String {
        let mut text = Text(String::new());
        text.key("format", self.format);
        text.table("[package]");
        text.key("name", quoted(&self.package.name));
        text.key("version", quoted(&self.package.version));
        text.key("description", quoted(&self.package.description));
        text.table("[model]");
        text.key("files", files(&self.model.files));
        for input in &self.input {
            text.input(input);
        }
        text.preprocess(&self.preprocess);
        text.postprocess(&self.postprocess);
        if let Some(labels) = &self.labels {
            text.table("[labels]");
            text.key("file", quoted(&labels.file));
        }
        text.table("[batch]");
        text.key("max_size", self.batch.max_size);
        text.key("max_delay_ms", self.batch.max_delay_ms);
        text.table("[resources]");
        text.key("memory_mb", self.resources.memory_mb);
        text.key("cpus", count(self.resources.cpus));
        text.key("gpus", self.resources.gpus);
        text.0
    }
}

struct Text(String);

impl Text {
    fn table(&mut self, header: &str) {
        self.0.push('\n');
        self.0.push_str(header);
        self.0.push('\n');
    }

    fn key(&mut self, key: &str, value: impl Display) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.key(key, value);
        }
    }

    fn text(&mut self, key: &str, value: Option<&String>) {
        self.optional(key, value.map(|value| quoted(value)));
    }

    fn input(&mut self, input: &Input) {
        self.table("[[input]]");
        self.key("name", quoted(&input.name));
        self.key("kind", quoted(input.kind.name()));
        // Fields of pictures would only puzzle where the input is a tensor.
        if input.kind == InputKind::Image || input.layout != Layout::default() {
            self.key("layout", quoted(input.layout.name()));
        }
        if input.kind == InputKind::Image || input.dtype != ImageDtype::default() {
            self.key("dtype", quoted(input.dtype.name()));
        }
        self.optional("width", input.width);
        self.optional("height", input.height);
        self.optional("stride", input.stride);
        if input.stride_rounding != StrideRounding::default() {
            self.key("stride_rounding", quoted(input.stride_rounding.name()));
        }
        if !input.value.is_empty() {
            self.key("value", floats(&input.value));
        }
        if input.kind == InputKind::OriginalSize || input.order != SizeOrder::default() {
            self.key("order", quoted(input.order.name()));
        }
    }

    /// Fields that change nothing, since they are at their default or belong to another choice,
    /// are left out: all but those that every reader looks for.
    fn preprocess(&mut self, preprocess: &Preprocess) {
        let default = Preprocess::default();
        self.table("[preprocess]");
        if preprocess.decode != default.decode {
            self.key("decode", quoted(preprocess.decode.name()));
        }
        if preprocess.draft {
            self.key("draft", true);
        }
        self.optional("jpeg_quality", preprocess.jpeg_quality);
        self.optional("central_crop", preprocess.central_crop.map(float));
        self.resizing(preprocess, &default);
        self.key("crop", quoted(preprocess.crop.name()));
        self.key("channels", quoted(preprocess.channels.name()));
        if preprocess.grey != default.grey {
            self.key("grey", quoted(preprocess.grey.name()));
        }
        if preprocess.scale != default.scale {
            self.key("scale", quoted(preprocess.scale.name()));
        }
        self.key("mean", floats(&preprocess.mean));
        self.key("std", floats(&preprocess.std));
        if preprocess.arithmetic != default.arithmetic {
            self.key("arithmetic", quoted(preprocess.arithmetic.name()));
        }
        self.key("exif", preprocess.exif);
    }

    fn resizing(&mut self, preprocess: &Preprocess, default: &Preprocess) {
        self.key("resize", quoted(preprocess.resize.name()));
        self.optional("size", preprocess.size);
        self.optional("max_size", preprocess.max_size);
        self.optional(
            "long_side",
            preprocess.long_side.map(|rounding| quoted(rounding.name())),
        );
        self.optional("pad", preprocess.pad.map(|pad| format!("{pad:?}")));
        self.optional("pad_normalised", preprocess.pad_normalised.map(float));
        if preprocess.align != default.align {
            self.key("align", quoted(preprocess.align.name()));
        }
        self.key("filter", quoted(preprocess.filter.name()));
        self.optional("antialias", preprocess.antialias);
        if preprocess.resize_in != default.resize_in {
            self.key("resize_in", quoted(preprocess.resize_in.name()));
        }
    }

    fn postprocess(&mut self, postprocess: &Postprocess) {
        self.table("[postprocess]");
        self.key("task", quoted(postprocess.task.name()));
        self.text("output", postprocess.output.as_ref());
        // Fields of other tasks would only puzzle.
        if postprocess.task == Task::Classification
            || postprocess.activation != Activation::default()
        {
            self.key("activation", quoted(postprocess.activation.name()));
        }
        if postprocess.task == Task::Classification || postprocess.top_k != 5 {
            self.key("top_k", postprocess.top_k);
        }
        if !postprocess.heads.is_empty() {
            self.key("heads", heads(&postprocess.heads));
        }
        self.optional("score_digits", postprocess.score_digits);
        self.boxes(postprocess);
        self.pixels(postprocess);
        if postprocess.normalise != Normalise::default() {
            self.key("normalise", quoted(postprocess.normalise.name()));
        }
        if postprocess.task == Task::Text || postprocess.blank != 0 {
            self.key("blank", postprocess.blank);
        }
    }

    fn boxes(&mut self, postprocess: &Postprocess) {
        self.optional("decoder", postprocess.decoder.map(|one| quoted(one.name())));
        let roles = postprocess.outputs.roles().into_iter();
        let named: Vec<String> = roles
            .filter_map(|(role, name)| Some(format!("{role} = {}", quoted(name?))))
            .collect();
        if !named.is_empty() {
            self.key("outputs", format!("{{ {} }}", named.join(", ")));
        }
        let format = postprocess.box_format.map(|one| quoted(one.name()));
        self.optional("box_format", format);
        self.optional("score_threshold", postprocess.score_threshold.map(float));
        self.optional("iou_threshold", postprocess.iou_threshold.map(float));
        self.optional("max_detections", postprocess.max_detections);
        self.optional("class_agnostic", postprocess.class_agnostic);
        self.optional("first_class", postprocess.first_class);
        let keypoints = postprocess.keypoints.map(|shape| format!("{shape:?}"));
        self.optional("keypoints", keypoints);
    }

    fn pixels(&mut self, postprocess: &Postprocess) {
        if postprocess.reduce_labels {
            self.key("reduce_labels", true);
        }
        if postprocess.upsample != Upsample::default() {
            self.key("upsample", quoted(postprocess.upsample.name()));
        }
        self.optional("threshold", postprocess.threshold.map(float));
        if postprocess.range != Range::default() {
            self.key("range", quoted(postprocess.range.name()));
        }
    }
}

/// One head a line.
fn heads(heads: &[Head]) -> String {
    let line = |head: &Head| {
        let classes: Vec<String> = head.classes.iter().map(|name| quoted(name)).collect();
        let classes = match classes.is_empty() {
            true => String::new(),
            false => format!(", classes = [{}]", classes.join(", ")),
        };
        let (output, activation) = (quoted(&head.output), quoted(head.activation.name()));
        format!("  {{ output = {output}, activation = {activation}{classes} }},\n")
    };
    format!("[\n{}]", heads.iter().map(line).collect::<String>())
}

fn files(files: &[ModelFile]) -> String {
    let file = |file: &ModelFile| match &file.sha256 {
        Some(sha256) => format!(
            "{{ path = {}, sha256 = {} }}",
            quoted(&file.path),
            quoted(sha256)
        ),
        None => format!("{{ path = {} }}", quoted(&file.path)),
    };
    match files {
        [one] => format!("[{}]", file(one)),
        many => {
            let lines: String = many.iter().map(|f| format!("    {},\n", file(f))).collect();
            if lines.is_empty() {
                "[]".to_owned()
            } else {
                format!("[\n{lines}]")
            }
        }
    }
}

/// The shortest decimal that is read as the same number, of 32 or 64 bits.
fn float(number: impl std::fmt::Debug) -> String {
    // TOML's word is in lower case.
    format!("{number:?}").replace("NaN", "nan")
}

fn floats(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().copied().map(float).collect();
    format!("[{}]", numbers.join(", "))
}

/// A number that is mostly whole, such as of cores.
fn count(number: f32) -> String {
    if number.fract() == 0.0 && number.abs() < 1e6 {
        format!("{number:.0}")
    } else {
        float(number)
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string can't fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
