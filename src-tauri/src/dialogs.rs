//! The system's file dialogs. The page gets no paths.

use std::path::PathBuf;

use boxwright_studio::api::Pick;
use rfd::{AsyncFileDialog, FileHandle};
use tauri::WebviewWindow;

const PICTURES: &[&str] = &["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"];
const NOTEBOOK: &[&str] = &["npy", "npz", "pt", "pth", "csv", "json"];

/// Asks for what the page wants to open; empty where it was dismissed.
pub async fn pick(window: &WebviewWindow, what: Pick) -> Vec<PathBuf> {
    let dialog = AsyncFileDialog::new().set_parent(window);
    let picked = match what {
        Pick::Model => dialog
            .set_title("Open a model or package")
            .add_filter("Models and packages", &["onnx", "toml"])
            .add_filter("All files", &["*"])
            .pick_file()
            .await
            .map(|file| vec![file]),
        Pick::Pictures => {
            dialog
                .set_title("Add pictures")
                .add_filter("Pictures", &with_capitals(PICTURES))
                .add_filter("All files", &["*"])
                .pick_files()
                .await
        }
        Pick::Folder => {
            dialog
                .set_title("Add a folder of pictures")
                .pick_folders()
                .await
        }
        Pick::Recipe => {
            dialog
                .set_title("Choose what your notebook saved")
                .add_filter("Arrays and answers", &with_capitals(NOTEBOOK))
                .add_filter("All files", &["*"])
                .pick_files()
                .await
        }
        Pick::Labels => dialog
            .set_title("Choose labels")
            .add_filter("Text", &["txt"])
            .add_filter("All files", &["*"])
            .pick_file()
            .await
            .map(|file| vec![file]),
    };
    picked
        .unwrap_or_default()
        .into_iter()
        .map(FileHandle::into)
        .collect()
}

/// Asks where to save, proposing `name` in `folder`; without one, the system's choice.
pub async fn save(
    window: &WebviewWindow,
    title: &str,
    name: &str,
    folder: Option<PathBuf>,
) -> Option<PathBuf> {
    let mut dialog = AsyncFileDialog::new()
        .set_parent(window)
        .set_title(title)
        .set_file_name(name);
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    dialog.save_file().await.map(FileHandle::into)
}

/// Filters of GTK are case-sensitive, and cameras write `IMG_0001.JPG`.
fn with_capitals(extensions: &[&str]) -> Vec<String> {
    extensions
        .iter()
        .flat_map(|one| [(*one).to_owned(), one.to_uppercase()])
        .collect()
}
