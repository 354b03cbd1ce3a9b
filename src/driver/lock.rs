//! One job at a time on one token, across the processes and threads of this user.

use super::token::TokenIdentity;
use crate::error::{Code, Error, Fact, Result, Step};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

/// Held while a job writes to the token. The system drops it with the process, so a killed one blocks nobody.
#[derive(Debug)]
pub(super) struct TokenLock {
    _file: File,
}

impl TokenLock {
    /// Takes the lock or says who is in the way; it never waits.
    ///
    /// # Errors
    /// [`Code::Busy`] when another process or thread holds it; [`Code::FileUnwritable`] when the lock's file
    /// cannot be made.
    pub(super) fn take(token: &TokenIdentity) -> Result<Self> {
        let path = path(token);
        let unusable = |error: std::io::Error| {
            Error::new(Code::FileUnwritable)
                .during(Step::Preflight)
                .fact(Fact::Path, path.display())
                .caused_by(error)
        };
        let file = open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(TokenLock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(Code::Busy).during(Step::Preflight).fact(Fact::Token, token))
            }
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

/// The file stays when the lock goes: removing it would let two processes lock two files of one name.
fn open(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// In the folder that belongs to this user and this session, else in the one for temporary files.
fn path(token: &TokenIdentity) -> PathBuf {
    let folder = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(std::env::temp_dir);
    let identity = [&token.manufacturer, &token.model, &token.serial, &token.label];
    let mut digest = Sha256::new();
    for part in identity {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let name = crate::hex(digest.finalize().get(..8).unwrap_or_default());
    folder.join(format!("usbtoken-{name}{}.lock", user()))
}

/// Users of one machine share the folder for temporary files; one must not be able to block the others by owning
/// the file.
fn user() -> String {
    ["USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .map(|name| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        .map_or_else(String::new, |name| format!("-{name}"))
}
