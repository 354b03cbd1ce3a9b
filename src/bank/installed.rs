//! The profiles that an administrator has installed.

use std::path::{Path, PathBuf};

use super::file::{Owner, check_folder};
use super::profile::Bank;
use crate::catalogue::{Machine, Os};
use crate::driver::TokenIdentity;
use crate::error::{Code, Error, Fact, Result, Step};

/// The folder of installed profiles: `/etc/usbtoken/banks.d`; `%ProgramData%\usbtoken\banks.d` on Windows, where none is
/// known if that variable is not set.
pub fn folder() -> Option<PathBuf> {
    let machine = Machine::current();
    match machine.os {
        Os::Windows => machine.folder("ProgramData").map(|data| data.join("usbtoken").join("banks.d")),
        _ => Some(PathBuf::from("/etc/usbtoken/banks.d")),
    }
}

/// A folder of profiles: each file `NAME.toml` is one, and its name is how it is asked for.
#[derive(Clone, Debug)]
pub struct Installed {
    folder: Option<PathBuf>,
    owner: Owner,
}

impl Installed {
    /// The profiles of this computer. Only the administrator may be able to write them.
    pub fn on_this_computer() -> Self {
        Installed { folder: folder(), owner: Owner::Administrator }
    }

    /// The profiles in another folder, which only the administrator and the user may be able to write.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Installed { folder: Some(folder.into()), owner: Owner::UserOrAdministrator }
    }

    /// The names of the profiles, sorted. Where this computer has no folder there is none.
    ///
    /// # Errors
    /// [`Code::FileUnreadable`] when the folder cannot be read, or is not there although it was named: without the bank's rules
    /// everything would be allowed.
    pub fn names(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let unreadable = |error: std::io::Error| {
            let place = Error::new(Code::FileUnreadable).during(Step::ReadProfile);
            place.fact(Fact::Path, folder.display()).fact(Fact::Detail, &error).caused_by(error)
        };
        let entries = match folder.read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.is_chosen() => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let is_profile = path.extension().is_some_and(|extension| extension == "toml");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            names.extend(stem.filter(|stem| is_profile && is_name(stem)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The profile of that name. No other may claim one of its tokens; another that cannot be read is passed over.
    ///
    /// # Errors
    /// [`Code::ProfileNotFound`] with the names that are there; [`Code::ProfileNamesAlike`] when another name differs in case
    /// only; [`Code::ProfileUntrusted`] when others can put profiles into the folder; [`Code::ProfileOverlap`] with both patterns;
    /// what [`Bank::open`] returns.
    pub fn named(&self, name: &str) -> Result<Bank> {
        let names = self.names()?;
        self.folder.as_deref().map_or(Ok(()), check_folder)?;
        let Some(file) = self.file(name).filter(|_| names.iter().any(|known| known == name)) else {
            let error = self.about(Code::ProfileNotFound).fact(Fact::Bank, name);
            return Err(names.iter().fold(error, |error, name| error.fact(Fact::Candidate, name)));
        };
        // Where names differ in case only, a person cannot tell them apart, and some systems do not either.
        let alike: Vec<&String> = names.iter().filter(|other| other.eq_ignore_ascii_case(name)).collect();
        if alike.len() > 1 {
            let error = self.about(Code::ProfileNamesAlike);
            return Err(alike.iter().fold(error, |error, name| error.fact(Fact::Candidate, name)));
        }
        let bank = Bank::open_of(&file, self.owner)?;
        self.admit(&bank)?;
        Ok(bank)
    }

    /// The only profile there is; `None` where this computer has none.
    ///
    /// # Errors
    /// [`Code::ProfileAmbiguous`] with the names when there are several; [`Code::ProfileNotFound`] when a folder that was named has
    /// none; what [`Bank::open`] returns.
    pub fn only(&self) -> Result<Option<Bank>> {
        let names = self.names()?;
        match names.as_slice() {
            [] if self.is_chosen() => Err(self.about(Code::ProfileNotFound)),
            [] => Ok(None),
            [name] => self.named(name).map(Some),
            several => {
                let error = self.about(Code::ProfileAmbiguous);
                Err(several.iter().fold(error, |error, name| self.name_candidate(error, name)))
            }
        }
    }

    /// Names a profile with an error, and why it cannot be used if it cannot: the others are no answer to which one is meant.
    fn name_candidate(&self, error: Error, name: &str) -> Error {
        let error = error.fact(Fact::Candidate, name);
        match self.file(name).map(|file| Bank::open_of(&file, self.owner)) {
            Some(Err(broken)) => error.fact(Fact::Detail, format_args!("{name}: {}", broken.code().name())),
            _ => error,
        }
    }

    /// Refuses a profile that claims a token of another one of these, or of one that the administrator has installed on this
    /// computer: its rules would take the place of the other's.
    ///
    /// # Errors
    /// [`Code::ProfileOverlap`] with both patterns; as [`Installed::names`].
    pub fn admit(&self, bank: &Bank) -> Result<()> {
        self.others(bank)?.iter().try_for_each(|other| check_apart(bank, other))
    }

    /// Refuses a token under this bank's rules that is another one's, by a profile of these or by one that the administrator
    /// has installed on this computer, however the token was named.
    ///
    /// # Errors
    /// [`Code::TokenOfOtherBank`] with that bank; as [`Installed::names`].
    pub fn check_token(&self, bank: &Bank, token: &TokenIdentity) -> Result<()> {
        match self.others(bank)?.iter().find(|other| other.distributes(token)) {
            Some(other) => Err(Error::new(Code::TokenOfOtherBank)
                .during(Step::FindToken)
                .fact(Fact::Token, token)
                .fact(Fact::Bank, &other.id)),
            None => Ok(()),
        }
    }

    /// The profiles beside this one that can be read, of this folder and of the computer's.
    fn others(&self, bank: &Bank) -> Result<Vec<Bank>> {
        let of_computer = self.is_chosen().then(Installed::on_this_computer);
        let mut others = Vec::new();
        for installed in of_computer.iter().chain([self]) {
            for file in installed.names()?.iter().filter_map(|name| installed.file(name)) {
                let is_this = bank.file.is_some() && file.canonicalize().ok() == bank.file;
                others.extend(Bank::open_of(&file, installed.owner).ok().filter(|_| !is_this));
            }
        }
        Ok(others)
    }

    /// Every profile, or why it cannot be used; for a diagnosis.
    ///
    /// # Errors
    /// As [`Installed::names`].
    pub fn all(&self) -> Result<Vec<(String, Result<Bank>)>> {
        let names = self.names()?;
        Ok(names.into_iter().map(|name| (name.clone(), self.named(&name))).collect())
    }

    /// The folder; none where the system has none.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether a caller named the folder.
    fn is_chosen(&self) -> bool {
        self.owner == Owner::UserOrAdministrator
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_deref().map(|folder| folder.join(format!("{name}.toml")))
    }

    fn about(&self, code: Code) -> Error {
        let error = Error::new(code).during(Step::ReadProfile);
        self.folder.iter().fold(error, |error, folder| error.fact(Fact::Path, folder.display()))
    }
}

/// A plain name: no dot at the beginning, no separator, nothing that a shell would have to quote.
fn is_name(stem: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !stem.is_empty() && !stem.starts_with(['.', '-']) && stem.bytes().all(plain)
}

/// Refuses two profiles that could claim one token: then it would depend on the order which bank's rules hold for it.
fn check_apart(bank: &Bank, other: &Bank) -> Result<()> {
    let patterns =
        |bank: &Bank| -> Vec<_> { bank.tokens.iter().flat_map(|token| &token.patterns).cloned().collect() };
    let theirs = patterns(other);
    for mine in patterns(bank) {
        if let Some(their) = theirs.iter().find(|their| mine.meets(their)) {
            return Err(Error::new(Code::ProfileOverlap)
                .during(Step::ReadProfile)
                .fact(Fact::Candidate, format_args!("{}: {mine}", bank.id))
                .fact(Fact::Candidate, format_args!("{}: {their}", other.id)));
        }
    }
    Ok(())
}
