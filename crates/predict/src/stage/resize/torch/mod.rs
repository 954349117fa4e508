//! `torch.nn.functional.interpolate`, which torchvision resizes tensors with.

mod bytes;
mod coordinates;
mod floats;

pub(super) use bytes::bytes;
pub(super) use floats::floats;
