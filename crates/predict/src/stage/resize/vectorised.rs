//! Loops compiled for the processor at hand.

/// Makes a function that is compiled twice, for processors with AVX2 and FMA and for others, and
/// takes the one for this processor. Both give the same: `f32::mul_add` rounds once everywhere,
/// and is slow where it isn't an instruction. What the function calls has to be inlined.
macro_rules! vectorised {
    ($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        #[cfg_attr(
            target_arch = "x86_64",
            expect(unsafe_code, reason = "calling into code for processor features")
        )]
        fn $name($($argument: $type),*) {
            #[inline(always)]
            fn body($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn compiled($($argument: $type),*) {
                    body($($argument),*);
                }
                if std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
                {
                    // SAFETY: the processor has both features.
                    return unsafe { compiled($($argument),*) };
                }
            }
            body($($argument),*);
        }
    };
}

pub(super) use vectorised;
