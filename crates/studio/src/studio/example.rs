//! An example for a package that takes tensors, as the window makes it.

use std::path::Path;

use super::window_state::{Studio, no_document};
use crate::errors::blocking;
use crate::example;
use crate::failure::Result;

impl Studio {
    /// A name for the file of an example.
    ///
    /// # Errors
    /// That there can't be one: see [`example::of`].
    pub fn example_name(&self) -> Result<String> {
        let state = self.inner.lock();
        let document = state.document.as_ref().ok_or_else(no_document)?;
        let package = document.package();
        let example = example::of(package, &document.model().summary.signature)?;
        Ok(example::file_name(package, &example))
    }

    /// Writes an example to where the user chose, and adds it as a sample.
    ///
    /// # Errors
    /// That there can't be one, or it can't be written.
    pub async fn make_example(&self, to: &Path) -> Result<()> {
        let example = {
            let mut state = self.inner.lock();
            state.last_folder = to.parent().map(Path::to_owned);
            let document = state.document.as_ref().ok_or_else(no_document)?;
            example::of(document.package(), &document.model().summary.signature)?
        };
        let to = to.to_owned();
        // The dialog has asked whether to replace what is there.
        let written = blocking(move || example::write(&example, &to, true)).await?;
        self.add_samples(vec![written]).await.map(drop)
    }
}
