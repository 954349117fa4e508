//! How a picture is to be decoded.

/// The library, and the call of it, whose pixels are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Library {
    /// `PIL.Image.open(…).convert("RGB")`.
    #[default]
    Pillow,
    /// `cv2.imdecode(…, cv2.IMREAD_COLOR)`, in the order red, green, blue.
    OpenCv,
    /// `cv2.imdecode(…, cv2.IMREAD_GRAYSCALE)`, the grey in all three channels.
    OpenCvGrey,
    /// `cv2.imdecode(…, -1)`, in the order red, green, blue. What doesn't have three channels of
    /// 8 bits there is refused.
    OpenCvUnchanged,
    /// `tf.io.decode_image(…, channels=3)`: as Pillow, but for JPEG's fast integer transform.
    TensorFlow,
}

/// How a picture is to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoding {
    pub library: Library,
    /// Turned by its metadata: Pillow's `ImageOps.exif_transpose`, or OpenCV without
    /// `IMREAD_IGNORE_ORIENTATION`. `OpenCvUnchanged` never turns. Both libraries always turn
    /// a TIFF.
    pub upright: bool,
    /// The size given to Pillow's `Image.draft("RGB", size)`: a JPEG is decoded at a half,
    /// a quarter or an eighth, no smaller than this. No other library and format knows it.
    pub draft: Option<(u32, u32)>,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            library: Library::Pillow,
            upright: true,
            draft: None,
        }
    }
}

impl Decoding {
    /// Whether the orientation in the metadata is applied.
    pub fn turns(&self) -> bool {
        let never = matches!(self.library, Library::OpenCvUnchanged | Library::TensorFlow);
        self.upright && !never
    }

    /// Whether it is Pillow that decodes, or TensorFlow, which gives the same pixels but for JPEG.
    pub fn by_pillow(&self) -> bool {
        matches!(self.library, Library::Pillow | Library::TensorFlow)
    }

    /// Whether JPEGs go through libjpeg's fast integer transform.
    pub fn fast_dct(&self) -> bool {
        self.library == Library::TensorFlow
    }

    /// Whether grey is asked of the decoder.
    pub fn grey(&self) -> bool {
        self.library == Library::OpenCvGrey
    }

    /// Whether the file's own channels and bits are asked for.
    pub fn unchanged(&self) -> bool {
        self.library == Library::OpenCvUnchanged
    }
}
