//! Generates the page's context. Every command is listed, so that only the capability grants it.

fn main() {
    tauri_build::build();
}
