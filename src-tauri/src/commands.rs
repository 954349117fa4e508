//! The page's commands, each one line into the studio.

use std::sync::{Mutex, PoisonError};

use boxwright_studio::api::{
    Doctor, Document, Event, ExportFormat, Pick, PublishRequest, PublishTo, RecipeChoice,
    ReportImage, Settings, SignIn, SignInOutcome, State as View,
};
use boxwright_studio::model::package::Package;
use boxwright_studio::{Failure, Result, Studio};
use tauri::ipc::Invoke;
use tauri::{Emitter, State, WebviewWindow, Window};

use crate::{dialogs, window};

/// The clipboard, kept open: on X11 its text is lost when the connection is closed.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

/// A failure of the start, before the page receives events.
#[derive(Default)]
pub struct StartupFailure(Mutex<Option<Failure>>);

impl StartupFailure {
    /// Stores a failure for the first call of `state`.
    pub fn store(&self, failure: Failure) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    fn take(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// All commands.
pub fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        state,
        pick,
        open_recent,
        open_sample,
        close_document,
        edit,
        undo,
        redo,
        save,
        revert,
        apply_preset,
        python,
        preview,
        cancel_preview,
        set_in_view,
        remove_samples,
        clear_samples,
        answer_question,
        dismiss_question,
        remove_recipe_file,
        choose_for_recipe,
        search_recipe,
        cancel_recipe,
        close_recipe,
        use_recipe,
        export,
        make_example,
        sign_in,
        sign_out,
        keychain_available,
        publish,
        docker_run,
        cancel_job,
        retry_job,
        dismiss_job,
        set_settings,
        doctor,
        close_window,
        copy_text,
        preview_painted,
    ]
}

/// The whole state. A failure of the start follows as an event: the page receives events by now.
#[tauri::command]
async fn state(
    page: WebviewWindow,
    studio: State<'_, Studio>,
    startup_failure: State<'_, StartupFailure>,
) -> Result<View> {
    if let Some(failure) = startup_failure.take()
        && let Err(error) = page.emit_to(window::LABEL, "studio", Event::Failure(failure))
    {
        tracing::warn!(%error, "a failure can't be sent to the page");
    }
    Ok(studio.state())
}

#[tauri::command]
async fn pick(window: WebviewWindow, studio: State<'_, Studio>, what: Pick) -> Result<()> {
    if what == Pick::Recipe {
        // Behind the dialog it says what is asked for.
        studio.find_recipe(Vec::new(), Vec::new()).await?;
    }
    let picked = dialogs::pick(&window, what).await;
    match (what, picked.first()) {
        (_, None) => Ok(()),
        (Pick::Recipe, _) => studio.find_recipe(picked, Vec::new()).await,
        (Pick::Labels, Some(path)) => studio.set_labels(path).await.map(drop),
        _ => studio.open(picked).await,
    }
}

#[tauri::command]
async fn open_recent(studio: State<'_, Studio>, id: u32) -> Result<()> {
    studio.open_recent(id).await
}

#[tauri::command]
async fn open_sample(studio: State<'_, Studio>) -> Result<()> {
    studio.open_sample().await
}

#[tauri::command]
async fn close_document(studio: State<'_, Studio>) -> Result<()> {
    studio.close_document().await
}

#[tauri::command]
async fn edit(studio: State<'_, Studio>, revision: u32, package: Package) -> Result<Document> {
    studio.edit(revision, package).await
}

#[tauri::command]
async fn undo(studio: State<'_, Studio>) -> Result<Document> {
    studio.undo().await
}

#[tauri::command]
async fn redo(studio: State<'_, Studio>) -> Result<Document> {
    studio.redo().await
}

#[tauri::command]
async fn save(studio: State<'_, Studio>) -> Result<Document> {
    studio.save().await
}

#[tauri::command]
async fn revert(studio: State<'_, Studio>) -> Result<Document> {
    studio.revert().await
}

#[tauri::command]
async fn apply_preset(studio: State<'_, Studio>, name: String) -> Result<Document> {
    studio.apply_preset(&name).await
}

#[tauri::command]
async fn python(studio: State<'_, Studio>) -> Result<String> {
    studio.python()
}

#[tauri::command]
async fn preview(studio: State<'_, Studio>) -> Result<()> {
    studio.preview().await
}

#[tauri::command]
async fn cancel_preview(studio: State<'_, Studio>) -> Result<()> {
    studio.cancel_preview().await
}

#[tauri::command]
async fn set_in_view(studio: State<'_, Studio>, ids: Vec<u32>) -> Result<()> {
    studio.set_in_view(ids).await
}

#[tauri::command]
async fn remove_samples(studio: State<'_, Studio>, ids: Vec<u32>) -> Result<()> {
    studio.remove_samples(ids).await
}

#[tauri::command]
async fn clear_samples(studio: State<'_, Studio>) -> Result<()> {
    studio.clear_samples().await
}

#[tauri::command]
async fn answer_question(studio: State<'_, Studio>, answer: usize) -> Result<Document> {
    studio.answer_question(answer).await
}

#[tauri::command]
async fn dismiss_question(studio: State<'_, Studio>) -> Result<Document> {
    studio.dismiss_question().await
}

#[tauri::command]
async fn remove_recipe_file(studio: State<'_, Studio>, place: usize) -> Result<()> {
    studio.remove_recipe_file(place).await
}

#[tauri::command]
async fn choose_for_recipe(studio: State<'_, Studio>, choice: RecipeChoice) -> Result<()> {
    studio.choose_for_recipe(choice).await
}

#[tauri::command]
async fn search_recipe(studio: State<'_, Studio>) -> Result<()> {
    studio.search_recipe().await
}

#[tauri::command]
async fn cancel_recipe(studio: State<'_, Studio>) -> Result<()> {
    studio.cancel_recipe().await
}

#[tauri::command]
async fn close_recipe(studio: State<'_, Studio>, id: u32) -> Result<()> {
    studio.close_recipe(id).await
}

#[tauri::command]
async fn use_recipe(studio: State<'_, Studio>, same: Option<usize>) -> Result<Document> {
    studio.use_recipe(same).await
}

#[tauri::command]
async fn export(
    window: WebviewWindow,
    studio: State<'_, Studio>,
    format: ExportFormat,
) -> Result<Option<String>> {
    let (name, folder) = (studio.export_name(format), studio.last_folder());
    let Some(path) = dialogs::save(&window, "Save the predictions", &name, folder).await else {
        return Ok(None);
    };
    studio.export(format, &path).await?;
    Ok(path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned()))
}

#[tauri::command]
async fn make_example(window: WebviewWindow, studio: State<'_, Studio>) -> Result<()> {
    let (name, folder) = (studio.example_name()?, studio.last_folder());
    match dialogs::save(&window, "Save an example", &name, folder).await {
        Some(path) => studio.make_example(&path).await,
        None => Ok(()),
    }
}

#[tauri::command]
async fn sign_in(studio: State<'_, Studio>, request: SignIn) -> Result<SignInOutcome> {
    studio.sign_in(request).await
}

#[tauri::command]
async fn sign_out(studio: State<'_, Studio>, registry: String) -> Result<()> {
    studio.sign_out(&registry).await
}

#[tauri::command]
async fn keychain_available(studio: State<'_, Studio>) -> Result<bool> {
    Ok(studio.keychain_available().await)
}

#[tauri::command]
async fn publish(
    window: WebviewWindow,
    studio: State<'_, Studio>,
    request: PublishRequest,
) -> Result<Option<u32>> {
    let archive = match request.to {
        PublishTo::Registry { .. } => None,
        PublishTo::Archive => {
            let (name, folder) = (studio.archive_name(), studio.last_folder());
            match dialogs::save(&window, "Save the archive", &name, folder).await {
                None => return Ok(None),
                path => path,
            }
        }
    };
    studio.publish(request, archive).await.map(Some)
}

#[tauri::command]
async fn docker_run(studio: State<'_, Studio>, image: ReportImage) -> Result<String> {
    studio.docker_run(&image)
}

#[tauri::command]
async fn cancel_job(studio: State<'_, Studio>, id: u32) -> Result<()> {
    studio.cancel_job(id);
    Ok(())
}

#[tauri::command]
async fn retry_job(studio: State<'_, Studio>, id: u32) -> Result<u32> {
    studio.retry_job(id).await
}

#[tauri::command]
async fn dismiss_job(studio: State<'_, Studio>, id: u32) -> Result<()> {
    studio.dismiss_job(id);
    Ok(())
}

#[tauri::command]
async fn set_settings(studio: State<'_, Studio>, settings: Settings) -> Result<()> {
    studio.set_settings(settings)
}

#[tauri::command]
async fn doctor(studio: State<'_, Studio>) -> Result<Doctor> {
    Ok(studio.doctor().await)
}

#[tauri::command]
async fn close_window(window: Window) -> Result<()> {
    window::destroy(&window).map_err(|error| internal("The window can't be closed", error))
}

#[tauri::command]
async fn copy_text(clipboard: State<'_, Clipboard>, text: String) -> Result<()> {
    let copied = {
        let mut kept = clipboard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match kept.take() {
            Some(clipboard) => Ok(clipboard),
            None => arboard::Clipboard::new(),
        };
        open.and_then(|clipboard| kept.insert(clipboard).set_text(text))
    };
    copied.map_err(|error| internal("The text can't be copied", error))
}

#[tauri::command]
async fn preview_painted() -> Result<()> {
    window::write_ready_file().map_err(|error| internal("The ready file can't be written", error))
}

fn internal(message: &str, error: impl std::fmt::Display) -> Failure {
    Failure::internal(format!("{message}: {error}"))
}
