//! OCI images and registries; knows nothing of models.
