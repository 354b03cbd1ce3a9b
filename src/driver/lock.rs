//! One job at a time on one token, across the processes and threads of this user.

use super::token::TokenIdentity;
use crate::error::{Code, Error, Fact, Result, Step};
use base16ct::lower::encode_string as hex;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Held while a job writes to the token. The system drops it with the process, so a killed one blocks no one.
#[derive(Debug)]
pub(super) struct TokenLock {
    path: PathBuf,
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
        loop {
            let file = open(&path).map_err(unusable)?;
            match file.try_lock() {
                // A holder removes its file before it lets go; a lock on a removed file keeps no one out.
                Ok(()) if !is_still_there(&file, &path) => {}
                Ok(()) => return Ok(TokenLock { path, _file: file }),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(Code::Busy).during(Step::Preflight).fact(Fact::Token, token));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
    }
}

impl Drop for TokenLock {
    fn drop(&mut self) {
        // Only where the next one can tell that it locked a removed file; elsewhere the empty file stays.
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let locked = file.metadata().map(identity).ok();
    locked.is_some() && locked == std::fs::metadata(path).map(identity).ok()
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, _path: &Path) -> bool {
    true
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
    let name = hex(digest.finalize().get(..8).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token(serial: &str) -> TokenIdentity {
        let serial = format!("{serial}-{}", std::process::id());
        TokenIdentity { label: "L".into(), manufacturer: "M".into(), model: "T".into(), serial }
    }

    #[test]
    fn one_at_a_time_and_nothing_stays() {
        let one = TokenLock::take(&token("1")).unwrap();
        assert_eq!(TokenLock::take(&token("1")).unwrap_err().code(), Code::Busy);
        let other = TokenLock::take(&token("2")).unwrap();
        let path = one.path.clone();
        drop(one);
        assert_eq!(path.exists(), cfg!(not(unix)));
        drop(TokenLock::take(&token("1")).unwrap());
        drop(other);
    }

    #[test]
    fn many_threads_never_hold_it_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(lock) = TokenLock::take(&token("3")) {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
    }
}
