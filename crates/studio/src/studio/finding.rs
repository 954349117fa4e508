//! Finding the recipe of a notebook for the open package.

use std::path::PathBuf;
use std::sync::Arc;

use super::recipe_search::OpenSearch;
use super::window_state::{Inner, Studio, WindowState, no_document};
use crate::api::{Document, Event, RecipeChoice};
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure, Result};
use crate::notebook_file::NotebookFile;
use crate::recipe::{self, RecipeRequest};

impl Studio {
    /// Opens a search, or adds to the one that is open, with files that a notebook saved and samples
    /// that came with them. It begins by itself where there is no doubt about the photos.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if no package is open that takes pictures.
    pub async fn find_recipe(&self, files: Vec<PathBuf>, photos: Vec<u32>) -> Result<()> {
        self.inner.check_takes_pictures()?;
        let is_empty = files.is_empty();
        let read = move || Ok::<_, Failure>(files.into_iter().map(NotebookFile::read).collect());
        let files: Vec<NotebookFile> = blocking(read).await?;
        let mut state = self.inner.lock();
        let root = state.document.as_ref().ok_or_else(no_document)?.root();
        let root = root.to_owned();
        if state.recipe.is_none() {
            state.last_recipe += 1;
            state.recipe = Some(OpenSearch::new(state.last_recipe, root));
        }
        if let Some(search) = &mut state.recipe {
            search.add_files(files, photos);
        }
        match is_empty {
            true => self.inner.emit_recipe(&state),
            false => self.inner.settle_recipe(&mut state),
        }
        Ok(())
    }

    /// Takes a file off the open search.
    ///
    /// # Errors
    /// None at present.
    pub async fn remove_recipe_file(&self, place: usize) -> Result<()> {
        let mut state = self.inner.lock();
        if let Some(search) = &mut state.recipe {
            search.remove_file(place);
            propose(&mut state);
            self.inner.emit_recipe(&state);
        }
        Ok(())
    }

    /// Chooses the photos of the open search, and what its files hold.
    ///
    /// # Errors
    /// None at present.
    pub async fn choose_for_recipe(&self, choice: RecipeChoice) -> Result<()> {
        self.inner.change_search(|search| search.choose(choice));
        Ok(())
    }

    /// Begins the open search; what comes of it is in the state.
    ///
    /// # Errors
    /// None at present.
    pub async fn search_recipe(&self) -> Result<()> {
        let mut state = self.inner.lock();
        self.inner.begin_search(&mut state);
        Ok(())
    }

    /// Goes back to choosing: cancels the search that goes on, or drops its answer.
    ///
    /// # Errors
    /// None at present.
    pub async fn cancel_recipe(&self) -> Result<()> {
        self.inner.change_search(OpenSearch::cancel);
        Ok(())
    }

    /// Closes the search of this id, and cancels what goes on.
    ///
    /// # Errors
    /// None at present.
    pub async fn close_recipe(&self, id: u32) -> Result<()> {
        let mut state = self.inner.lock();
        if state
            .recipe
            .as_ref()
            .is_some_and(|search| search.id() == id)
        {
            self.inner.drop_recipe(&mut state);
        }
        Ok(())
    }

    /// Puts what was found into the package, or the recipe at this place among those that do as
    /// well, and closes the search. It can be undone.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if nothing was found.
    pub async fn use_recipe(&self, same: Option<usize>) -> Result<Document> {
        let found = {
            let state = self.inner.lock();
            let search = state.recipe.as_ref();
            search.and_then(|search| search.recipe(same)).cloned()
        };
        let recipe = found.ok_or_else(|| {
            let hint = "Search again.";
            Failure::new(Code::PackageInvalid, "there is no recipe to use", hint)
        })?;
        let document = self.inner.change(|document| {
            let mut package = document.package().clone();
            recipe.apply(&mut package);
            if package != *document.package() {
                document.step(package);
            }
            Ok(())
        })?;
        self.inner.drop_recipe(&mut self.inner.lock());
        Ok(document)
    }

    /// A JPEG of where the nearest recipe differs, as this run of this search found it.
    pub fn heat_map(&self, id: u32, run: u32) -> Option<Vec<u8>> {
        let state = self.inner.lock();
        let search = state.recipe.as_ref().filter(|search| search.id() == id);
        search?.heat_map(run)
    }
}

impl Inner {
    /// Whether the open package takes pictures.
    pub(super) fn takes_pictures(&self) -> bool {
        let state = self.lock();
        let document = state.document.as_ref();
        document.is_some_and(|open| open.package().image_input().is_some())
    }

    fn check_takes_pictures(&self) -> Result<()> {
        match self.takes_pictures() {
            true => Ok(()),
            false => Err(Failure::new(
                Code::PackageInvalid,
                "no model is open that takes pictures, and only such a one has a recipe",
                "Open the model first.",
            )),
        }
    }

    pub(super) fn emit_recipe(&self, state: &WindowState) {
        let package = state.document.as_ref().map(OpenDocument::package);
        let search = state.recipe.as_ref();
        let shown = search.map(|search| Box::new(search.snapshot(package)));
        self.emit(Event::Recipe(shown));
    }

    /// Closes the open search, if there is one.
    pub(super) fn drop_recipe(&self, state: &mut WindowState) {
        if state.recipe.take().is_some() {
            self.emit_recipe(state);
        }
    }

    /// Proposes photos for the open search, and begins it where there is no doubt about them.
    pub(super) fn settle_recipe(self: &Arc<Self>, state: &mut WindowState) {
        match propose(state) {
            true => self.begin_search(state),
            false if state.recipe.is_some() => self.emit_recipe(state),
            false => {}
        }
    }

    fn change_search(&self, change: impl FnOnce(&mut OpenSearch)) {
        let mut state = self.lock();
        if let Some(search) = &mut state.recipe {
            change(search);
            self.emit_recipe(&state);
        }
    }

    fn begin_search(self: &Arc<Self>, state: &mut WindowState) {
        let request = request(state);
        let Some(search) = &mut state.recipe else {
            return;
        };
        match request {
            Ok(request) => {
                let (id, (run, cancel)) = (search.id(), search.begin());
                let (inner, data_dir) = (Arc::downgrade(self), self.data_dir.clone());
                self.runtime.spawn(async move {
                    let result = recipe::find(&data_dir, &request, &cancel).await;
                    let Some(inner) = inner.upgrade() else { return };
                    let mut state = inner.lock();
                    let search = state.recipe.as_mut().filter(|search| search.id() == id);
                    if search.is_some_and(|search| search.finish(run, result)) {
                        inner.emit_recipe(&state);
                    }
                });
            }
            Err(failure) => search.fail(failure),
        }
        self.emit_recipe(state);
    }
}

/// Proposes photos for the open search; whether there is no doubt about them.
fn propose(state: &mut WindowState) -> bool {
    let WindowState {
        recipe, samples, ..
    } = state;
    let Some(search) = recipe else { return false };
    let names: Vec<(u32, &str)> = samples
        .samples()
        .map(|sample| (sample.id, sample.name.as_str()))
        .collect();
    search.propose(&names)
}

fn request(state: &WindowState) -> Result<RecipeRequest> {
    let document = state.document.as_ref().ok_or_else(no_document)?;
    let refused = |message: &str, hint: &str| Failure::new(Code::SampleUnreadable, message, hint);
    let search = state
        .recipe
        .as_ref()
        .ok_or_else(|| refused("no search is open", "Drop what your notebook saved."))?;
    if search.files().is_empty() {
        let hint = "Drop an array that your notebook saved, or choose one.";
        return Err(refused("there is no file to search by", hint));
    }
    let photo = |id: &u32| state.samples.file(*id).map(|file| file.path.clone());
    let photos: Vec<PathBuf> = search.photos().iter().filter_map(photo).collect();
    if photos.is_empty() {
        let hint = "Choose the photos that the notebook saved this of.";
        return Err(refused("there is no photo to search by", hint));
    }
    Ok(RecipeRequest {
        package: document.loaded()?,
        photos,
        evidence: search.evidence(),
        files: search
            .files()
            .iter()
            .map(|file| file.path.clone())
            .collect(),
        options: state.options(),
    })
}
