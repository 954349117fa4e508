//! A package's pipeline as a few lines of Python, in the calls of the libraries that it names.
//!
//! Nothing of the package but numbers gets into the text.

mod compose;
mod decode;
mod number;
mod numbers;
mod place;
mod resize;
mod script;
#[cfg(test)]
mod tests;

use self::script::Script;
use super::image::ImageInput;
use crate::package::{Channels, GreyOrder, ImageDtype, Layout};

impl ImageInput {
    /// The function `preprocess(path)` with its imports: it returns the NumPy array that the model
    /// takes of a picture, the batch axis included.
    pub fn python(&self) -> String {
        let mut script = Script::default();
        decode::read(&mut script, self);
        if let Some(transforms) = compose::transforms(self) {
            compose::apply(&mut script, &transforms);
            return script.finish(&self.docstring());
        }
        if self.turns_grey(GreyOrder::Before) {
            decode::grey(&mut script, &self.preprocess);
        }
        decode::central_crop(&mut script, &self.preprocess);
        let padding = resize::resize(&mut script, self);
        place::place(&mut script, self, padding.as_ref());
        numbers::normalise(&mut script, self, padding.as_ref());
        script.finish(&self.docstring())
    }

    fn turns_grey(&self, order: GreyOrder) -> bool {
        self.preprocess.channels == Channels::Grey && self.preprocess.grey == order
    }

    fn docstring(&self) -> String {
        let dtype = match self.dtype {
            ImageDtype::F32 => "float32",
            ImageDtype::F16 => "float16",
            ImageDtype::U8 => "uint8",
        };
        let (width, height) = match self.fixed_size() {
            Some((width, height)) => (width.to_string(), height.to_string()),
            None => ("width".to_owned(), "height".to_owned()),
        };
        let channels = self.channels();
        let axes = match self.layout {
            Layout::Nchw => format!("1, {channels}, {height}, {width}"),
            Layout::Nhwc => format!("1, {height}, {width}, {channels}"),
        };
        format!("A picture as the model takes it: {dtype}, ({axes}).")
    }
}
