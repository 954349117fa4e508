//! From the file to the pixels that are resized.

use super::number::number;
use super::script::{Colours, Form, Import, Script};
use crate::package::{Channels, Decode, Depth, Filter, GreyOrder, Preprocess, Resize};
use crate::pipeline::image::ImageInput;

/// Whose formula makes a picture grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grey {
    Pillow,
    OpenCv,
    Torchvision,
    TensorFlow,
}

impl Grey {
    fn of(preprocess: &Preprocess) -> Self {
        let tensorflow = preprocess.decode == Decode::TensorFlow;
        if tensorflow || preprocess.filter.name().starts_with("tensorflow-") {
            return Self::TensorFlow;
        }
        let torchvision = preprocess.filter.name().starts_with("torchvision-");
        match preprocess.decode {
            _ if torchvision && preprocess.grey == GreyOrder::After => Self::Torchvision,
            Decode::Pillow | Decode::TensorFlow => Self::Pillow,
            Decode::OpenCv | Decode::OpenCvGrey | Decode::OpenCvUnchanged => Self::OpenCv,
        }
    }
}

impl ImageInput {
    /// The size that `Image.draft` is asked for.
    pub(super) fn draft_size(&self) -> Option<(usize, usize)> {
        let preprocess = &self.preprocess;
        let side = preprocess.size.and_then(|size| usize::try_from(size).ok());
        match preprocess.resize {
            _ if !preprocess.draft => None,
            // `Image.thumbnail` does so by itself, before the file is read.
            Resize::Thumbnail if self.thumbnail_reads() => None,
            Resize::Thumbnail => self.size.map(|(width, height)| (2 * width, 2 * height)),
            Resize::ShortSide | Resize::LongSide => side.map(|side| (side, side)),
            _ => self.size,
        }
    }

    /// Whether `Image.thumbnail` is what reads the file, at a part of its size.
    pub(super) fn thumbnail_reads(&self) -> bool {
        let preprocess = &self.preprocess;
        preprocess.draft
            && preprocess.resize == Resize::Thumbnail
            && preprocess.jpeg_quality.is_none()
            && preprocess.central_crop.is_none()
            && !self.turns_grey(GreyOrder::Before)
    }
}

/// Reads the file.
pub(super) fn read(script: &mut Script, image: &ImageInput) {
    let preprocess = &image.preprocess;
    match preprocess.decode {
        Decode::Pillow => pillow(script, image),
        Decode::TensorFlow => {
            script.import(Import::TensorFlow);
            script.image(
                "tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)",
            );
            script.form = Form::TensorFlow;
            round_trip(script, preprocess);
        }
        Decode::OpenCv => opencv(script, preprocess, "IMREAD_COLOR"),
        Decode::OpenCvUnchanged => opencv(script, preprocess, "IMREAD_UNCHANGED"),
        Decode::OpenCvGrey => opencv_grey(script, preprocess),
    }
}

fn pillow(script: &mut Script, image: &ImageInput) {
    script.import(Import::Image);
    let (draft, drafts) = (image.draft_size(), image.thumbnail_reads());
    let mut opened = "Image.open(path)";
    if drafts || draft.is_some() {
        script.image(opened);
        opened = "image";
    }
    if let Some((width, height)) = draft {
        script.line(format!("image.draft(\"RGB\", ({width}, {height}))"));
    }
    if drafts {
        // Read at a part of its size when it is made small.
        return;
    }
    upright(script, &image.preprocess, opened);
    round_trip(script, &image.preprocess);
}

/// Turns a picture and makes it RGB.
pub(super) fn upright(script: &mut Script, preprocess: &Preprocess, opened: &str) {
    if preprocess.exif {
        script.import(Import::Image);
        script.import(Import::ImageOps);
        script.image(format!(
            "ImageOps.exif_transpose({opened}).convert(\"RGB\")"
        ));
    } else {
        script.image(format!("{opened}.convert(\"RGB\")"));
    }
}

fn opencv(script: &mut Script, preprocess: &Preprocess, flag: &str) {
    imread(script, preprocess, flag);
    script.colours = Colours::Bgr;
    let foreign_grey =
        preprocess.channels == Channels::Grey && Grey::of(preprocess) != Grey::OpenCv;
    if preprocess.channels == Channels::Rgb || foreign_grey {
        script.image("cv2.cvtColor(image, cv2.COLOR_BGR2RGB)");
        script.colours = Colours::Rgb;
    }
}

fn opencv_grey(script: &mut Script, preprocess: &Preprocess) {
    imread(script, preprocess, "IMREAD_GRAYSCALE");
    if preprocess.channels == Channels::Grey && Grey::of(preprocess) == Grey::OpenCv {
        script.colours = Colours::Grey;
    } else {
        script.image("cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)");
    }
}

fn imread(script: &mut Script, preprocess: &Preprocess, flag: &str) {
    script.import(Import::OpenCv);
    let stored = !preprocess.exif && preprocess.decode != Decode::OpenCvUnchanged;
    let ignore = if stored {
        " | cv2.IMREAD_IGNORE_ORIENTATION"
    } else {
        ""
    };
    script.image(format!("cv2.imread(path, cv2.{flag}{ignore})"));
    script.form = Form::Array;
    round_trip(script, preprocess);
}

/// Makes a JPEG of the picture and reads it again.
fn round_trip(script: &mut Script, preprocess: &Preprocess) {
    let Some(quality) = preprocess.jpeg_quality else {
        return;
    };
    match script.form {
        Form::Pillow => {
            script.import(Import::Io);
            script.line("file = io.BytesIO()");
            script.line(format!("image.save(file, \"JPEG\", quality={quality})"));
            script.image("Image.open(file)");
        }
        Form::TensorFlow => {
            script.line(format!(
                "file = tf.io.encode_jpeg(image, quality={quality})"
            ));
            script.image("tf.io.decode_jpeg(file, dct_method=\"INTEGER_ACCURATE\")");
        }
        Form::Array | Form::Torch => {
            let parameters = format!("[cv2.IMWRITE_JPEG_QUALITY, {quality}]");
            script.line(format!(
                "file = cv2.imencode(\".jpg\", image, {parameters})[1]"
            ));
            script.image("cv2.imdecode(file, cv2.IMREAD_UNCHANGED)");
        }
    }
}

/// Makes the picture grey, where it isn't.
pub(super) fn grey(script: &mut Script, preprocess: &Preprocess) {
    if script.is_grey() {
        return;
    }
    match Grey::of(preprocess) {
        Grey::Pillow => {
            script.ensure_pillow();
            script.image("image.convert(\"L\")");
        }
        Grey::OpenCv => {
            script.ensure_array();
            script.import(Import::OpenCv);
            let order = if script.colours == Colours::Bgr {
                "BGR"
            } else {
                "RGB"
            };
            script.image(format!("cv2.cvtColor(image, cv2.COLOR_{order}2GRAY)"));
        }
        Grey::Torchvision => {
            functional(script, preprocess);
            script.ensure_torch();
            script.image("F.rgb_to_grayscale(image)");
        }
        Grey::TensorFlow => {
            script.ensure_tensorflow();
            script.image("tf.image.rgb_to_grayscale(image)");
        }
    }
    script.colours = Colours::Grey;
}

/// torchvision's functions, of the version that the package means.
pub(super) fn functional(script: &mut Script, preprocess: &Preprocess) {
    script.import(match preprocess.resize_in {
        Depth::Rounded => Import::FirstFunctional,
        Depth::U8 | Depth::F32 | Depth::Unit => Import::Functional,
    });
}

/// Keeps the middle.
pub(super) fn central_crop(script: &mut Script, preprocess: &Preprocess) {
    let Some(part) = preprocess.central_crop else {
        return;
    };
    let part = number(part);
    if is_tensorflow(preprocess.filter) || script.form == Form::TensorFlow {
        script.ensure_tensorflow();
        script.image(format!("tf.image.central_crop(image, {part})"));
        return;
    }
    script.measure();
    script.line(format!(
        "left, top = int((width - width * {part}) / 2), int((height - height * {part}) / 2)"
    ));
    script.image(match script.form {
        Form::Pillow => "image.crop((left, top, width - left, height - top))",
        _ => "image[top:height - top, left:width - left]",
    });
}

/// Whether `tf.image.resize` resizes.
pub(super) fn is_tensorflow(filter: Filter) -> bool {
    filter.name().starts_with("tensorflow-")
}
