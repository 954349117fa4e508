"""What OpenCV's x86 wheels leave to Intel's IPP: `INTER_CUBIC`, which IPP computes by the processor.

Boxwright gives what processors with AVX-512 give, wherever it runs. On others the wheel differs by one level in a few
bytes of a million.
"""

import functools

import cv2

# The most that a byte may differ where IPP has other instructions, or isn't there.
ONE_LEVEL = 1.0


def cubic_is_exact():
    """Whether this machine's OpenCV resizes by `INTER_CUBIC` as Boxwright does."""
    return cv2.ipp.useIPP() and "AVX-512" in cv2.ipp.getIppVersion()


@functools.cache
def cubic_tolerance():
    """The most that a byte of `INTER_CUBIC` may differ here, in levels; said aloud where that is any."""
    if cubic_is_exact():
        return 0.0
    used = cv2.ipp.getIppVersion() if cv2.ipp.useIPP() else "no IPP"
    print(f"NOTE: this machine's OpenCV computes INTER_CUBIC without AVX-512 ({used}): one level is allowed")
    return ONE_LEVEL
