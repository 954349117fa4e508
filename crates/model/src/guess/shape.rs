//! Shapes, as a guess looks at them.

use boxwright_tensor::{Dimension, TensorSpec};

/// The length of axis `axis`, where the model fixes it.
pub(crate) fn fixed(spec: &TensorSpec, axis: usize) -> Option<u64> {
    length(spec.shape.as_deref()?.get(axis)?)
}

/// The length of the last axis, where the model fixes it.
pub(crate) fn last(spec: &TensorSpec) -> Option<u64> {
    length(spec.shape.as_deref()?.last()?)
}

/// The number of axes, where the model tells.
pub(crate) fn rank(spec: &TensorSpec) -> Option<usize> {
    spec.shape.as_deref().map(<[_]>::len)
}

/// An axis' length, where it is fixed.
pub(crate) fn length(axis: &Dimension) -> Option<u64> {
    match axis {
        Dimension::Fixed(length) => Some(*length),
        Dimension::Dynamic(_) => None,
    }
}

/// Whether the name, in lower case, has one of the words in it.
pub(crate) fn named(spec: &TensorSpec, words: &[&str]) -> bool {
    let name = spec.name.to_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// The name as it is shown in a reason.
pub(crate) fn shown(spec: &TensorSpec) -> String {
    format!("`{}`", crate::paths::shown(&spec.name))
}
