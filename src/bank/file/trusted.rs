//! Who may write a profile.

use std::io;
use std::path::Path;

use crate::driver::file::trust;
use crate::error::{Code, Error, Fact, Result, Step};

/// Who may own a profile and the folders that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bank) enum Owner {
    /// The administrator: the folder of installed profiles.
    Administrator,
    /// The user of this program too: a file that the caller names.
    UserOrAdministrator,
}

/// Checks that no one else can put a profile into a folder of profiles. Where the folder is sticky, nobody else can change one that is
/// there, which is enough for a file that is named; here what is added is found by itself.
#[cfg(unix)]
pub(in crate::bank) fn check_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    // What cannot be examined is said by who reads it.
    let Ok(metadata) = folder.metadata() else { return Ok(()) };
    let (mode, owner, group) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
    let of_others = mode & 0o002 != 0;
    let of_group = mode & 0o020 != 0 && group != 0 && group != owner;
    if !metadata.is_dir() || mode & 0o1000 == 0 || !(of_others || of_group) {
        return Ok(());
    }
    Err(Error::new(Code::ProfileUntrusted)
        .during(Step::ReadProfile)
        .fact(Fact::Found, format_args!("{}: mode {mode:o}, group {group}", folder.display()))
        .fact(Fact::Expected, if of_others { "o-w" } else { "g-w" })
        .fact(Fact::Path, folder.display()))
}

/// The folder's own protection has to do there.
#[cfg(not(unix))]
pub(in crate::bank) fn check_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Checks that no one else can write the file, or the folders through which it is reached: those of the path as it was
/// given, where a symbolic link can be replaced, and those of the file itself.
pub(super) fn check(file: &Path, owner: Owner) -> io::Result<Result<()>> {
    let absolute = std::path::absolute(file)?;
    for path in [&file.canonicalize()?, &absolute] {
        let weakness = match owner {
            Owner::Administrator => trust::weakness_for_administrator(path)?,
            Owner::UserOrAdministrator => trust::weakness(path)?,
        };
        if let Some(weak) = weakness {
            return Ok(Err(Error::new(Code::ProfileUntrusted)
                .during(Step::ReadProfile)
                .fact(Fact::Found, format_args!("{}: {}", weak.path.display(), weak.found))
                .fact(Fact::Expected, weak.expected)));
        }
    }
    Ok(Ok(()))
}
