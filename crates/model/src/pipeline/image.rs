//! The input that takes pictures.

use boxwright_tensor::{BatchAxis, DataType, Dimension, TensorSpec};

use super::problem::Problem;
use crate::package::{ImageDtype, Input, Layout, Preprocess, Resize, StrideRounding};
use crate::paths;

/// How a picture becomes a model's image input.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInput {
    /// The input's name in the model.
    pub name: String,
    /// Order of the tensor's axes.
    pub layout: Layout,
    /// Element type of the tensor.
    pub dtype: ImageDtype,
    /// Width and height, in pixels, that the model fixes or the package gives; `None` for the
    /// picture's own.
    pub size: Option<(usize, usize)>,
    /// What the sides of a tensor of any size are a multiple of, in pixels, and how they become so.
    pub stride: Option<(usize, StrideRounding)>,
    /// The stages before the model.
    pub preprocess: Preprocess,
    /// The first axis of the tensor; [`BatchAxis::None`] where it is one of the picture's.
    pub batch: BatchAxis,
}

impl ImageInput {
    /// Resolves the package's input `index` against the model's `spec`.
    pub(super) fn resolve(
        index: usize,
        input: &Input,
        preprocess: &Preprocess,
        spec: &TensorSpec,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let found = problems.len();
        let mut check = Check {
            index,
            name: paths::shown(&spec.name),
            problems,
        };
        check.datatype(input, spec);
        let (axes, batch) = check.axes(spec)?;
        check.channels(input, preprocess, &axes);
        let size = check.size(input, preprocess, &axes);
        if check.problems.len() > found {
            return None;
        }
        let length = |length: u32| usize::try_from(length).ok();
        Some(Self {
            name: spec.name.clone(),
            layout: input.layout,
            dtype: input.dtype,
            size,
            stride: input
                .stride
                .and_then(length)
                .map(|stride| (stride, input.stride_rounding)),
            preprocess: preprocess.clone(),
            batch,
        })
    }

    /// Number of channels of the tensor.
    pub fn channels(&self) -> usize {
        self.preprocess.channels.count()
    }

    /// Width and height where all pictures have them: such pictures run together.
    pub fn fixed_size(&self) -> Option<(usize, usize)> {
        let varies = match self.preprocess.resize {
            Resize::Thumbnail => !self.preprocess.crop.cuts(),
            Resize::Letterbox => self.stride.is_some(),
            _ => false,
        };
        self.size.filter(|_| !varies)
    }

    /// The axes of a batch of `count` pictures of this size; of one picture where the model takes
    /// no batch.
    pub fn shape(&self, count: usize, width: usize, height: usize) -> Vec<usize> {
        let picture = match self.layout {
            Layout::Nchw => [self.channels(), height, width],
            Layout::Nhwc => [height, width, self.channels()],
        };
        match self.batch {
            BatchAxis::None => picture.to_vec(),
            BatchAxis::Dynamic | BatchAxis::Fixed(_) => [&[count][..], &picture].concat(),
        }
    }
}

/// What is found on the way.
struct Check<'a> {
    index: usize,
    name: String,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn add(&mut self, field: &str, message: String) {
        self.problems
            .push((format!("input.{}.{field}", self.index), message));
    }

    fn datatype(&mut self, input: &Input, spec: &TensorSpec) {
        let datatype = match input.dtype {
            ImageDtype::F32 => DataType::Fp32,
            ImageDtype::F16 => DataType::Fp16,
            ImageDtype::U8 => DataType::Uint8,
        };
        if datatype != spec.datatype {
            let message = format!("the model's `{}` takes {}", self.name, spec.datatype.name());
            self.add("dtype", message);
        }
    }

    /// The axes of one picture, without the batch, and the batch; none where the model doesn't tell.
    fn axes(&mut self, spec: &TensorSpec) -> Option<(Vec<Dimension>, BatchAxis)> {
        match spec.shape.as_deref() {
            None => Some((Vec::new(), BatchAxis::Dynamic)),
            Some([batch, picture @ ..]) if picture.len() == 3 => {
                Some((picture.to_vec(), BatchAxis::of_dimension(batch)))
            }
            Some(picture) if picture.len() == 3 => Some((picture.to_vec(), BatchAxis::None)),
            Some(shape) => {
                let message = format!(
                    "the model's `{}` has {} axes, and a picture has 3, a batch of them 4: make it \
                     a `tensor`",
                    self.name,
                    shape.len()
                );
                self.add("kind", message);
                None
            }
        }
    }

    /// Width and height: what the model fixes, else what the package says.
    fn size(
        &mut self,
        input: &Input,
        preprocess: &Preprocess,
        axes: &[Dimension],
    ) -> Option<(usize, usize)> {
        let [_, row, column] = places(input.layout);
        let height = self.side("height", axes.get(row), input.height);
        let width = self.side("width", axes.get(column), input.width);
        let (width, height) = match (width, height) {
            (Some(width), Some(height)) => (width, height),
            (None, None) => return None,
            (Some(_), None) => {
                self.add("height", "is needed where the width is fixed".to_owned());
                return None;
            }
            (None, Some(_)) => {
                self.add("width", "is needed where the height is fixed".to_owned());
                return None;
            }
        };
        let free = |axis: usize| axes.get(axis).and_then(fixed).is_none();
        if input.stride.is_some() && !(free(row) && free(column)) {
            let message = format!("the model's `{}` has a fixed size: leave it out", self.name);
            self.add("stride", message);
        }
        // A size that only the model knows has to be met too.
        if preprocess.resize.needs_size() && input.width.is_none() && !preprocess.crop.cuts() {
            let message = format!(
                "`{}` keeps the picture's own aspect ratio, and the model takes {width} × {height}: \
                 set width and height, and crop to the centre",
                preprocess.resize
            );
            self.problems.push(("preprocess.crop".to_owned(), message));
        }
        Some((width, height))
    }

    fn side(&mut self, field: &str, axis: Option<&Dimension>, given: Option<u32>) -> Option<usize> {
        let given = given.and_then(|given| usize::try_from(given).ok());
        match (axis.and_then(fixed), given) {
            (Some(wanted), Some(given)) if wanted != given => {
                let message = format!(
                    "the model's `{}` has a fixed {field} of {wanted}",
                    self.name
                );
                self.add(field, message);
                None
            }
            (Some(0), _) => {
                self.add(field, format!("the model's `{}` has none", self.name));
                None
            }
            (wanted, given) => wanted.or(given),
        }
    }

    fn channels(&mut self, input: &Input, preprocess: &Preprocess, axes: &[Dimension]) {
        let [channel, ..] = places(input.layout);
        let Some(wanted) = axes.get(channel).and_then(fixed) else {
            return;
        };
        let field = "preprocess.channels".to_owned();
        let name = &self.name;
        match wanted {
            _ if wanted == preprocess.channels.count() => {}
            1 => self.problems.push((
                field,
                format!("the model's `{name}` takes one channel: use `grey`"),
            )),
            3 => self.problems.push((
                field,
                format!("the model's `{name}` takes three channels: use `rgb` or `bgr`"),
            )),
            _ => {
                let message = format!(
                    "the model's `{name}` has {wanted} channels in layout {}: another layout, or \
                     no picture",
                    input.layout
                );
                self.add("layout", message);
            }
        }
    }
}

/// The places of channel, row and column among the axes of one picture.
fn places(layout: Layout) -> [usize; 3] {
    match layout {
        Layout::Nchw => [0, 1, 2],
        Layout::Nhwc => [2, 0, 1],
    }
}

fn fixed(axis: &Dimension) -> Option<usize> {
    match axis {
        Dimension::Fixed(length) => usize::try_from(*length).ok(),
        Dimension::Dynamic(_) => None,
    }
}
