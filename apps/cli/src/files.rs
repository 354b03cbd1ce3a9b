//! Files that the command reads and writes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use usbtoken::error::{Fact, Step};
use usbtoken::places::{OldCertificate, Place};
use usbtoken::{Code, Error, Result};

use crate::journal::Journal;
use crate::process::surroundings;

/// What CAs send has a few KiB. As much as is kept can be read, so that the true size is told.
const LARGEST: u64 = Journal::LARGEST_ANSWER as u64 + 1;
/// More than a request or an answer usually needs.
const ROOM: usize = 64 * 1024;
/// A request is public: it gets the permissions of any other file, less the umask.
const PUBLIC: u32 = 0o666;
/// An answer tells what is on the token.
const PRIVATE: u32 = 0o600;

/// Whether the path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file, or standard input for `-`, up to one byte over what is kept of an answer.
///
/// # Errors
/// [`Code::FileUnreadable`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    surroundings::restore();
    let mut bytes = Vec::new();
    let read = if is_standard(path) {
        io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    read.map(|_| bytes).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let place = Error::new(Code::FileUnreadable).during(Step::ReadAnswer).fact(Fact::Path, path.display());
    place.fact(Fact::Detail, &error).caused_by(error)
}

/// Makes sure, before anything happens on the token, that the file can be written later.
///
/// # Errors
/// [`Code::FileUnwritable`] when it exists and may not be overwritten, is a device or the like, or its folder takes
/// no file.
pub fn check_writable(path: &Path, overwrite: bool) -> Result<()> {
    surroundings::restore();
    if is_standard(path) {
        return Ok(());
    }
    if !overwrite && fs::symlink_metadata(path).is_ok() {
        return Err(unwritable(path, io::ErrorKind::AlreadyExists.into()));
    }
    if path.canonicalize().is_ok_and(|real| is_of_profile(&real)) {
        return Err(
            unwritable(path, io::ErrorKind::AlreadyExists.into()).fact(Fact::Reason, "profile_database")
        );
    }
    let try_room = || -> io::Result<()> {
        let mut file = temporary(&target(path)?, PUBLIC)?;
        file.write_all(&[0; ROOM])?;
        file.as_file().sync_all()
    };
    try_room().map_err(|error| unwritable(path, error))
}

/// Whether it is a database of certificates and keys of a browser, by its name.
fn is_of_profile(path: &Path) -> bool {
    let names = ["cert9.db", "key4.db", "cert8.db", "key3.db", "secmod.db", "pkcs11.txt"];
    path.file_name().is_some_and(|name| names.iter().any(|of_profile| name == *of_profile))
}

/// Makes sure that a file is none of those that the same command line reads, such as that with the PIN.
///
/// # Errors
/// [`Code::FileUnwritable`].
pub fn check_no_input<'p>(path: &Path, read: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
    if !read.into_iter().any(|input| is_same(path, input)) {
        return Ok(());
    }
    let error = Error::new(Code::FileUnwritable).fact(Fact::Path, path.display());
    Err(error.fact(Fact::Reason, "read_by_this_command"))
}

/// Makes sure that a file is not the one that the old certificate was read from, and is in no profile that it was read from: with
/// it goes, perhaps, the only copy of its key.
///
/// # Errors
/// [`Code::FileUnwritable`].
pub fn check_apart(path: &Path, old: &OldCertificate) -> Result<()> {
    let is_there = match old.place() {
        Place::File(place) => is_same(path, place),
        Place::Nss { profile, .. } => {
            // A link leads to what is replaced.
            let real = path.canonicalize();
            is_same(folder_of(path), profile) || real.is_ok_and(|real| is_same(folder_of(&real), profile))
        }
        _ => false,
    };
    if !is_there {
        return Ok(());
    }
    let error = Error::new(Code::FileUnwritable).fact(Fact::Path, path.display());
    Err(error.fact(Fact::Reason, "old_certificate_there"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Writes a file as a whole: under another name first, so that no one ever sees a part of it.
///
/// # Errors
/// [`Code::FileUnwritable`].
pub fn write(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    surroundings::restore();
    write_as(path, bytes, overwrite, PUBLIC).map_err(|error| unwritable(path, error))
}

/// The same for a file that does not exist and that no one else may read.
///
/// # Errors
/// [`Code::FileUnwritable`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    surroundings::restore();
    write_as(path, bytes, false, PRIVATE).map_err(|error| unwritable(path, error))
}

fn write_as(path: &Path, bytes: &[u8], overwrite: bool, mode: u32) -> io::Result<()> {
    let path = target(path)?;
    let mut file = temporary(&path, mode)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if overwrite {
        file.persist(&path)?;
    } else {
        file.persist_noclobber(&path)?;
    }
    #[cfg(unix)]
    File::open(folder_of(&path))?.sync_all()?;
    Ok(())
}

/// The file that a link leads to, since that is the one to be replaced.
///
/// # Errors
/// When something else than a file is there: root would put a plain file in a device's place.
fn target(path: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(path.to_owned());
    }
    let real = path.canonicalize()?;
    if real.metadata()?.is_file() {
        Ok(real)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"))
    }
}

fn temporary(path: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".usbtoken-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder.tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(Code::FileUnwritable)
        .fact(Fact::Path, path.display())
        .fact(Fact::Detail, &error)
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_not_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.pem");
        check_writable(&path, false).unwrap();
        write(&path, b"one", false).unwrap();
        assert_eq!(check_writable(&path, false).unwrap_err().code(), Code::FileUnwritable);
        assert_eq!(write(&path, b"two", false).unwrap_err().code(), Code::FileUnwritable);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        check_writable(&path, true).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_what_is_no_file_is_left_alone() {
        use std::os::unix::fs::{FileTypeExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"old").unwrap();
        symlink(&file, &link).unwrap();
        check_writable(&link, true).unwrap();
        write(&link, b"new", true).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for path in [&pipe, &PathBuf::from("/dev/null")] {
            assert_eq!(check_writable(path, true).unwrap_err().code(), Code::FileUnwritable);
            assert_eq!(write(path, b"new", true).unwrap_err().code(), Code::FileUnwritable);
            assert!(!fs::metadata(path).unwrap().file_type().is_file());
        }
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_missing_folder_is_noticed_beforehand() {
        let error = check_writable(Path::new("/nonexistent/folder/request.pem"), false).unwrap_err();
        assert_eq!(error.code(), Code::FileUnwritable);
        assert_eq!(read(Path::new("/nonexistent/answer")).unwrap_err().code(), Code::FileUnreadable);
    }

    #[test]
    fn a_huge_file_is_read_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        assert_eq!(read(&path).unwrap().len() as u64, LARGEST);
    }
}
