//! The folder in which the programs of a user keep things for each other, from one process to the next: the command, programs in
//! C and pages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Below the base that a variable names.
const OURS: &str = "usbtoken";
/// Below a home (XDG Base Directory Specification 0.8).
const BELOW_HOME: &str = ".local/state";

/// The folder that these variables of the environment choose: `XDG_STATE_HOME`, else `HOME`; on Windows `LOCALAPPDATA`.
///
/// A place that is somebody else's is passed over: a program that root starts for another user (setpriv, runuser, `sudo -E`,
/// cron) often has root's `HOME`. Then it is [that of the user](own_folder). None where there is no other.
pub fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let named = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return named("LOCALAPPDATA").map(|base| base.join(OURS));
    }
    let below = |base: &Path| base.join(OURS);
    let by_base = named("XDG_STATE_HOME").map(|base| below(&base)).filter(|place| !is_anothers(place, None));
    let home = named("HOME").or_else(|| std::env::home_dir().filter(|home| home.is_absolute()));
    let by_home = || {
        let home = home?;
        let place = below(&home.join(BELOW_HOME));
        (!is_anothers(&place, Some(&home))).then_some(place)
    };
    by_base.or_else(by_home).or_else(own_folder)
}

/// The folder of the same kind in the home that the system's list of users gives the real user, whatever the environment says. None
/// for a user who has no home, and on Windows.
pub fn own_folder() -> Option<PathBuf> {
    home().map(|home| home.join(BELOW_HOME).join(OURS))
}

/// The home that the system's list of users gives the real user; none that is nobody's, somebody else's, or not there.
#[cfg(unix)]
pub(crate) fn home() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let user = nix::unistd::getuid();
    let home = nix::unistd::User::from_uid(user).ok()??.dir;
    let metadata = std::fs::metadata(&home).ok()?;
    (home.is_absolute() && metadata.is_dir() && metadata.uid() == user.as_raw()).then_some(home)
}

/// There the folder for application data is the user's.
#[cfg(not(unix))]
fn home() -> Option<PathBuf> {
    None
}

/// Whether this user has no business there: the folder is another's, or in another's home, or lies where this user may not look
/// or make anything.
#[cfg(unix)]
fn is_anothers(folder: &Path, home: Option<&Path>) -> bool {
    use std::io::ErrorKind::PermissionDenied;
    use std::os::unix::fs::MetadataExt as _;
    let this_user = rustix::process::geteuid().as_raw();
    match std::fs::symlink_metadata(folder) {
        Ok(metadata) => return metadata.uid() != this_user,
        Err(error) if error.kind() == PermissionDenied => return true,
        Err(_) => {}
    }
    // Some services have a home of root's.
    let is_of = |home: &Path, user| std::fs::metadata(home).is_ok_and(|metadata| metadata.uid() == user);
    if home.is_some_and(|home| home.exists() && !is_of(home, this_user) && !is_of(home, 0)) {
        return true;
    }
    let above = folder.ancestors().skip(1).find_map(|above| match std::fs::metadata(above) {
        Ok(metadata) => Some((above, metadata.is_dir())),
        Err(_) => None,
    });
    // Anything but a folder in the way is a matter of its own.
    above.is_some_and(|(above, is_folder)| is_folder && !may_write(above))
}

#[cfg(not(unix))]
fn is_anothers(_folder: &Path, _home: Option<&Path>) -> bool {
    false
}

/// Whether permissions let this user make something in a folder.
#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD};
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    let refused = rustix::fs::accessat(CWD, folder, wanted, AtFlags::EACCESS);
    !matches!(refused, Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM))
}
