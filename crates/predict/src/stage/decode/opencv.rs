//! What OpenCV's readers have in common.

use super::format::Format;
use crate::error::{Error, Result};

/// What `cv2.imdecode(…, -1)` gives for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unchanged {
    pub channels: u8,
    pub bits: u8,
}

impl Unchanged {
    /// Refuses what a model of three channels of 8 bits doesn't take, in OpenCV's own terms.
    pub fn check(self) -> Result<()> {
        let (what, hint) = match (self.channels, self.bits) {
            (3, 8) => return Ok(()),
            (1, 8) => (
                "1 channel (grey)",
                "Save the picture in colour, or decode it with cv2.IMREAD_COLOR, which repeats \
                 the grey.",
            ),
            (4, 8) => (
                "4 channels (blue, green, red, alpha)",
                "Save the picture without alpha, or decode it with cv2.IMREAD_COLOR, which drops \
                 it.",
            ),
            (_, 16) => {
                return Err(Error::Sample(format!(
                    "cv2.imdecode(…, -1) gives {} of 16 bits, and the model takes 3 of 8. Save \
                     the picture with 8 bits, or decode it with cv2.IMREAD_COLOR, which gives 8.",
                    counted(self.channels)
                )));
            }
            _ => {
                return Err(Error::Sample(format!(
                    "cv2.imdecode(…, -1) gives {} of {} bits, and the model takes 3 of 8. Save \
                     the picture as a PNG of 8 bits.",
                    counted(self.channels),
                    self.bits
                )));
            }
        };
        Err(Error::Sample(format!(
            "cv2.imdecode(…, -1) gives {what}, and the model takes 3. {hint}"
        )))
    }
}

fn counted(channels: u8) -> String {
    match channels {
        1 => "1 channel".into(),
        more => format!("{more} channels"),
    }
}

/// OpenCV's conversion of a CMYK pixel of a JPEG, as it is stored (255 is no ink), to RGB.
pub(super) fn stored_cmyk_to_rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let light = u32::from(black);
    [cyan, magenta, yellow].map(|ink| (light - (((255 - u32::from(ink)) * light) >> 8)) as u8)
}

/// OpenCV looks at more than the first picture of an animation before it decodes that one.
pub(super) fn no_first_picture(format: Format) -> Error {
    format.refused_by("OpenCV", "its first picture is not a part of its animation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(channels: u8, bits: u8) -> String {
        let refused = Unchanged { channels, bits }.check();
        refused.expect_err("not three of eight").to_string()
    }

    #[test]
    fn what_opencv_gives_is_said_in_its_own_terms() {
        assert!(
            Unchanged {
                channels: 3,
                bits: 8
            }
            .check()
            .is_ok()
        );
        assert!(
            words(4, 8)
                .contains("gives 4 channels (blue, green, red, alpha), and the model takes 3")
        );
        assert!(words(1, 8).contains("1 channel (grey)"));
        assert!(words(3, 16).contains("3 channels of 16 bits"));
        assert!(words(1, 32).contains("1 channel of 32 bits"));
    }
}
