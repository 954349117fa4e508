//! Decode, preprocess, infer and postprocess: the one pipeline.
