//! What happens to a picture before the model runs, one stage after the other: decode, resize and
//! crop, normalise.

pub(crate) mod decode;
pub(crate) mod preprocess;
pub(crate) mod resize;
