//! libjpeg-turbo, by its own interface. The crate's safe wrapper gives up on files that the
//! library (and with it Pillow) decodes with a warning, and the two can't be told apart there.
#![expect(unsafe_code, reason = "libjpeg-turbo is a C library")]

use std::ffi::CStr;
use std::os::raw::c_int;

use turbojpeg::raw;

use crate::error::{Error, Result};

/// Scans that a progressive picture may have; real ones have about ten.
const MAX_SCANS: c_int = 500;

/// What went wrong, in the library's words.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The picture was decoded; parts may be wrong.
    Warning(String),
    /// There is no picture.
    Fatal(String),
}

/// One handle of the library.
#[derive(Debug)]
struct Handle(raw::tjhandle);

// SAFETY: a handle holds no thread-local state; it may move between threads as long as one uses
// it at a time, which `&mut self` ensures.
unsafe impl Send for Handle {}

impl Handle {
    fn new(kind: raw::TJINIT) -> Result<Self> {
        // SAFETY: takes a number and gives a handle or null.
        let handle = unsafe { raw::tj3Init(kind as c_int) };
        if handle.is_null() {
            return Err(Error::Run(
                "libjpeg-turbo could not be set up: out of memory".into(),
            ));
        }
        Ok(Self(handle))
    }

    fn set(&mut self, parameter: raw::TJPARAM, value: c_int) {
        // SAFETY: the handle is alive. A refused value leaves the default, which is harmless.
        let _ = unsafe { raw::tj3Set(self.0, parameter as c_int, value) };
    }

    fn get(&mut self, parameter: raw::TJPARAM) -> c_int {
        // SAFETY: the handle is alive.
        unsafe { raw::tj3Get(self.0, parameter as c_int) }
    }

    fn outcome(&mut self, status: c_int) -> Result<(), Trouble> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: the handle is alive; the text is the handle's own, ends in 0, and is copied
        // before the next call.
        let text = unsafe { CStr::from_ptr(raw::tj3GetErrorStr(self.0)) };
        let text = text.to_string_lossy().into_owned();
        // SAFETY: the handle is alive.
        let code = unsafe { raw::tj3GetErrorCode(self.0) };
        Err(if code == raw::TJERR_TJERR_WARNING as c_int {
            Trouble::Warning(text)
        } else {
            Trouble::Fatal(text)
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive, and nobody uses it afterwards.
        unsafe { raw::tj3Destroy(self.0) };
    }
}

/// What a JPEG's header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub width: usize,
    pub height: usize,
    /// Four colour components, stored as CMYK or YCCK.
    pub cmyk: bool,
    /// Arithmetic coding, which can squeeze a block into less than a bit.
    pub arithmetic: bool,
    /// Without a DCT, and so without smaller sizes.
    pub lossless: bool,
}

/// The samples of a decoded pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    Rgb,
    /// The luma as it is stored.
    Grey,
    /// As they are stored.
    Cmyk,
}

impl Samples {
    pub fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    fn format(self) -> raw::TJPF {
        match self {
            Self::Grey => raw::TJPF_TJPF_GRAY,
            Self::Rgb => raw::TJPF_TJPF_RGB,
            Self::Cmyk => raw::TJPF_TJPF_CMYK,
        }
    }
}

/// Decodes JPEGs, exactly as Pillow and OpenCV do, with smooth upsampling.
#[derive(Debug)]
pub(super) struct Decompressor(Handle);

impl Decompressor {
    pub fn new() -> Result<Self> {
        let mut handle = Handle::new(raw::TJINIT_TJINIT_DECOMPRESS)?;
        handle.set(raw::TJPARAM_TJPARAM_SCANLIMIT, MAX_SCANS);
        Ok(Self(handle))
    }

    pub fn header(&mut self, jpeg: &[u8]) -> Result<Header, Trouble> {
        // SAFETY: the pointer and the length are those of a slice that outlives the call.
        let status =
            unsafe { raw::tj3DecompressHeader(self.0.0, jpeg.as_ptr(), jpeg.len() as raw::size_t) };
        match self.0.outcome(status) {
            Ok(()) | Err(Trouble::Warning(_)) => {}
            Err(fatal) => return Err(fatal),
        }
        let colorspace = self.0.get(raw::TJPARAM_TJPARAM_COLORSPACE);
        Ok(Header {
            width: usize::try_from(self.0.get(raw::TJPARAM_TJPARAM_JPEGWIDTH)).unwrap_or(0),
            height: usize::try_from(self.0.get(raw::TJPARAM_TJPARAM_JPEGHEIGHT)).unwrap_or(0),
            cmyk: colorspace == raw::TJCS_TJCS_CMYK as c_int
                || colorspace == raw::TJCS_TJCS_YCCK as c_int,
            arithmetic: self.0.get(raw::TJPARAM_TJPARAM_ARITHMETIC) != 0,
            lossless: self.0.get(raw::TJPARAM_TJPARAM_LOSSLESS) != 0,
        })
    }

    /// Decodes at one `scale`th of the size (1, 2, 4 or 8) into rows without gaps, by the slow
    /// integer DCT.
    pub fn decode(
        &mut self,
        jpeg: &[u8],
        header: Header,
        scale: usize,
        samples: Samples,
        pixels: &mut [u8],
    ) -> Result<(), Trouble> {
        self.decode_with(jpeg, header, scale, samples, pixels, false)
    }

    /// The same, by the fast integer DCT where that is wanted.
    pub fn decode_with(
        &mut self,
        jpeg: &[u8],
        header: Header,
        scale: usize,
        samples: Samples,
        pixels: &mut [u8],
        fast_dct: bool,
    ) -> Result<(), Trouble> {
        self.0
            .set(raw::TJPARAM_TJPARAM_FASTDCT, c_int::from(fast_dct));
        // A lossless JPEG is decoded at its own size, whatever is asked for.
        let scale = if header.lossless { 1 } else { scale };
        let factor = raw::tjscalingfactor {
            num: 1,
            denom: scale as c_int,
        };
        // SAFETY: the handle is alive.
        let status = unsafe { raw::tj3SetScalingFactor(self.0.0, factor) };
        self.0.outcome(status)?;
        let pitch = header.width.div_ceil(scale) * samples.count();
        assert!(
            pixels.len() >= pitch * header.height.div_ceil(scale),
            "the buffer holds the picture"
        );
        // SAFETY: the library reads at most `jpeg.len()` bytes, and writes as many rows of
        // `pitch` bytes as the header says that it reads from the same bytes, divided by the
        // scale and rounded up: they fit, by the assertion.
        let status = unsafe {
            raw::tj3Decompress8(
                self.0.0,
                jpeg.as_ptr(),
                jpeg.len() as raw::size_t,
                pixels.as_mut_ptr(),
                pitch as c_int,
                samples.format() as c_int,
            )
        };
        self.0.outcome(status)
    }
}

/// Encodes JPEGs of 4:2:0, as Pillow's and OpenCV's defaults are.
#[derive(Debug)]
pub(crate) struct Compressor(turbojpeg::Compressor);

impl Compressor {
    /// An encoder of `quality` 1 to 100.
    pub fn new(quality: u8) -> Result<Self> {
        let failed = |error| Error::Run(format!("libjpeg-turbo could not be set up: {error}"));
        let mut compressor = turbojpeg::Compressor::new().map_err(failed)?;
        compressor
            .set_quality(i32::from(quality.clamp(1, 100)))
            .map_err(failed)?;
        compressor
            .set_subsamp(turbojpeg::Subsamp::Sub2x2)
            .map_err(failed)?;
        Ok(Self(compressor))
    }

    /// A JPEG of rows of RGB.
    pub fn encode(&mut self, rgb: &[u8], width: usize, height: usize) -> Result<Vec<u8>> {
        self.0
            .compress_to_vec(turbojpeg::Image {
                pixels: rgb,
                width,
                pitch: width * 3,
                height,
                format: turbojpeg::PixelFormat::RGB,
            })
            .map_err(|error| Error::Run(format!("a JPEG could not be encoded: {error}")))
    }
}
