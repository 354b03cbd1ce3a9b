//! One job at a time on one token, for all programs of this machine that use this library.
//!
//! The lock is held in every place that there is (`place`): a folder that the installer made, in which all users meet, and
//! a folder in the home of this user. No variable of the environment moves either, and nobody else can put anything there
//! beforehand. Where neither can be used the job does not begin.

mod holder;
mod place;
mod turn;
mod way;

pub use self::place::machine_lock_files;
pub use self::turn::LoginTurn;

use self::holder::Holder;
use self::place::{MachineFile, Refused, UserFile, UserPlace};
use super::ckr::During as _;
use super::mutex::lock;
use super::token::{Token, TokenIdentity};
use crate::error::{Code, Error, Fact, Result, Step};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use usbtoken_pkcs11::KeptFiles;

/// Held while a job writes to the token. The system lets go of it with the process, so a killed one blocks no one; where the driver
/// has a process of its own, once that has ended too.
#[derive(Debug)]
pub(super) struct TokenLock {
    /// The process of the driver holds the same, in case that this one ends while the driver writes.
    in_host: Option<KeptFiles<'static>>,
    // Given back in this order: whoever then gets the first place finds the others free.
    user: Option<UserFile>,
    machine: Option<MachineFile>,
    _here: Here,
}

/// The folders of the lock.
#[derive(Clone, Debug)]
struct Places {
    machine: PathBuf,
    user: Option<UserPlace>,
}

impl TokenLock {
    /// Takes the lock or says who is in the way; it never waits.
    ///
    /// # Errors
    /// [`Code::Busy`] when another program, or another session of this one, holds it; [`Code::LockUnusable`] when there is
    /// no place where it could be held.
    pub(super) fn take(token: &Token) -> Result<Self> {
        let places = Places { machine: place::MACHINE.into(), user: place::of_user() };
        let mut lock = Self::take_in(&places, token.identity())?;
        let user = lock.user.as_mut().and_then(UserFile::copy);
        let machine = lock.machine.as_mut().and_then(MachineFile::copy);
        let kept = token.module().functions().keep(user.into_iter().chain(machine).collect());
        lock.in_host = Some(kept.map_err(|failure| failure.during(Step::Preflight))?);
        Ok(lock)
    }

    fn take_in(places: &Places, token: &TokenIdentity) -> Result<Self> {
        let busy = |holder: Option<Holder>| {
            let error = Error::new(Code::Busy).during(Step::Preflight).fact(Fact::Token, token);
            holder.into_iter().fold(error, |error, holder| error.fact(Fact::Holder, holder))
        };
        let name = name_of(token);
        let here = Here::claim(&name).ok_or_else(|| busy(Some(Holder::ThisProgram)))?;
        let refused = |folder: &Path, refused| match refused {
            Refused::Held(holder) => busy(holder),
            Refused::Unusable(at, error) => unusable(at.as_deref().unwrap_or(folder), error),
        };
        let machine = place::take_machine(&places.machine, &name);
        let machine = machine.map_err(|error| refused(&places.machine, error))?;
        let user = match places.user.as_ref().map(|user| (user.folder(), place::take_user(user, &name))) {
            Some((_, Ok(file))) => Some(file),
            // The place of all users is enough.
            Some((_, Err(Refused::Unusable(..)))) | None if machine.is_some() => None,
            Some((folder, Err(error))) => return Err(refused(folder, error)),
            None => return Err(unusable(&places.machine, std::io::ErrorKind::NotFound.into())),
        };
        Ok(TokenLock { in_host: None, user, machine, _here: here })
    }
}

fn unusable(folder: &Path, error: std::io::Error) -> Error {
    Error::new(Code::LockUnusable)
        .during(Step::Preflight)
        .fact(Fact::Path, folder.display())
        .fact(Fact::Detail, &error)
        .caused_by(error)
}

/// What stands for a token in the places of the lock: its serial number where it has one, since drivers of one token do
/// not agree on the rest.
fn name_of(token: &TokenIdentity) -> String {
    let plain = |text: &str| text.trim_matches(['\0', ' ']).to_ascii_uppercase();
    let serial = plain(&token.serial);
    let parts = match serial.as_str() {
        "" => vec![plain(&token.manufacturer), plain(&token.model), plain(&token.label)],
        _ => vec![serial],
    };
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    base16ct::lower::encode_string(digest.finalize().get(..16).unwrap_or_default())
}

/// What this process holds, by name: its own sessions are told apart from other programs.
static HELD_HERE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[derive(Debug)]
struct Here(String);

impl Here {
    fn claim(name: &str) -> Option<Self> {
        lock(&HELD_HERE).insert(name.to_owned()).then(|| Here(name.to_owned()))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        lock(&HELD_HERE).remove(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests;
