//! Hands a published image over to what runs it.
