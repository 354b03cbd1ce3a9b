//! Who else could replace a driver, or a bank's profile.

use std::io;
use std::path::{Path, PathBuf};

/// The file or folder that lets another user replace it.
pub(crate) struct Weakness {
    pub(crate) path: PathBuf,
    pub(crate) found: String,
    pub(crate) expected: String,
}

/// Looks at the file and at every folder above it: who can rename a folder can replace what is in it.
#[cfg(unix)]
pub(crate) fn weakness(file: &Path) -> io::Result<Option<Weakness>> {
    weakness_for(file, rustix::process::geteuid().as_raw())
}

/// The same where this program's user may own nothing either.
#[cfg(unix)]
pub(crate) fn weakness_for_administrator(file: &Path) -> io::Result<Option<Weakness>> {
    weakness_for(file, Place::ROOT)
}

#[cfg(unix)]
fn weakness_for(file: &Path, me: u32) -> io::Result<Option<Weakness>> {
    use std::os::unix::fs::MetadataExt;

    for path in file.ancestors() {
        let metadata = path.metadata()?;
        let place = Place {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode(),
            folder: metadata.is_dir(),
        };
        if let Some((found, expected)) = place.weakness(me) {
            return Ok(Some(Weakness { path: path.to_path_buf(), found, expected }));
        }
    }
    Ok(None)
}

/// Windows keeps this in access lists, which are not looked at.
#[cfg(not(unix))]
pub(crate) fn weakness(_file: &Path) -> io::Result<Option<Weakness>> {
    Ok(None)
}

/// As [`weakness`].
#[cfg(not(unix))]
pub(crate) fn weakness_for_administrator(_file: &Path) -> io::Result<Option<Weakness>> {
    Ok(None)
}

/// What Unix keeps about a file or folder.
#[cfg(unix)]
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) mode: u32,
    pub(super) folder: bool,
}

#[cfg(unix)]
impl Place {
    const ROOT: u32 = 0;
    /// The group of macOS's administrators, who own the folders that installers write to.
    const MACOS_ADMIN: u32 = 80;

    /// What is wrong and what would be right (in chmod's notation), for a program that runs as this user.
    pub(super) fn weakness(self, me: u32) -> Option<(String, String)> {
        const GROUP: u32 = 0o020;
        const OTHERS: u32 = 0o002;
        const STICKY: u32 = 0o1000;

        if self.owner != Self::ROOT && self.owner != me {
            return Some((format!("owner {}", self.owner), format!("owner 0 or {me}")));
        }
        // In a sticky folder, as /tmp, only the owner can rename or delete what is there, and owners are checked.
        if self.folder && self.mode & STICKY != 0 {
            return None;
        }
        // A group of the owner alone has the owner's number on most Linux systems.
        let group_is_trusted = self.group == Self::ROOT
            || self.group == self.owner
            || cfg!(target_os = "macos") && self.group == Self::MACOS_ADMIN;
        let mode = format!("mode {:o}, group {}", self.mode & 0o7777, self.group);
        if self.mode & OTHERS != 0 {
            return Some((mode, "o-w".into()));
        }
        if self.mode & GROUP != 0 && !group_is_trusted {
            return Some((mode, "g-w".into()));
        }
        None
    }
}
