//! The folder in which the programs of a user keep things for each other.

use std::path::PathBuf;

/// The one of the command (XDG Base Directory Specification 0.8; on Windows that for application data of this computer).
pub(crate) fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_STATE_HOME").or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
    };
    base.filter(|base| base.is_absolute()).map(|base| base.join("usbtoken"))
}
