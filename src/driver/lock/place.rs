//! Where the lock is held.
//!
//! - **For all users**: files that the installer makes, empty, which belong to the administrator and which everybody may
//!   read. Who may read a file may lock it; nobody else can make, remove or replace one. A token has one of
//!   [`SLOTS`] files by its name, so it may happen that two tokens have the same.
//! - **For one user**: a file with the token's name, in a folder of 0700 in the home that the system's list of users gives
//!   the real user: `HOME` does not count, and `/run/user/UID` comes and goes with the logins of that user, so two jobs
//!   might not meet there. The holder removes the file before it lets go.

use super::holder::Holder;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The folder that the installer makes.
#[cfg(target_os = "macos")]
pub(super) const MACHINE: &str = "/Library/Application Support/usbtoken/locks";
/// The folder that the installer makes. Access lists in `ProgramData` let users add files to each other's folders, so an
/// installer for Windows has to give this one a list that does not.
#[cfg(windows)]
pub(super) const MACHINE: &str = r"C:\ProgramData\usbtoken\locks";
/// The folder that the installer makes.
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) const MACHINE: &str = "/var/lib/usbtoken/locks";

/// How many files there are for all users.
const SLOTS: u32 = 256;

/// The files that an installer makes, empty, for the administrator to own and everybody to read (0444, in folders of 0755):
/// with them a job of one user keeps those of all others from the same token, without them only those of the same user.
pub fn machine_lock_files() -> impl Iterator<Item = PathBuf> {
    (0..SLOTS).map(|slot| Path::new(MACHINE).join(format!("{slot:02x}")))
}

/// Why a place was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// Somebody holds the token there.
    Held(Option<Holder>),
    Unusable(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Refused::Unusable(error)
    }
}

/// A locked file. It is let go of although a child that the host has made by fork(2) may still have it open; and such a
/// child does not let go of what its parent holds.
#[derive(Debug)]
struct Held {
    file: File,
    by: u32,
}

impl Held {
    fn of(file: File) -> Result<Self, Refused> {
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Refused::Held(Holder::of_file(&file)),
            TryLockError::Error(error) => Refused::Unusable(error),
        })?;
        Ok(Held { file, by: std::process::id() })
    }

    fn is_ours(&self) -> bool {
        self.by == std::process::id()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours() {
            // Closing does the same when nobody else has it.
            let _ = self.file.unlock();
        }
    }
}

/// The file of all users that is held, until this goes.
#[derive(Debug)]
pub(super) struct MachineFile {
    held: Held,
}

impl MachineFile {
    pub(super) fn file(&self) -> &File {
        &self.held.file
    }
}

/// Takes the place of all users; `None` where no installer has made one. A folder that is there and cannot be used is an
/// error: others may be using it.
pub(super) fn take_machine(folder: &Path, name: &str) -> Result<Option<MachineFile>, Refused> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // The name is hexadecimal, and as good as random.
    let file = File::open(folder.join(name.get(..2).unwrap_or("00")))?;
    Ok(Some(MachineFile { held: Held::of(file)? }))
}

/// The file of this user that is held, until this goes.
#[derive(Debug)]
pub(super) struct UserFile {
    path: PathBuf,
    held: Held,
}

impl UserFile {
    pub(super) fn file(&self) -> &File {
        &self.held.file
    }
}

impl Drop for UserFile {
    fn drop(&mut self) {
        // Only where the next one can tell that it locked a removed file; elsewhere the empty file stays.
        if cfg!(unix) && self.held.is_ours() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the place of this user.
pub(super) fn take_user(folder: &Path, name: &str) -> Result<UserFile, Refused> {
    make_own(folder)?;
    let path = folder.join(name);
    loop {
        let held = Held::of(open(&path)?)?;
        // A holder removes its file before it lets go; a lock on a removed file keeps no one out.
        if is_still_there(&held.file, &path)? {
            return Ok(UserFile { path, held });
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Opened anew and not only looked up: a network file system asks its server then.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match File::open(path) {
        Ok(now) => Ok(identity(now.metadata()?) == identity(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The folder of this user; `None` for one whose home is nobody's, somebody else's, or not there.
#[cfg(unix)]
pub(super) fn of_user() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let user = nix::unistd::getuid();
    let home = nix::unistd::User::from_uid(user).ok()??.dir;
    let metadata = fs::metadata(&home).ok()?;
    let own = home.is_absolute() && metadata.is_dir() && metadata.uid() == user.as_raw();
    own.then(|| home.join(".local/state/usbtoken/lock"))
}

/// The folder of this user, whose access list keeps others out.
#[cfg(windows)]
pub(super) fn of_user() -> Option<PathBuf> {
    let local = known_folders::get_known_folder_path(known_folders::KnownFolder::LocalAppData)?;
    Some(local.join("usbtoken").join("lock"))
}

/// Makes the folder for this user alone; one that is there already must be so.
fn make_own(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    check_own(&fs::symlink_metadata(folder)?)
}

#[cfg(unix)]
fn check_own(folder: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |why: &'static str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !folder.is_dir() {
        return refused("no_folder");
    }
    if folder.uid() != nix::unistd::getuid().as_raw() {
        return refused("of_another_user");
    }
    if folder.mode() & 0o022 != 0 {
        return refused("writable_by_others");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_own(_folder: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What a child has after fork(2): the same open file, taken by another process.
    #[test]
    fn a_forked_child_that_ends_lets_go_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("lock");
        let parents = take_user(&folder, "token").unwrap();
        let file = parents.held.file.try_clone().unwrap();
        let held = Held { file, by: std::process::id() + 1 };
        drop(UserFile { path: parents.path.clone(), held });
        assert!(matches!(take_user(&folder, "token"), Err(Refused::Held(_))));
        // The parent lets go although the child still has the file open.
        let childs = parents.held.file.try_clone().unwrap();
        drop(parents);
        drop(take_user(&folder, "token").unwrap());
        drop(childs);
    }
}
