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
