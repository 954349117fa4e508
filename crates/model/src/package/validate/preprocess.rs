//! What is wrong with the `[preprocess]` table on its own.

use super::{LARGEST_SIDE, Problems};
use crate::package::{
    Align, Crop, Decode, Depth, Filter, GreyOrder, Input, Preprocess, Resize, Rounding,
};

impl Problems {
    pub(super) fn preprocess(&mut self, preprocess: &Preprocess, input: &Input) {
        self.decoding(preprocess);
        self.size_of_resize(preprocess, input);
        self.letterbox(preprocess);
        self.filter(preprocess);
        self.crop(preprocess, input);
        self.normalisation(preprocess);
    }

    fn decoding(&mut self, preprocess: &Preprocess) {
        let never_turns = matches!(
            preprocess.decode,
            Decode::OpenCvUnchanged | Decode::TensorFlow
        );
        if never_turns && preprocess.exif {
            let message = format!(
                "`{}` never turns a picture: set exif to false",
                preprocess.decode
            );
            self.add("preprocess.exif", message);
        }
        if preprocess.draft && preprocess.decode != Decode::Pillow {
            self.add("preprocess.draft", "is Pillow's: set decode to `pillow`");
        }
        if let Some(quality) = preprocess.jpeg_quality.filter(|q| !(1..=100).contains(q)) {
            let message = format!("{quality} is not from 1 to 100");
            self.add("preprocess.jpeg_quality", message);
        }
        let part = |part: &f64| *part > 0.0 && *part <= 1.0;
        if preprocess.central_crop.is_some_and(|crop| !part(&crop)) {
            let message = "is the part of both sides that is kept: more than 0, at most 1";
            self.add("preprocess.central_crop", message);
        }
    }

    fn size_of_resize(&mut self, preprocess: &Preprocess, input: &Input) {
        let side = match preprocess.resize {
            Resize::LongSide => "longer",
            _ => "shorter",
        };
        match preprocess.size {
            None if preprocess.resize.needs_size() => self.add(
                "preprocess.size",
                format!(
                    "`{}` needs the size of the {side} side in pixels",
                    preprocess.resize
                ),
            ),
            Some(size)
                if preprocess.resize.needs_size() || preprocess.resize == Resize::Letterbox =>
            {
                self.side("preprocess.size", size);
            }
            Some(size) if preprocess.resize == Resize::Stretch => {
                self.side("preprocess.size", size);
                if !preprocess.crop.cuts() && input.width.is_some() {
                    let message = "is another size than the input's: crop to the centre, or leave \
                                   it out";
                    self.add("preprocess.size", message);
                }
            }
            _ => {}
        }
        if let Some(most) = preprocess.max_size {
            self.side("preprocess.max_size", most);
            if preprocess.resize != Resize::ShortSide {
                self.add("preprocess.max_size", "belongs to `short-side` only");
            } else if preprocess.size.is_some_and(|size| size > most) {
                let message = "is less than the size of the shorter side";
                self.add("preprocess.max_size", message);
            }
        } else if preprocess.rounding() == Rounding::Detr {
            let message = "`detr` limits the longer side: set max_size, such as 1333";
            self.add("preprocess.max_size", message);
        }
        let sized = matches!(preprocess.resize, Resize::Letterbox | Resize::Thumbnail);
        if sized && input.width.is_none() {
            let message = format!(
                "`{}` needs width and height of the input",
                preprocess.resize
            );
            self.add("preprocess.resize", message);
        }
        if preprocess.resize == Resize::None && input.stride.is_some() {
            let message = "a picture that isn't resized has no side that a stride could round: \
                           resize by `stretch`";
            self.add("preprocess.resize", message);
        }
    }

    fn side(&mut self, field: &str, side: u32) {
        if !(1..=LARGEST_SIDE).contains(&side) {
            self.add(field, format!("{side} is not from 1 to {LARGEST_SIDE}"));
        }
    }

    fn letterbox(&mut self, preprocess: &Preprocess) {
        let letterbox = preprocess.resize == Resize::Letterbox;
        if letterbox && preprocess.pad.is_none() && preprocess.pad_normalised.is_none() {
            let message =
                "`letterbox` needs the colour around the picture, such as [114, 114, 114]";
            self.add("preprocess.pad", message);
        }
        if letterbox && preprocess.size.is_some() && preprocess.align == Align::TensorFlow {
            let message = "`resize_with_pad` of TensorFlow has no other size than the input's: \
                           leave it out";
            self.add("preprocess.size", message);
        }
        if let Some(pad) = preprocess.pad_normalised {
            if !letterbox {
                self.add("preprocess.pad_normalised", "belongs to `letterbox` only");
            } else if !pad.is_finite() {
                self.add("preprocess.pad_normalised", "must be a finite number");
            }
        }
    }

    fn filter(&mut self, preprocess: &Preprocess) {
        let filter = preprocess.filter;
        if preprocess.antialias.is_some() && filter.antialias().is_none() {
            let message = format!("`{filter}` leaves no choice of it: leave it out");
            self.add("preprocess.antialias", message);
        }
        if preprocess.resize_in != Depth::U8 && !filter.takes_floats() {
            let message = format!("`{filter}` can't be had in floats: leave it out");
            self.add("preprocess.resize_in", message);
        }
        if preprocess.resize == Resize::Thumbnail && !filter.is_pillow() {
            let message = format!("`thumbnail` is Pillow's, and `{filter}` is not");
            self.add("preprocess.filter", message);
        }
    }

    fn crop(&mut self, preprocess: &Preprocess, input: &Input) {
        let (resize, given) = (preprocess.resize, input.width.is_some());
        match preprocess.crop {
            Crop::None if resize.needs_size() && given => self.add(
                "preprocess.crop",
                format!(
                    "`{resize}` keeps the picture's own aspect ratio: cut it to the input's size \
                     with `center`, or resize by `stretch` or `letterbox`"
                ),
            ),
            Crop::Center | Crop::CenterFloor if !given => {
                let message = "cuts to the input's width and height, which are not given";
                self.add("preprocess.crop", message);
            }
            _ => {}
        }
    }

    fn normalisation(&mut self, preprocess: &Preprocess) {
        let channels = preprocess.channels.count();
        for (name, numbers) in [("mean", &preprocess.mean), ("std", &preprocess.std)] {
            let field = format!("preprocess.{name}");
            if numbers.len() != 1 && numbers.len() != channels {
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
            if numbers.iter().any(|number| !(*number as f32).is_finite()) {
                self.add(&*field, "must be finite numbers");
            }
        }
        if preprocess.std.iter().any(|std| *std as f32 == 0.0) {
            self.add("preprocess.std", "is divided by, so it can't be 0");
        }
        let grey = preprocess.channels.count() == 1;
        if preprocess.grey != GreyOrder::default() && !grey {
            let message = "belongs to the channels `grey` only";
            self.add("preprocess.grey", message);
        }
    }
}

impl Filter {
    /// Whether it is one of Pillow's.
    fn is_pillow(self) -> bool {
        !self.name().contains('-')
    }
}
