//! The window's state machine: everything that the page shows and may ask for, without a
//! transport. A shell forwards commands to [`Studio`] and [`Event`]s to the page.

use std::path::{Path, PathBuf};

use boxwright_model::package::{Package, Preprocess};
use tokio::sync::broadcast;

use crate::api::{
    Account, Doctor, Document, Event, ExportFormat, PublishRequest, Settings, SignIn, State,
};
use crate::failure::Failure;

/// A result that a front end shows.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The window's state. Cheap to clone; all clones are the same studio.
#[derive(Clone)]
pub struct Studio {}

impl Studio {
    /// Reads settings, history and recent packages. Must be called within a tokio runtime, which
    /// it keeps for its tasks.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::Code::Internal) if the share folder is missing.
    pub fn new() -> Result<Self> {
        todo!()
    }

    /// The events from now on. A receiver that lags must read [`Studio::state`] anew.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        todo!()
    }

    /// All that the window shows.
    pub fn state(&self) -> State {
        todo!()
    }

    /// Opens what was dropped, picked or named on the command line; what each path is decides
    /// what happens. Whatever is wrong also goes out as [`Event::Failure`].
    pub async fn open(&self, paths: Vec<PathBuf>) -> Result<()> {
        todo!()
    }

    /// Opens a package of the list of recent ones.
    pub async fn open_recent(&self, id: u32) -> Result<()> {
        todo!()
    }

    /// Opens the sample package with its pictures.
    pub async fn open_sample(&self) -> Result<()> {
        todo!()
    }

    /// Closes the package, unsaved changes included.
    pub async fn close_document(&self) -> Result<()> {
        todo!()
    }

    /// Takes the labels from a text file.
    pub async fn set_labels(&self, path: &Path) -> Result<Document> {
        todo!()
    }

    /// Replaces the package by an edited one that was made from `revision`.
    pub async fn edit(&self, revision: u32, package: Package) -> Result<Document> {
        todo!()
    }

    /// Takes the last edit back.
    pub async fn undo(&self) -> Result<Document> {
        todo!()
    }

    /// Does an edit again that was taken back.
    pub async fn redo(&self) -> Result<Document> {
        todo!()
    }

    /// Writes `boxwright.toml`.
    pub async fn save(&self) -> Result<Document> {
        todo!()
    }

    /// Goes back to what was saved, or to the guess where nothing was.
    pub async fn revert(&self) -> Result<Document> {
        todo!()
    }

    /// The preprocessing of a preset for the open model.
    pub fn preset(&self, name: &str) -> Result<Preprocess> {
        todo!()
    }

    /// Predicts the samples anew.
    pub async fn preview(&self) -> Result<()> {
        todo!()
    }

    /// Stops the running preview.
    pub async fn cancel_preview(&self) -> Result<()> {
        todo!()
    }

    /// Takes samples off the list.
    pub async fn remove_samples(&self, ids: Vec<u32>) -> Result<()> {
        todo!()
    }

    /// Takes all samples off the list.
    pub async fn clear_samples(&self) -> Result<()> {
        todo!()
    }

    /// A file name to propose for an export.
    pub fn export_name(&self, format: ExportFormat) -> String {
        todo!()
    }

    /// Writes the predictions to a file.
    pub async fn export(&self, format: ExportFormat, to: &Path) -> Result<()> {
        todo!()
    }

    /// Checks a password against its registry and keeps it.
    pub async fn sign_in(&self, request: SignIn) -> Result<Account> {
        todo!()
    }

    /// Forgets the credentials of a registry.
    pub async fn sign_out(&self, registry: &str) -> Result<()> {
        todo!()
    }

    /// Whether the system has a keychain that answers.
    pub async fn keychain_available(&self) -> bool {
        todo!()
    }

    /// A file name to propose for an archive.
    pub fn archive_name(&self) -> String {
        todo!()
    }

    /// Starts a build (`archive` says where to) or a publication, and returns the job's id.
    pub async fn publish(&self, request: PublishRequest, archive: Option<PathBuf>) -> Result<u32> {
        todo!()
    }

    /// The version after the open package's.
    pub fn next_version(&self) -> Result<String> {
        todo!()
    }

    /// Stops a job; its outcome comes as an event.
    pub fn cancel_job(&self, id: u32) {
        todo!()
    }

    /// Starts an ended job again as a new one.
    pub async fn retry_job(&self, id: u32) -> Result<u32> {
        todo!()
    }

    /// Takes an ended job off the list.
    pub fn dismiss_job(&self, id: u32) {
        todo!()
    }

    /// Remembers choices.
    pub fn set_settings(&self, settings: Settings) -> Result<()> {
        todo!()
    }

    /// What works on this machine.
    pub async fn doctor(&self) -> Doctor {
        todo!()
    }

    /// Whether the window may close now. If not, [`Event::CloseRequested`] has gone out.
    pub fn may_close(&self) -> bool {
        todo!()
    }

    /// Ends jobs and workers before the program ends.
    pub async fn shut_down(&self) {
        todo!()
    }

    /// A sample's thumbnail as JPEG; `None` where there is none (yet).
    pub fn thumbnail(&self, id: u32) -> Option<Vec<u8>> {
        todo!()
    }

    /// A sample's picture as JPEG, its longer side at most 1600 pixels, made by the worker.
    pub async fn large(&self, id: u32) -> Result<Vec<u8>> {
        todo!()
    }
}
