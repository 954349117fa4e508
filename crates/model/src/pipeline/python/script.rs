//! Python text that is being put together, and what its variable `image` holds at each line.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A line of the head, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Import {
    Io,
    Math,
    OpenCv,
    Numpy,
    TensorFlow,
    Torch,
    Image,
    ImageOps,
    Transforms,
    InterpolationMode,
    CenterCrop,
    /// The functions of torchvision's first transforms, as `F`.
    FirstFunctional,
    /// The functions of its second, as `F`.
    Functional,
}

/// What `image` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Pillow's image.
    Pillow,
    /// A NumPy array: rows, columns, channels; only rows and columns where it is grey.
    Array,
    /// PyTorch's tensor: channels, rows, columns.
    Torch,
    /// TensorFlow's tensor: rows, columns, channels.
    TensorFlow,
}

/// The channels of `image`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Rgb,
    Bgr,
    Grey,
}

/// The numbers of `image`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Bytes.
    Bytes,
    /// 32-bit floats up to 255.
    Floats,
    /// 32-bit floats up to 1.
    Unit,
}

/// The text, and the state after its last line.
#[derive(Debug)]
pub(super) struct Script {
    imports: BTreeSet<Import>,
    /// Lines before the function.
    head: Vec<String>,
    body: Vec<String>,
    pub(super) form: Form,
    pub(super) colours: Colours,
    pub(super) range: Range,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            imports: BTreeSet::new(),
            head: Vec::new(),
            body: Vec::new(),
            form: Form::Pillow,
            colours: Colours::Rgb,
            range: Range::Bytes,
        }
    }
}

impl Script {
    pub(super) fn import(&mut self, import: Import) {
        self.imports.insert(import);
    }

    pub(super) fn head(&mut self, line: impl Into<String>) {
        self.head.push(line.into());
    }

    pub(super) fn line(&mut self, line: impl Into<String>) {
        self.body.push(line.into());
    }

    /// The line `image = …`.
    pub(super) fn image(&mut self, value: impl AsRef<str>) {
        self.line(format!("image = {}", value.as_ref()));
    }

    pub(super) fn is_grey(&self) -> bool {
        self.colours == Colours::Grey
    }

    /// Width and height of `image`, as variables.
    pub(super) fn measure(&mut self) {
        self.line(match self.form {
            Form::Pillow => "width, height = image.size",
            Form::Array | Form::TensorFlow => "height, width = image.shape[:2]",
            Form::Torch => "height, width = image.shape[-2:]",
        });
    }

    pub(super) fn ensure_pillow(&mut self) {
        if self.form != Form::Pillow {
            self.ensure_array();
            self.import(Import::Image);
            self.image("Image.fromarray(image)");
        }
        self.form = Form::Pillow;
    }

    pub(super) fn ensure_array(&mut self) {
        match (self.form, self.is_grey()) {
            (Form::Array, _) => {}
            (Form::Pillow, _) => {
                self.import(Import::Numpy);
                self.image("np.array(image)");
            }
            (Form::Torch, false) => self.image("image.permute(1, 2, 0).numpy()"),
            (Form::Torch, true) => self.image("image[0].numpy()"),
            (Form::TensorFlow, false) => self.image("image.numpy()"),
            (Form::TensorFlow, true) => self.image("image.numpy()[..., 0]"),
        }
        self.form = Form::Array;
    }

    pub(super) fn ensure_torch(&mut self) {
        match (self.form, self.is_grey()) {
            (Form::Torch, _) => {}
            (Form::Pillow, _) => self.image("F.pil_to_tensor(image)"),
            (_, grey) => {
                self.ensure_array();
                self.import(Import::Torch);
                self.image(if grey {
                    "torch.from_numpy(image)[None]"
                } else {
                    "torch.from_numpy(image).permute(2, 0, 1)"
                });
            }
        }
        self.form = Form::Torch;
    }

    /// To what TensorFlow's functions take: arrays too, with an axis for the channels.
    pub(super) fn ensure_tensorflow(&mut self) {
        self.import(Import::TensorFlow);
        if self.form == Form::TensorFlow {
            return;
        }
        self.ensure_array();
        if self.is_grey() {
            self.image("image[..., None]");
        }
        self.form = Form::TensorFlow;
    }

    /// The whole text.
    pub(super) fn finish(self, docstring: &str) -> String {
        let mut text = String::new();
        let standard = |import: &Import| matches!(import, Import::Io | Import::Math);
        let (first, others): (Vec<_>, Vec<_>) = self.imports.iter().copied().partition(standard);
        for group in [first, others] {
            let blank = if text.is_empty() || group.is_empty() {
                ""
            } else {
                "\n"
            };
            text.push_str(blank);
            for import in group {
                text.push_str(self.words(import));
            }
        }
        if !self.head.is_empty() {
            let _ = write!(text, "\n{}\n", self.head.join("\n"));
        }
        let _ = write!(
            text,
            "\n\ndef preprocess(path):\n    \"\"\"{docstring}\"\"\"\n"
        );
        for line in self.body {
            let _ = writeln!(text, "    {line}");
        }
        text
    }

    fn words(&self, import: Import) -> &'static str {
        match import {
            Import::Io => "import io\n",
            Import::Math => "import math\n",
            Import::OpenCv => "import cv2\n",
            Import::Numpy => "import numpy as np\n",
            Import::TensorFlow => "import tensorflow as tf\n",
            Import::Torch => "import torch\n",
            Import::Image if self.imports.contains(&Import::ImageOps) => {
                "from PIL import Image, ImageOps\n"
            }
            Import::Image => "from PIL import Image\n",
            // Written with the line before.
            Import::ImageOps => "",
            Import::Transforms => "from torchvision import transforms\n",
            Import::InterpolationMode => "from torchvision.transforms import InterpolationMode\n",
            Import::CenterCrop => "from torchvision.transforms.functional import center_crop\n",
            Import::FirstFunctional => "from torchvision.transforms import functional as F\n",
            Import::Functional => "from torchvision.transforms.v2 import functional as F\n",
        }
    }
}
