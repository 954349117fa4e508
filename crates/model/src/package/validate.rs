//! What is wrong with a package, field by field.

use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};

use super::file::{
    Channels, Crop, FORMAT, ImageDtype, Input, InputKind, Layout, Package, Postprocess, Preprocess,
    Resize, Task,
};
use super::name::{check_name, check_version};
use crate::paths;

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
        if self.image_input().is_some() {
            problems.preprocess(&self.preprocess);
        }
        problems.postprocess(&self.postprocess);
        problems.serving(self);
        if let Some(signature) = signature {
            problems.fit(self, signature);
        }
        problems.0
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
            for (name, side) in [("width", input.width), ("height", input.height)] {
                match side {
                    None => self.add(
                        field(name),
                        format!("an image input needs its {name} in pixels"),
                    ),
                    Some(1..=LARGEST_SIDE) => {}
                    Some(side) => {
                        self.add(
                            field(name),
                            format!("{side} is not from 1 to {LARGEST_SIDE}"),
                        );
                    }
                }
            }
        }
    }

    fn preprocess(&mut self, preprocess: &Preprocess) {
        match (preprocess.resize, preprocess.size) {
            (Resize::ShortSide, None) => {
                self.add(
                    "preprocess.size",
                    "`short-side` needs the size of the shorter side in pixels",
                );
            }
            (Resize::ShortSide, Some(size)) => self.short_side(preprocess, size),
            _ => {}
        }
        if preprocess.resize == Resize::Letterbox && preprocess.pad.is_none() {
            let message =
                "`letterbox` needs the colour around the picture, such as [114, 114, 114]";
            self.add("preprocess.pad", message);
        }
        let channels = channels(preprocess.channels);
        for (name, numbers) in [("mean", &preprocess.mean), ("std", &preprocess.std)] {
            let field = format!("preprocess.{name}");
            if numbers.len() != 1 && numbers.len() as u64 != channels {
                let count = numbers.len();
                let wanted = if channels == 1 {
                    "1"
                } else {
                    "3, or one for all"
                };
                self.add(
                    &*field,
                    format!("has {count} numbers, and the channels are {wanted}"),
                );
            }
            if numbers.iter().any(|number| !number.is_finite()) {
                self.add(&*field, "must be finite numbers");
            }
        }
        if preprocess.std.contains(&0.0) {
            self.add("preprocess.std", "is divided by, so it can't be 0");
        }
    }

    fn short_side(&mut self, preprocess: &Preprocess, size: u32) {
        if !(1..=LARGEST_SIDE).contains(&size) {
            self.add(
                "preprocess.size",
                format!("{size} is not from 1 to {LARGEST_SIDE}"),
            );
        } else if preprocess.crop == Crop::None {
            self.add(
                "preprocess.crop",
                "`short-side` keeps the picture's own aspect ratio: cut it to the input's size \
                 with `center`, or resize by `stretch` or `letterbox`",
            );
        }
    }

    fn postprocess(&mut self, postprocess: &Postprocess) {
        match postprocess.task {
            Task::Classification | Task::Raw => {}
            task => self.add(
                "postprocess.task",
                format!("`{task}` is not there yet: use `classification` or `raw`"),
            ),
        }
        if postprocess.top_k == 0 {
            self.add("postprocess.top_k", "must be at least 1");
        }
        for (name, threshold) in [
            ("score_threshold", postprocess.score_threshold),
            ("iou_threshold", postprocess.iou_threshold),
        ] {
            if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
                self.add(format!("postprocess.{name}"), "is not from 0 to 1");
            }
        }
        if postprocess
            .box_format
            .as_ref()
            .is_some_and(|f| f != "xyxy" && f != "cxcywh")
        {
            self.add("postprocess.box_format", "is neither `xyxy` nor `cxcywh`");
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

    /// Whether the package fits the model.
    fn fit(&mut self, package: &Package, signature: &Signature) {
        for (index, input) in package.input.iter().enumerate() {
            match signature.inputs.iter().find(|spec| spec.name == input.name) {
                None => {
                    let names = names(&signature.inputs);
                    let name = paths::shown(&input.name);
                    let message = format!("the model has no input `{name}`; it has {names}");
                    self.add(format!("input.{index}.name"), message);
                }
                Some(spec) if input.kind == InputKind::Image => {
                    self.fit_image(index, input, &package.preprocess, spec);
                }
                Some(_) => {}
            }
        }
        for spec in &signature.inputs {
            if !package.input.iter().any(|input| input.name == spec.name) {
                let name = paths::shown(&spec.name);
                self.add(
                    "input",
                    format!("the model's input `{name}` has no [[input]]"),
                );
            }
        }
        self.fit_output(&package.postprocess, signature);
    }

    fn fit_image(
        &mut self,
        index: usize,
        input: &Input,
        preprocess: &Preprocess,
        spec: &TensorSpec,
    ) {
        let field = |name: &str| format!("input.{index}.{name}");
        let name = paths::shown(&spec.name);
        let datatype = match input.dtype {
            ImageDtype::F32 => DataType::Fp32,
            ImageDtype::F16 => DataType::Fp16,
            ImageDtype::U8 => DataType::Uint8,
        };
        if datatype != spec.datatype {
            let message = format!("the model's `{name}` takes {}", spec.datatype.name());
            self.add(field("dtype"), message);
        }
        let Some(shape) = &spec.shape else { return };
        if shape.len() != 4 {
            let message = format!(
                "the model's `{name}` has {} axes, and a batch of pictures has 4: make it a \
                 `tensor`",
                shape.len()
            );
            return self.add(field("kind"), message);
        }
        let [channel, height, width] = match input.layout {
            Layout::Nchw => [1, 2, 3],
            Layout::Nhwc => [3, 1, 2],
        };
        if let Dimension::Fixed(wanted) = shape[channel] {
            self.fit_channels(
                field("layout"),
                input.layout,
                preprocess.channels,
                wanted,
                &name,
            );
        }
        for (side, axis, given) in [
            ("height", height, input.height),
            ("width", width, input.width),
        ] {
            if let (Dimension::Fixed(wanted), Some(given)) = (&shape[axis], given)
                && *wanted != u64::from(given)
            {
                let message = format!("the model's `{name}` has a fixed {side} of {wanted}");
                self.add(field(side), message);
            }
        }
    }

    /// `name` is the input's and `wanted` its number of channels, in the layout that the field
    /// `layout_field` gives.
    fn fit_channels(
        &mut self,
        layout_field: String,
        layout: Layout,
        given: Channels,
        wanted: u64,
        name: &str,
    ) {
        let channels_field = "preprocess.channels".to_owned();
        let (field, message) = match wanted {
            _ if wanted == channels(given) => return,
            1 => (
                channels_field,
                format!("the model's `{name}` takes one channel: use `grey`"),
            ),
            3 => (
                channels_field,
                format!("the model's `{name}` takes three channels: use `rgb` or `bgr`"),
            ),
            _ => (
                layout_field,
                format!(
                    "the model's `{name}` has {wanted} channels in layout {layout}: another \
                     layout, or no picture"
                ),
            ),
        };
        self.add(field, message);
    }

    fn fit_output(&mut self, postprocess: &Postprocess, signature: &Signature) {
        let spec = match &postprocess.output {
            None => signature.outputs.first(),
            Some(output) => {
                let spec = signature.outputs.iter().find(|spec| spec.name == *output);
                if spec.is_none() {
                    let names = names(&signature.outputs);
                    let output = paths::shown(output);
                    let message = format!("the model has no output `{output}`; it has {names}");
                    self.add("postprocess.output", message);
                }
                spec
            }
        };
        let Some(spec) = spec else { return };
        if postprocess.task == Task::Classification && !spec.is_scores() {
            let message = format!(
                "the model's output `{}` is no list of scores, one a class: use the task `raw`, or \
                 name another output",
                paths::shown(&spec.name)
            );
            self.add("postprocess.task", message);
        }
    }
}

fn channels(channels: Channels) -> u64 {
    match channels {
        Channels::Rgb | Channels::Bgr => 3,
        Channels::Grey => 1,
    }
}

fn names(specs: &[TensorSpec]) -> String {
    if specs.is_empty() {
        return "none".to_owned();
    }
    let shown = specs
        .iter()
        .take(8)
        .map(|spec| format!("`{}`", paths::shown(&spec.name)));
    let more = if specs.len() > 8 { ", …" } else { "" };
    shown.collect::<Vec<_>>().join(", ") + more
}
