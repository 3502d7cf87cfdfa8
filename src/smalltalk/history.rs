//! Where what was typed is kept.

use std::path::PathBuf;

/// The file, its folder made; `None` if the user has no place for data.
pub fn file() -> Option<PathBuf> {
    let folder = data_folder()?.join("instar");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// The user's folder for data of programs, by the platform's custom.
fn data_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute()) {
        return Some(folder);
    }
    if cfg!(windows) {
        return variable("APPDATA");
    }
    let home = variable("HOME")?;
    Some(home.join(if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" }))
}
