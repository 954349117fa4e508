use boxwright_tensor::BatchAxis;

use crate::package::{
    Align, Arithmetic, Channels, Crop, Decode, Depth, Filter, ImageDtype, Layout, Preprocess,
    Resize, Rounding, Scale, StrideRounding,
};
use crate::pipeline::image::ImageInput;

const IMAGENET_MEAN: [f64; 3] = [123.675, 116.28, 103.53];
const IMAGENET_STD: [f64; 3] = [58.395, 57.12, 57.375];

fn input(size: Option<(usize, usize)>, preprocess: Preprocess) -> ImageInput {
    ImageInput {
        name: "images".to_owned(),
        layout: Layout::Nchw,
        dtype: ImageDtype::F32,
        size,
        stride: None,
        preprocess,
        batch: BatchAxis::Dynamic,
    }
}

fn imagenet(preprocess: Preprocess) -> Preprocess {
    Preprocess {
        mean: IMAGENET_MEAN.to_vec(),
        std: IMAGENET_STD.to_vec(),
        ..preprocess
    }
}

#[test]
fn torchvision_s_recipe_is_torchvision_s_transforms() {
    let recipe = imagenet(Preprocess {
        resize: Resize::ShortSide,
        size: Some(256),
        filter: Filter::Bicubic,
        crop: Crop::Center,
        arithmetic: Arithmetic::Torchvision,
        ..Preprocess::default()
    });
    let text = r#"from PIL import Image, ImageOps
from torchvision import transforms

transform = transforms.Compose([
    transforms.Resize(256, interpolation=transforms.InterpolationMode.BICUBIC),
    transforms.CenterCrop(224),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])


def preprocess(path):
    """A picture as the model takes it: float32, (1, 3, 224, 224)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    return transform(image).unsqueeze(0).numpy()
"#;
    assert_eq!(input(Some((224, 224)), recipe).python(), text);
}

#[test]
fn keras_recipe_is_numpy_s_arithmetic_on_pillow_s_pixels() {
    let mut image = input(
        Some((299, 299)),
        Preprocess {
            exif: false,
            filter: Filter::Nearest,
            mean: vec![127.5],
            std: vec![127.5],
            arithmetic: Arithmetic::Keras,
            ..Preprocess::default()
        },
    );
    image.layout = Layout::Nhwc;
    let text = r#"import numpy as np
from PIL import Image


def preprocess(path):
    """A picture as the model takes it: float32, (1, 299, 299, 3)."""
    image = Image.open(path).convert("RGB")
    image = image.resize((299, 299), Image.Resampling.NEAREST)
    image = np.asarray(image, np.float32) / 127.5 - 1
    return image[None]
"#;
    assert_eq!(image.python(), text);
}

#[test]
fn a_letterbox_writes_out_its_rounding() {
    let recipe = Preprocess {
        decode: Decode::OpenCv,
        resize: Resize::Letterbox,
        filter: Filter::OpenCvLinear,
        pad: Some([114; 3]),
        std: vec![255.0],
        ..Preprocess::default()
    };
    let text = r#"import cv2
import numpy as np


def preprocess(path):
    """A picture as the model takes it: float32, (1, 3, 640, 640)."""
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    scale = min(640 / width, 640 / height)
    size = round(width * scale), round(height * scale)
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    left, top = (640 - size[0]) // 2, (640 - size[1]) // 2
    canvas = np.full((640, 640, 3), 114, np.uint8)
    canvas[top:top + size[1], left:left + size[0]] = image
    image = canvas
    image = image.astype(np.float32) / 255
    return image.transpose(2, 0, 1)[None]
"#;
    assert_eq!(input(Some((640, 640)), recipe).python(), text);
}

#[test]
fn tensorflow_pads_by_a_call_of_its_own() {
    let mut image = input(
        Some((224, 192)),
        Preprocess {
            decode: Decode::TensorFlow,
            exif: false,
            resize: Resize::Letterbox,
            long_side: Some(Rounding::Floor),
            filter: Filter::TensorFlowBilinear,
            pad: Some([0; 3]),
            align: Align::TensorFlow,
            ..Preprocess::default()
        },
    );
    image.layout = Layout::Nhwc;
    let text = r#"import tensorflow as tf


def preprocess(path):
    """A picture as the model takes it: float32, (1, 192, 224, 3)."""
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    image = tf.image.resize_with_pad(image, 192, 224)
    image = image.numpy()
    return image[None]
"#;
    assert_eq!(image.python(), text);
}

#[test]
fn tensors_are_resized_by_torchvision_s_functions() {
    let recipe = imagenet(Preprocess {
        resize: Resize::ShortSide,
        size: Some(232),
        filter: Filter::TorchvisionBilinear,
        antialias: Some(false),
        resize_in: Depth::Rounded,
        crop: Crop::Center,
        arithmetic: Arithmetic::Torchvision,
        ..Preprocess::default()
    });
    let text = r#"from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F


def preprocess(path):
    """A picture as the model takes it: float32, (1, 3, 224, 224)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image = F.pil_to_tensor(image)
    image = F.resize(image, [232], interpolation=InterpolationMode.BILINEAR, antialias=False)
    image = F.center_crop(image, [224, 224])
    image = image.float() / 255
    image = F.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    return image.unsqueeze(0).numpy()
"#;
    assert_eq!(input(Some((224, 224)), recipe).python(), text);
}

#[test]
fn nothing_of_a_package_but_numbers_gets_into_the_text() {
    let name = "x\"\"\"\nimport os; os.system('true')";
    for decode in Decode::ALL {
        for filter in Filter::ALL {
            for resize in Resize::ALL {
                let recipe = Preprocess {
                    decode: *decode,
                    filter: *filter,
                    resize: *resize,
                    size: resize.needs_size().then_some(64),
                    channels: Channels::Bgr,
                    scale: Scale::PhotoMaximum,
                    mean: vec![f64::NAN, 1e300, -1e-300],
                    std: vec![0.1 + 0.2],
                    ..Preprocess::default()
                };
                let mut image = input(Some((64, 48)), recipe);
                image.name = name.to_owned();
                image.stride = Some((32, StrideRounding::Up));
                let text = image.python();
                assert!(!text.contains("os.system"), "{text}");
                assert!(text.is_ascii() && text.contains("\ndef preprocess(path):\n"));
                assert!(text.contains("float(\"NaN\")"), "{text}");
                assert!(text.contains("\n    return "), "{text}");
            }
        }
    }
}
