//! Files that the command reads and writes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use usbtoken::error::{Code, Error, Fact, Result, Step};
use usbtoken::pki::MAX_RESPONSE;

/// One byte over the library's limit is enough for it to see that it is too much.
const LARGEST: u64 = MAX_RESPONSE as u64 + 1;

/// Whether the path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file, or standard input for `-`, up to one byte over the largest response.
///
/// # Errors
/// [`Code::FileUnreadable`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
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
/// [`Code::FileUnwritable`] when it exists and may not be overwritten, or its folder takes no file.
pub fn check_writable(path: &Path, overwrite: bool) -> Result<()> {
    if is_standard(path) {
        return Ok(());
    }
    if !overwrite && fs::symlink_metadata(path).is_ok() {
        return Err(unwritable(path, io::ErrorKind::AlreadyExists.into()));
    }
    temporary(path).map(drop).map_err(|error| unwritable(path, error))
}

/// Writes a file as a whole: under another name first, so that nobody ever sees a part of it.
///
/// # Errors
/// [`Code::FileUnwritable`].
pub fn write(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = temporary(path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        if overwrite {
            file.persist(path)?;
        } else {
            file.persist_noclobber(path)?;
        }
        Ok(())
    };
    write().map_err(|error| unwritable(path, error))
}

fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".usbtoken-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A request is public: it gets the permissions of any other file, less the umask.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
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
