//! What was found.

use boxwright_model::recipe::RecipeReport;

/// What was found, and where it differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The report.
    pub report: RecipeReport,
    /// Where the nearest recipe differs on the first photo: a JPEG of the tensor's size, the picture
    /// in grey and the differences in red.
    pub heat_map: Option<Vec<u8>>,
}
