//! Builds images of packages, without Docker.
