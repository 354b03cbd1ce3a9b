//! Where the lock is held.
//!
//! - **For all users**: files that the installer makes, empty, which belong to the administrator and which everybody may
//!   read. Who may read a file may lock it; nobody else can make, remove or replace one. A token has one of
//!   [`SLOTS`] files by its name, so it may happen that two tokens have the same.
//! - **For one user**: a file with the token's name, in a folder of 0700 in the home that the system's list of users gives
//!   the real user: `HOME` does not count, and `/run/user/UID` comes and goes with the logins of that user, so two jobs
//!   might not meet there. The holder removes the file before it lets go.

use super::holder::Holder;
use super::way;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use usbtoken_pkcs11::KeptOpen;

/// The folder that the installer makes.
#[cfg(target_os = "macos")]
const MACHINE: &str = "/Library/Application Support/usbtoken/locks";
/// The folder that the installer makes. Access lists in `ProgramData` let users add files to each other's folders, so an
/// installer for Windows has to give this one a list that does not.
#[cfg(windows)]
const MACHINE: &str = r"C:\ProgramData\usbtoken\locks";
/// The folder that the installer makes.
#[cfg(not(any(target_os = "macos", windows)))]
const MACHINE: &str = "/var/lib/usbtoken/locks";

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
    /// A folder, where it is another than the place, and why.
    Unusable(Option<PathBuf>, io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Refused::Unusable(None, error)
    }
}

impl From<way::Spoilt> for Refused {
    fn from((folder, error): way::Spoilt) -> Self {
        Refused::Unusable(Some(folder), error)
    }
}

/// A locked file. It is let go of although a child that the host has made by fork(2) may still have it open; and such a
/// child does not let go of what its parent holds.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    open: Kept,
    by: u32,
    id: Option<FileId>,
    copy: Option<File>,
}

#[derive(Debug)]
enum Kept {
    /// So that a driver cannot close it.
    WithoutNumber { _open: KeptOpen },
    /// By a descriptor, whose number may be another file's by the time it is closed.
    ByDescriptor { file: Option<File> },
}

/// Takes the lock of the file, or says who has it.
fn locked(file: File) -> Result<File, Refused> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Refused::Held(Holder::of_file(&file))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

impl Held {
    /// A file that was locked.
    fn of(file: File, path: PathBuf) -> Self {
        let (copy, id) = (file.try_clone().ok(), id_of(&file));
        let open = match KeptOpen::new(&file) {
            Ok(open) => Kept::WithoutNumber { _open: open },
            Err(_) => Kept::ByDescriptor { file: Some(file) },
        };
        Held { path, open, by: std::process::id(), id, copy }
    }

    /// That its path still leads to it: a lock on a file that nobody else opens keeps no one out.
    fn check(&self) -> Result<(), way::Spoilt> {
        let lost = |error| Err((self.path.clone(), error));
        match now_at(&self.path) {
            Ok(now) if now == self.id => Ok(()),
            Ok(_) => lost(io::Error::other("lock_replaced")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                lost(io::Error::new(error.kind(), "lock_removed"))
            }
            Err(error) => lost(error),
        }
    }

    fn is_ours(&self) -> bool {
        self.by == std::process::id()
    }
}

/// Closes the file, and lets go of its lock for all who have it open; closing alone does so when nobody else has.
fn let_go(file: Option<File>, id: Option<FileId>, is_ours: bool) {
    match file {
        Some(file) if id_of(&file) == id => drop(is_ours.then(|| file.unlock())),
        // A driver has closed it: there is nothing to let go of, and the number is not ours.
        Some(file) => std::mem::forget(file),
        None => {}
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let is_ours = self.is_ours();
        // A child that another thread has just made has every descriptor until it runs its program.
        let_go(self.copy.take(), self.id, is_ours);
        if let Kept::ByDescriptor { file } = &mut self.open {
            let_go(file.take(), self.id, is_ours);
        }
    }
}

/// The folder that the installer makes, and whose it has to be.
#[derive(Clone, Debug)]
pub(super) struct MachinePlace {
    folder: PathBuf,
    administrator: u32,
}

impl MachinePlace {
    pub(super) fn of_system() -> Self {
        Self::new(MACHINE.into(), 0)
    }

    pub(super) fn new(folder: PathBuf, administrator: u32) -> Self {
        MachinePlace { folder, administrator }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The file of all users that is held, until this goes.
#[derive(Debug)]
pub(super) struct MachineFile {
    held: Held,
}

impl MachineFile {
    /// That others who want it still meet it.
    pub(super) fn check(&self) -> Result<(), way::Spoilt> {
        self.held.check()
    }

    /// The same open file, once, for the process of the driver.
    pub(super) fn copy(&mut self) -> Option<File> {
        self.held.copy.take()
    }
}

/// Takes the place of all users; `None` where no installer has made one. A folder that is there and cannot be used is an
/// error: others may be using it.
pub(super) fn take_machine(place: &MachinePlace, name: &str) -> Result<Option<MachineFile>, Refused> {
    if !way::is_installed(&place.folder, place.administrator)? {
        return Ok(None);
    }
    // The name is hexadecimal, and as good as random.
    let path = place.folder.join(name.get(..2).unwrap_or("00"));
    let file = open(&path, OpenOptions::new().read(true))?;
    Ok(Some(MachineFile { held: Held::of(locked(file)?, path) }))
}

/// The file of this user that is held, until this goes.
#[derive(Debug)]
pub(super) struct UserFile {
    held: Held,
}

impl UserFile {
    /// That others who want it still meet it.
    pub(super) fn check(&self) -> Result<(), way::Spoilt> {
        self.held.check()
    }

    /// The same open file, once, for the process of the driver.
    pub(super) fn copy(&mut self) -> Option<File> {
        self.held.copy.take()
    }
}

impl Drop for UserFile {
    fn drop(&mut self) {
        // Only where the next one can tell that it locked a removed file; elsewhere the empty file stays. What has taken its
        // place is another job's.
        if cfg!(unix) && self.held.is_ours() && self.check().is_ok() {
            let _ = fs::remove_file(&self.held.path);
        }
    }
}

/// The folder of one user, below the home.
#[derive(Clone, Debug)]
pub(super) struct UserPlace {
    home: PathBuf,
    folder: PathBuf,
}

impl UserPlace {
    pub(super) fn new(home: &Path, below: &str) -> Self {
        UserPlace { home: home.to_owned(), folder: home.join(below) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Takes the place of this user.
pub(super) fn take_user(place: &UserPlace, name: &str) -> Result<UserFile, Refused> {
    way::check(&place.home, &place.folder)?;
    make_own(&place.folder)?;
    let path = place.folder.join(name);
    loop {
        let file = locked(make(&path)?)?;
        // A holder removes its file before it lets go; a lock on a removed file keeps no one out.
        if is_still_there(&file, &path)? {
            return Ok(UserFile { held: Held::of(file, path) });
        }
    }
}

fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    open(path, &mut options)
}

/// A link is not followed, and a named pipe does not keep us waiting.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        // The flags of open(2) are a C int; rustix keeps the same bits unsigned.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "no_regular_file"))
    }
}

/// Device and inode.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = ();

#[cfg(unix)]
fn id_of(file: &File) -> Option<FileId> {
    file.metadata().ok().map(|metadata| id_in(&metadata))
}

#[cfg(unix)]
fn id_in(metadata: &fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Handles are not closed behind a program's back there.
#[cfg(not(unix))]
fn id_of(_file: &File) -> Option<FileId> {
    Some(())
}

/// The file that this path leads to now. Opened anew where that can be, and not only looked up: a network file system asks its
/// server then.
#[cfg(unix)]
fn now_at(path: &Path) -> io::Result<Option<FileId>> {
    match open(path, OpenOptions::new().read(true)) {
        Ok(now) => Ok(id_of(&now)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => fs::symlink_metadata(path).map(|metadata| Some(id_in(&metadata))),
    }
}

#[cfg(not(unix))]
fn now_at(_path: &Path) -> io::Result<Option<FileId>> {
    Ok(Some(()))
}

fn is_still_there(file: &File, path: &Path) -> io::Result<bool> {
    match now_at(path) {
        Ok(now) => Ok(now == id_of(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The folder of this user; `None` for one whose home is nobody's, somebody else's, or not there.
#[cfg(unix)]
pub(super) fn of_user() -> Option<UserPlace> {
    crate::state::home().map(|home| UserPlace::new(&home, ".local/state/usbtoken/lock"))
}

/// The folder of this user, whose access list keeps others out.
#[cfg(windows)]
pub(super) fn of_user() -> Option<UserPlace> {
    let local = known_folders::get_known_folder_path(known_folders::KnownFolder::LocalAppData)?;
    Some(UserPlace::new(&local, r"usbtoken\lock"))
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

    fn by_descriptor(place: &UserPlace) -> UserFile {
        let path = place.folder.join("token");
        let file = locked(make(&path).unwrap()).unwrap();
        let id = id_of(&file);
        let open = Kept::ByDescriptor { file: Some(file) };
        UserFile { held: Held { path, open, by: std::process::id(), id, copy: None } }
    }

    /// What a child has after fork(2): the same open file, taken by another process.
    #[test]
    fn a_forked_child_that_ends_lets_go_of_nothing() {
        let home = tempfile::tempdir().unwrap();
        let place = UserPlace::new(home.path(), "lock");
        drop(take_user(&place, "token").unwrap());
        let parents = by_descriptor(&place);
        let Kept::ByDescriptor { file: Some(file) } = &parents.held.open else { unreachable!("made so") };
        let childs = file.try_clone().unwrap();
        let open = Kept::ByDescriptor { file: Some(file.try_clone().unwrap()) };
        let path = parents.held.path.clone();
        let held = Held { path, open, by: std::process::id() + 1, id: parents.held.id, copy: None };
        drop(UserFile { held });
        assert!(matches!(take_user(&place, "token"), Err(Refused::Held(_))));
        // The parent lets go although the child still has the file open.
        drop(parents);
        drop(take_user(&place, "token").unwrap());
        drop(childs);
    }

    /// As between fork(2) and exec(2) in another thread: the child has what was open, and no part in the mapping.
    #[test]
    fn a_child_that_has_the_descriptor_holds_nothing_up() {
        let home = tempfile::tempdir().unwrap();
        let place = UserPlace::new(home.path(), "lock");
        let parents = take_user(&place, "token").unwrap();
        let childs = parents.held.copy.as_ref().unwrap().try_clone().unwrap();
        drop(parents);
        drop(take_user(&place, "token").unwrap());
        drop(childs);
    }

    /// Where the lock hangs on a descriptor and a driver has closed that, its number is another file's.
    #[test]
    fn a_number_that_is_another_files_is_not_closed() {
        let home = tempfile::tempdir().unwrap();
        let place = UserPlace::new(home.path(), "lock");
        drop(take_user(&place, "token").unwrap());
        let mut held = by_descriptor(&place);
        let others = File::create(place.folder.join("other")).unwrap();
        let Kept::ByDescriptor { file } = &mut held.held.open else { unreachable!("made so") };
        *file = Some(others.try_clone().unwrap());
        let number = std::os::fd::AsRawFd::as_raw_fd(file.as_ref().unwrap());
        drop(held);
        assert!(Path::new("/proc/self/fd").join(number.to_string()).exists() || !cfg!(target_os = "linux"));
    }
}
