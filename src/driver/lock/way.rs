//! The folders on the way to the place of a lock: who may write to one of them can put another in place of what is below.

use std::io;
use std::path::{Path, PathBuf};

/// A folder that cannot be relied on, and why.
pub(super) type Spoilt = (PathBuf, io::Error);

/// Examines every folder from the home down to this one, through links; what is missing at the end has still to be made.
#[cfg(unix)]
pub(super) fn check(home: &Path, folder: &Path) -> Result<(), Spoilt> {
    self::unix::check(home, folder)
}

/// The access list of the user's folder is passed on to what is below.
#[cfg(not(unix))]
pub(super) fn check(_home: &Path, _folder: &Path) -> Result<(), Spoilt> {
    Ok(())
}

/// Whether the installer's folder is there.
///
/// # Errors
/// Where it, or the one that it is in, is a link, no folder, or one that another than the administrator owns or may write to.
pub(super) fn is_installed(folder: &Path, administrator: u32) -> Result<bool, Spoilt> {
    for folder in folder.parent().into_iter().chain([folder]) {
        let metadata = match folder.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata.map_err(|error| (folder.to_owned(), error))?,
        };
        check_installed(&metadata, administrator).map_err(|why| spoilt(folder, why))?;
    }
    Ok(true)
}

fn spoilt(folder: &Path, why: &'static str) -> Spoilt {
    (folder.to_owned(), io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(unix)]
use self::unix::check_installed;

#[cfg(not(unix))]
fn check_installed(metadata: &std::fs::Metadata, _administrator: u32) -> Result<(), &'static str> {
    if metadata.is_dir() { Ok(()) } else { Err("no_folder") }
}

#[cfg(unix)]
mod unix {
    use super::{Spoilt, spoilt};
    use nix::unistd::{Group, User, getuid};
    use std::ffi::OsString;
    use std::fs::{self, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Component, Path, PathBuf};

    /// More links than any system follows.
    const MOST_LINKS: usize = 40;
    const STICKY: u32 = 0o1000;

    /// What a path is made of.
    enum Part {
        Root,
        Up,
        Named(OsString),
    }

    pub(super) fn check(home: &Path, folder: &Path) -> Result<(), Spoilt> {
        let failed = |at: &Path, error: io::Error| (at.to_owned(), error);
        // What leads to the home is the administrator's.
        let home_itself = fs::canonicalize(home).map_err(|error| failed(home, error))?;
        let mut here = home_itself.clone();
        let mut is_open = check_folder(&here, true)?;
        let mut left = parts(folder.strip_prefix(home).unwrap_or(folder));
        let mut links = 0;
        while let Some(part) = left.pop() {
            match part {
                Part::Root => here = PathBuf::from("/"),
                Part::Up => {
                    here.pop();
                }
                Part::Named(name) => {
                    let next = here.join(name);
                    let metadata = match fs::symlink_metadata(&next) {
                        // Anybody could make it.
                        Err(error) if error.kind() == io::ErrorKind::NotFound && is_open => {
                            return Err(spoilt(&here, "writable_by_others"));
                        }
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                        metadata => metadata.map_err(|error| failed(&next, error))?,
                    };
                    if metadata.is_symlink() {
                        check_owner(&metadata).map_err(|why| spoilt(&next, why))?;
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(spoilt(&next, "no_folder"));
                        }
                        left.extend(parts(&fs::read_link(&next).map_err(|error| failed(&next, error))?));
                        continue;
                    }
                    here = next;
                }
            }
            is_open = check_folder(&here, here.starts_with(&home_itself))?;
        }
        Ok(())
    }

    /// The first one last.
    fn parts(path: &Path) -> Vec<Part> {
        let part = |component| match component {
            Component::RootDir | Component::Prefix(_) => Some(Part::Root),
            Component::ParentDir => Some(Part::Up),
            Component::Normal(name) => Some(Part::Named(name.to_owned())),
            Component::CurDir => None,
        };
        let mut parts: Vec<Part> = path.components().filter_map(part).collect();
        parts.reverse();
        parts
    }

    /// Whether others may make something in it, which they may in none of the home.
    fn check_folder(folder: &Path, is_in_home: bool) -> Result<bool, Spoilt> {
        let metadata = fs::symlink_metadata(folder).map_err(|error| (folder.to_owned(), error))?;
        check_owner(&metadata).map_err(|why| spoilt(folder, why))?;
        if !metadata.is_dir() {
            return Err(spoilt(folder, "no_folder"));
        }
        let open = metadata.mode() & 0o022;
        if open == 0 || open == 0o020 && is_own_group(metadata.gid()) && !has_access_list(folder) {
            return Ok(false);
        }
        // In a sticky one nobody moves what is another's, and what is below has an owner that counts too.
        let is_kept = metadata.mode() & STICKY != 0 && !is_in_home;
        if is_kept { Ok(true) } else { Err(spoilt(folder, "writable_by_others")) }
    }

    fn check_owner(metadata: &Metadata) -> Result<(), &'static str> {
        let is_trusted = metadata.uid() == getuid().as_raw() || metadata.uid() == 0;
        if is_trusted { Ok(()) } else { Err("of_another_user") }
    }

    /// Whether the group is this user's alone, as distributions make one for each user so that files may be writable by
    /// their group: it is the user's first one, has the same name, and has no other members.
    fn is_own_group(group: u32) -> bool {
        let user = User::from_uid(getuid()).ok().flatten().filter(|user| user.gid.as_raw() == group);
        let Some(user) = user else { return false };
        let group = Group::from_gid(user.gid).ok().flatten();
        group.is_some_and(|group| group.name == user.name && group.mem.iter().all(|name| *name == user.name))
    }

    /// Whether an access list stands behind the bits of the group, which then say the most that anybody on it may.
    #[cfg(target_os = "linux")]
    fn has_access_list(folder: &Path) -> bool {
        let mut list = [0; 1024];
        match rustix::fs::getxattr(folder, "system.posix_acl_access", &mut list[..]) {
            Ok(_) | Err(rustix::io::Errno::RANGE) => true,
            Err(_) => false,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn has_access_list(_folder: &Path) -> bool {
        false
    }

    pub(super) fn check_installed(metadata: &Metadata, administrator: u32) -> Result<(), &'static str> {
        if !metadata.is_dir() {
            return Err("no_folder");
        }
        if metadata.uid() != administrator {
            return Err("not_the_administrators");
        }
        if metadata.mode() & 0o022 != 0 { Err("writable_by_others") } else { Ok(()) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const BELOW: &str = ".local/state/usbtoken/lock";

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(BELOW)).unwrap();
        home
    }

    fn mode(folder: &Path, mode: u32) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn checked(home: &Path) -> Result<(), (PathBuf, String)> {
        check(home, &home.join(BELOW)).map_err(|(at, error)| (at, error.to_string()))
    }

    #[test]
    fn a_folder_on_the_way_that_others_may_write_to_is_named() {
        let home = home();
        checked(home.path()).unwrap();
        for below in ["", ".local", ".local/state", ".local/state/usbtoken", BELOW] {
            let folder = home.path().join(below);
            mode(&folder, 0o777);
            let (at, why) = checked(home.path()).unwrap_err();
            assert_eq!(
                (fs::canonicalize(at).unwrap(), &*why),
                (fs::canonicalize(&folder).unwrap(), "writable_by_others")
            );
            // Others could make there what is not there yet.
            mode(&folder, 0o1777);
            assert_eq!(checked(home.path()).unwrap_err().1, "writable_by_others");
            mode(&folder, 0o755);
        }
    }

    #[test]
    fn the_way_goes_through_links() {
        let (home, elsewhere) = (home(), tempfile::tempdir().unwrap());
        let state = home.path().join(".local/state");
        fs::rename(&state, elsewhere.path().join("state")).unwrap();
        symlink(elsewhere.path().join("state"), &state).unwrap();
        checked(home.path()).unwrap();
        mode(elsewhere.path(), 0o777);
        assert_eq!(checked(home.path()).unwrap_err().1, "writable_by_others");
        // Outside of the home nobody moves what is another's, but anybody could make what is missing.
        mode(elsewhere.path(), 0o1777);
        checked(home.path()).unwrap();
        fs::rename(elsewhere.path().join("state"), elsewhere.path().join("away")).unwrap();
        assert_eq!(checked(home.path()).unwrap_err().1, "writable_by_others");
        fs::rename(elsewhere.path().join("away"), elsewhere.path().join("state")).unwrap();
        mode(elsewhere.path(), 0o755);
        // By a link in a folder of others back to one of this user's.
        let open = tempfile::tempdir().unwrap();
        symlink(elsewhere.path().join("state"), open.path().join("back")).unwrap();
        fs::remove_file(&state).unwrap();
        symlink(open.path().join("./back"), &state).unwrap();
        checked(home.path()).unwrap();
        mode(open.path(), 0o777);
        assert_eq!(checked(home.path()).unwrap_err().1, "writable_by_others");
        mode(open.path(), 0o755);
        // And a circle comes to an end.
        fs::remove_file(&state).unwrap();
        symlink("state", &state).unwrap();
        assert_eq!(checked(home.path()).unwrap_err().1, "no_folder");
    }

    #[test]
    fn what_is_missing_is_to_be_made() {
        let home = tempfile::tempdir().unwrap();
        checked(home.path()).unwrap();
        mode(home.path(), 0o777);
        checked(home.path()).unwrap_err();
    }

    #[test]
    fn the_installers_folder_is_none_that_somebody_else_can_make() {
        let machine = tempfile::tempdir().unwrap();
        let (parent, locks) = (machine.path().join("usbtoken"), machine.path().join("usbtoken/locks"));
        let administrator = nix::unistd::getuid().as_raw();
        let found_by = |administrator| {
            is_installed(&locks, administrator).map_err(|(at, error)| (at, error.to_string()))
        };
        let found = || found_by(administrator);
        assert_eq!(found(), Ok(false));
        let refused = |at: &Path, why: &str| assert_eq!(found(), Err((at.to_owned(), why.to_owned())));
        symlink("/nonexistent", &parent).unwrap();
        refused(&parent, "no_folder");
        fs::remove_file(&parent).unwrap();
        fs::create_dir(&parent).unwrap();
        assert_eq!(found(), Ok(false));
        symlink("/nonexistent", &locks).unwrap();
        refused(&locks, "no_folder");
        fs::remove_file(&locks).unwrap();
        fs::create_dir(&locks).unwrap();
        assert_eq!(found(), Ok(true));
        assert_eq!(
            found_by(administrator + 1),
            Err((parent.clone(), "not_the_administrators".to_owned())),
            "not this user's either"
        );
        for folder in [&locks, &parent] {
            for open in [0o777, 0o775] {
                mode(folder, open);
                refused(folder, "writable_by_others");
            }
            mode(folder, 0o755);
        }
    }
}
