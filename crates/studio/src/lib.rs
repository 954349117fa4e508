//! Boxwright's use cases, for any front end.
