//! Fused multiply-add at the speed of the processor's own instruction, where it has one.

/// Runs `work` compiled for processors with AVX2 and FMA if this is one. `f32::mul_add` gives the
/// same everywhere, and is slow where it isn't an instruction.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calling into code for a processor feature")]
pub(super) fn fused<R>(work: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx2,fma")]
    fn compiled<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the processor has both features.
        return unsafe { compiled(work) };
    }
    work()
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn fused<R>(work: impl FnOnce() -> R) -> R {
    work()
}
