//! What happens to a picture before the model runs, one stage after the other: decode, resize and
//! crop, normalise.

mod alpha;
pub(crate) mod canvas;
pub(crate) mod decode;
pub(crate) mod frame;
pub(crate) mod geometry;
pub(crate) mod normalise;
pub(crate) mod resize;
pub(crate) mod source;
