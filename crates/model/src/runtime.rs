//! How `boxwright-serve` is run.

/// The variables that it is started with, in the image and out of it. They are read before any of
/// its own code runs.
pub const ENVIRONMENT: [(&str, &str); 2] = [
    // ONNX Runtime would otherwise write a device id and call home.
    ("ORT_DISABLE_TELEMETRY", "1"),
    // Large blocks in large pages, where the kernel leaves that to programs: runs of a model are a
    // tenth faster, and a picture of 12 megapixels is 9,000 page faults otherwise. And up to 64 MiB
    // that are free are kept for the next request. Other C libraries don't know the variable.
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=67108864",
    ),
];
