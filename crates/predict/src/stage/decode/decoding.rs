//! How a picture is to be decoded.

use boxwright_model::package::Decode;

/// How a picture is to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoding {
    /// The library, and the call of it, whose pixels are wanted: always in the order red, green,
    /// blue; a grey is in all three. What `cv2.imdecode(…, -1)` doesn't give as three channels of
    /// 8 bits is refused.
    pub library: Decode,
    /// Turned by its metadata: Pillow's `ImageOps.exif_transpose`, or OpenCV without
    /// `IMREAD_IGNORE_ORIENTATION`. `OpenCvUnchanged` never turns, and a TIFF is always
    /// turned, by both libraries.
    pub upright: bool,
    /// The size given to Pillow's `Image.draft("RGB", size)`: a JPEG is decoded at a half,
    /// a quarter or an eighth, no smaller than this. No other library and format knows it.
    pub draft: Option<(u32, u32)>,
    /// Whether alpha is kept of a PNG or WebP that is not turned: Pillow shrinks what it hasn't made
    /// RGB yet together with it.
    pub alpha: bool,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            library: Decode::Pillow,
            upright: true,
            draft: None,
            alpha: false,
        }
    }
}

impl Decoding {
    /// Whether the orientation in the metadata is applied.
    pub fn turns(&self) -> bool {
        let never = matches!(self.library, Decode::OpenCvUnchanged | Decode::TensorFlow);
        self.upright && !never
    }

    /// Whether it is Pillow that decodes, or TensorFlow, which gives the same pixels but for JPEG.
    pub fn by_pillow(&self) -> bool {
        matches!(self.library, Decode::Pillow | Decode::TensorFlow)
    }

    /// Whether it is TensorFlow that decodes, which knows fewer formats, and orientations not at all.
    pub fn by_tensorflow(&self) -> bool {
        self.library == Decode::TensorFlow
    }

    /// Whether JPEGs go through libjpeg's fast integer transform.
    pub fn fast_dct(&self) -> bool {
        self.library == Decode::TensorFlow
    }

    /// Whether grey is asked of the decoder.
    pub fn grey(&self) -> bool {
        self.library == Decode::OpenCvGrey
    }

    /// Whether the file's own channels and bits are asked for.
    pub fn unchanged(&self) -> bool {
        self.library == Decode::OpenCvUnchanged
    }
}
