//! What is wrong between a package and its model.

/// What is wrong with a field: its dotted path in the package file, and what to do, in words.
pub type Problem = (String, String);
