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
use self::place::{MachineFile, MachinePlace, Refused, UserFile, UserPlace};
use super::ckr::During as _;
use super::mutex::lock;
use super::token::{Token, TokenIdentity};
use crate::error::{Code, Error, Fact, Result, Step};
use std::collections::BTreeSet;
use std::path::Path;
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
    machine: MachinePlace,
    user: Option<UserPlace>,
}

impl TokenLock {
    /// Takes the lock or says who is in the way; it never waits.
    ///
    /// # Errors
    /// [`Code::Busy`] when another program, or another session of this one, holds it; [`Code::LockUnusable`] when there is
    /// no place where it could be held; [`Code::Forked`].
    pub(super) fn take(token: &Token) -> Result<Self> {
        same_process(token)?;
        let places = Places { machine: MachinePlace::of_system(), user: place::of_user() };
        let mut lock = Self::take_in(&places, token.identity())?;
        let user = lock.user.as_mut().and_then(UserFile::copy);
        let machine = lock.machine.as_mut().and_then(MachineFile::copy);
        let kept = token.module().functions().keep(user.into_iter().chain(machine).collect());
        lock.in_host = Some(kept.map_err(|failure| failure.during(Step::Preflight))?);
        Ok(lock)
    }

    /// That it is held still, by this process, and keeps others out: the files are where others search for them. The token is not
    /// asked for that.
    ///
    /// # Errors
    /// [`Code::Forked`]; [`Code::LockLost`].
    pub(super) fn check(&self, token: &Token) -> Result<()> {
        same_process(token)?;
        self.check_files()
    }

    fn check_files(&self) -> Result<()> {
        let machine = self.machine.as_ref().map_or(Ok(()), MachineFile::check);
        let checked = machine.and_then(|()| self.user.as_ref().map_or(Ok(()), UserFile::check));
        checked.map_err(|(file, why)| {
            let error = Error::new(Code::LockLost).fact(Fact::Path, file.display());
            error.fact(Fact::Detail, &why).caused_by(why)
        })
    }

    fn take_in(places: &Places, token: &TokenIdentity) -> Result<Self> {
        let busy = |holder: Option<Holder>| {
            let error = Error::new(Code::Busy).during(Step::Preflight).fact(Fact::Token, token);
            holder.into_iter().fold(error, |error, holder| error.fact(Fact::Holder, holder))
        };
        let name = token.name();
        let here = Here::claim(&name).ok_or_else(|| busy(Some(Holder::ThisProgram)))?;
        let refused = |folder: &Path, refused| match refused {
            Refused::Held(holder) => busy(holder),
            Refused::Unusable(at, error) => unusable(at.as_deref().unwrap_or(folder), error),
        };
        let machine = place::take_machine(&places.machine, &name);
        let machine = machine.map_err(|error| refused(places.machine.folder(), error))?;
        let user = match places.user.as_ref().map(|user| (user.folder(), place::take_user(user, &name))) {
            Some((_, Ok(file))) => Some(file),
            // The place of all users is enough.
            Some((_, Err(Refused::Unusable(..)))) | None if machine.is_some() => None,
            Some((folder, Err(error))) => return Err(refused(folder, error)),
            None => {
                let error = unusable(places.machine.folder(), std::io::ErrorKind::NotFound.into());
                return Err(error.fact(Fact::Reason, "no_home"));
            }
        };
        Ok(TokenLock { in_host: None, user, machine, _here: here })
    }
}

/// A forked child has no part in the lock, nor in the driver's process that would have to hold it too.
fn same_process(token: &Token) -> Result<()> {
    let same = token.module().functions().same_process("flock");
    same.map_err(|failure| failure.during(Step::Preflight))
}

fn unusable(folder: &Path, error: std::io::Error) -> Error {
    Error::new(Code::LockUnusable)
        .during(Step::Preflight)
        .fact(Fact::Path, folder.display())
        .fact(Fact::Detail, &error)
        .caused_by(error)
}

/// What this process holds, by name: its own sessions are told apart from other programs. A forked child holds nothing of
/// its parent's.
static HELD_HERE: Mutex<BTreeSet<(u32, String)>> = Mutex::new(BTreeSet::new());

#[derive(Debug)]
struct Here((u32, String));

impl Here {
    fn claim(name: &str) -> Option<Self> {
        let claimed = (std::process::id(), name.to_owned());
        let is_new = lock(&HELD_HERE).insert(claimed.clone());
        is_new.then(|| Here(claimed))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        lock(&HELD_HERE).remove(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests;
