//! Files that only their owner reads: written whole, synced, and read only where no one else could have put them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An answer with its chain has a few KiB.
const ROOM: usize = 64 * 1024;

/// Makes the folder with those above it, for this user alone; one that is there already must be so.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if check_folder(folder)? {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    // Another process may have been faster, and it need not have been one of ours.
    check_folder(folder).map(drop)
}

/// Whether the folder is there.
///
/// # Errors
/// When it is a link or no folder, belongs to somebody else, or others may read it.
pub(super) fn check_folder(folder: &Path) -> io::Result<bool> {
    let metadata = match fs::symlink_metadata(folder) {
        Err(error) if is_missing(&error) => return Ok(false),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        return Err(refused("no_folder"));
    }
    check_owner(&metadata).map(|()| true)
}

/// Shows that as much as an answer can be written.
pub(super) fn try_room(folder: &Path) -> io::Result<()> {
    let mut file = temporary(folder)?;
    file.write_all(&[0; ROOM])?;
    file.as_file().sync_all()
}

/// Writes a file under another name, and gives it its own when all of it is on the disk.
pub(super) fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Makes the folder and shows that a file can be made in it, if an empty one.
pub(super) fn try_file(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    temporary(folder).map(drop)
}

/// What the clock behind the folder's files says now.
pub(super) fn now(folder: &Path) -> io::Result<SystemTime> {
    temporary(folder)?.as_file().metadata()?.modified()
}

/// Writes a file, or leaves an empty one where the disk takes no more.
pub(super) fn write_or_touch(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(folder, path, bytes).or_else(|_| match temporary(folder)?.persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        touched => touched.map(drop).map_err(io::Error::from).and_then(|()| sync_folder(folder)),
    })
}

/// Opens a new file whose name begins and ends like this.
pub(super) fn create(folder: &Path, prefix: &str, suffix: &str) -> io::Result<(File, PathBuf)> {
    let file = tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)?;
    file.keep().map_err(io::Error::from)
}

/// The bytes of a private file, up to this limit; `None` where there is none.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path) {
        Err(error) if is_missing(&error) => return Ok(None),
        file => file?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refused("no_regular_file"));
    }
    check_owner(&metadata)?;
    if metadata.len() > limit {
        return Err(refused("too_large"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Removes a file; one that is gone already is no error.
pub(super) fn remove(folder: &Path, path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_folder(folder)),
    }
}

/// Gives a file of this folder another name in it.
pub(super) fn rename(folder: &Path, path: &Path, to: &Path) -> io::Result<()> {
    fs::rename(path, to).and_then(|()| sync_folder(folder))
}

/// Says of a file when it was written.
pub(super) fn set_modified(path: &Path, at: SystemTime) -> io::Result<()> {
    #[cfg(unix)]
    let file = open(path)?;
    #[cfg(not(unix))]
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_modified(at)
}

/// Whether something is there, or that cannot be told.
pub(super) fn may_be_there(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| is_missing(&error))
}

/// Whether nothing is there: below a file there is nothing either.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    // The crate gives 0600, and never opens what is there already.
    tempfile::Builder::new().prefix(".new-").tempfile_in(folder)
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// A link is not followed, and a named pipe does not keep us waiting.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    // The flags of open(2) are a C int; rustix keeps the same bits unsigned.
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn check_owner(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("of_another_user"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(refused("open_to_others"));
    }
    Ok(())
}

/// The folder is in the user's profile, whose access list Windows passes on to what is made in it.
#[cfg(not(unix))]
fn check_owner(_metadata: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Without this a new name may be lost with the power, though the file's content is safe.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
