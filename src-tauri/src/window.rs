//! The window: it stores its size, opens files that are dropped, and is not closed while there are
//! unsaved changes or a job runs.

use std::time::Duration;

use boxwright_studio::{Directories, Studio, json_file};
use serde::{Deserialize, Serialize};
use tauri::window::Color;
use tauri::{
    App, DragDropEvent, Emitter, Manager, Theme, WebviewUrl, WebviewWindowBuilder, Window,
    WindowEvent,
};

/// The label of the only window.
pub const LABEL: &str = "main";

/// The variable that names a file to write when the first preview is painted, for screenshots.
const READY_FILE: &str = "BOXWRIGHT_SCREENSHOT_READY";

/// How long the page may take to close the window, or to find that something is unsaved.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The page's background colours, so that nothing flashes before it is painted.
const LIGHT: Color = Color(0xf3, 0xf4, 0xf6, 0xff);
const DARK: Color = Color(0x0e, 0x10, 0x13, 0xff);

/// The window's size, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Size {
    width: f64,
    height: f64,
    maximized: bool,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            width: 1440.0,
            height: 900.0,
            maximized: false,
        }
    }
}

impl Size {
    const MIN: (f64, f64) = (900.0, 600.0);

    fn stored() -> Self {
        let size: Self = json_file::read(&Directories::find().file("window.json"));
        Self {
            width: size.width.max(Self::MIN.0),
            height: size.height.max(Self::MIN.1),
            ..size
        }
    }

    /// No larger than the screen.
    fn fitting(self, app: &App) -> Self {
        let Ok(Some(monitor)) = app.primary_monitor() else {
            return self;
        };
        let screen = monitor.size().to_logical::<f64>(monitor.scale_factor());
        Self {
            width: self.width.min(screen.width).max(Self::MIN.0),
            height: self.height.min(screen.height).max(Self::MIN.1),
            ..self
        }
    }

    fn of(window: &Window) -> tauri::Result<Self> {
        let inner = window
            .inner_size()?
            .to_logical::<f64>(window.scale_factor()?);
        Ok(Self {
            width: inner.width,
            height: inner.height,
            maximized: window.is_maximized()?,
        })
    }
}

/// Whether there is somewhere to open a window; GTK ends the program where there is not.
pub fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Creates the window, hidden until it has the page's background colour.
pub fn open(app: &App, studio: &Studio) -> tauri::Result<()> {
    let size = Size::stored().fitting(app);
    let theme = match studio.state().settings.theme.as_str() {
        "dark" => Some(Theme::Dark),
        "light" => Some(Theme::Light),
        _ => None,
    };
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("Boxwright")
        .inner_size(size.width, size.height)
        .min_inner_size(Size::MIN.0, Size::MIN.1)
        .maximized(size.maximized)
        .center()
        .theme(theme)
        .visible(false)
        .build()?;
    let dark = theme.or(window.theme().ok()) == Some(Theme::Dark);
    window.set_background_color(Some(if dark { DARK } else { LIGHT }))?;
    window.show()
}

/// Handles events of the window that the page does not get.
pub fn on_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::DragDrop(event) => on_drag(window, event),
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            on_close_requested(window);
        }
        _ => {}
    }
}

/// The page has edits that are not sent yet, so it closes the window. If it doesn't answer and nothing
/// is unsaved, the window is closed without it.
fn on_close_requested(window: &Window) {
    let studio = window.state::<Studio>().inner().clone();
    studio.request_close();
    if !studio.can_close() {
        return;
    }
    let window = window.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(CLOSE_TIMEOUT).await;
        if studio.can_close()
            && let Err(error) = destroy(&window)
        {
            tracing::warn!(%error, "the window can't be closed");
        }
    });
}

fn on_drag(window: &Window, event: &DragDropEvent) {
    #[derive(Clone, Serialize)]
    struct Drag {
        over: bool,
    }
    let over = matches!(
        event,
        DragDropEvent::Enter { .. } | DragDropEvent::Over { .. }
    );
    if !matches!(event, DragDropEvent::Over { .. })
        && let Err(error) = window.emit_to(LABEL, "drag", Drag { over })
    {
        tracing::warn!(%error, "a drag event can't be sent to the page");
    }
    if let DragDropEvent::Drop { paths, .. } = event {
        let (studio, paths) = (window.state::<Studio>().inner().clone(), paths.clone());
        tauri::async_runtime::spawn(async move {
            // A failure is sent to the page as an event of the studio.
            let _ = studio.open(paths).await;
        });
    }
}

/// Closes the window although something is unsaved or a job runs: its user was asked.
pub fn destroy(window: &Window) -> tauri::Result<()> {
    store_size(window);
    window.destroy()
}

fn store_size(window: &Window) {
    let Ok(size) = Size::of(window) else { return };
    if let Err(failure) = json_file::write(&Directories::find().file("window.json"), &size) {
        tracing::warn!(%failure, "the window's size can't be stored");
    }
}

/// Writes the file that says that the first preview is painted, where one was asked for.
pub fn write_ready_file() -> std::io::Result<()> {
    match std::env::var_os(READY_FILE) {
        Some(path) if !path.is_empty() => std::fs::write(path, b"ready\n"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_size_is_the_usual_one_and_a_partial_one_is_filled_in() {
        assert_eq!(
            json_file::read::<Size>(std::path::Path::new("/nowhere")),
            Size::default()
        );
    }
}
