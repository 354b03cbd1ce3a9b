//! Reading a profile: the TOML, strictly, with line and column, from a file that others cannot change.

mod check;
mod check_calendar;
mod check_token;
mod fault;
mod place;
mod raw;
mod trusted;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use self::fault::Faults;
pub(super) use self::trusted::{Owner, check_folder};
use super::profile::Bank;
use crate::error::{Code, Error, Fact, Result, Step};

/// The largest profile that is read, in bytes. One with the anchors of two generations has some KiB.
const LARGEST: usize = 256 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Bank {
    /// Reads a profile from a file that only its owner and the administrator can change.
    ///
    /// # Errors
    /// [`Code::ProfileNotFound`], [`Code::FileUnreadable`]; [`Code::ProfileUntrusted`] with what is wrong when others
    /// could change it; what [`Bank::parse`] returns. Each with the path.
    pub fn open(file: &Path) -> Result<Bank> {
        Bank::open_of(file, Owner::UserOrAdministrator)
    }

    pub(super) fn open_of(file: &Path, owner: Owner) -> Result<Bank> {
        let parsed = read(file, owner).and_then(|bytes| Bank::parse(&bytes));
        let bank = parsed.map_err(|error| named(error, file))?;
        Ok(bank.named_after(file))
    }

    /// All that is wrong with a file, in the order in which it stands there; nothing for one that [`Bank::open`] takes.
    pub fn problems(file: &Path) -> Vec<Error> {
        let problems = match read(file, Owner::UserOrAdministrator) {
            Ok(bytes) => parse_all(&bytes, SystemTime::now()).err().unwrap_or_default(),
            Err(error) => vec![error],
        };
        problems.into_iter().map(|error| named(error, file)).collect()
    }

    /// Reads the text of a profile.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column: [`Code::ProfileTooLarge`], [`Code::ProfileHasBom`],
    /// [`Code::ProfileNotUtf8`], [`Code::ProfileSyntax`], [`Code::ProfileVersion`], [`Code::ProfileUnknownKey`],
    /// [`Code::ProfileWrongType`], [`Code::ProfileMissingKey`], [`Code::ProfileBadValue`],
    /// [`Code::ProfileContradiction`], [`Code::ProfileMatchesAll`], [`Code::ProfileAnchorUnreadable`],
    /// [`Code::ProfileAnchorNotCa`], [`Code::ProfileAnchorExpired`], [`Code::ProfileOriginInsecure`],
    /// [`Code::ProfileOriginMalformed`].
    pub fn parse(bytes: &[u8]) -> Result<Bank> {
        Bank::parse_at(bytes, SystemTime::now())
    }

    /// As [`Bank::parse`], of a computer whose clock says this.
    ///
    /// # Errors
    /// As [`Bank::parse`].
    pub(crate) fn parse_at(bytes: &[u8], now: SystemTime) -> Result<Bank> {
        parse_all(bytes, now).map_err(|mut all| all.swap_remove(0))
    }
}

/// The profile, or all that is wrong with it, which is at least one thing.
fn parse_all(bytes: &[u8], now: SystemTime) -> std::result::Result<Bank, Vec<Error>> {
    let text = text(bytes).map_err(|error| vec![error])?;
    let mut faults = Faults::new(text);
    let file = match toml::from_str::<raw::File>(text) {
        Ok(file) if check::version(&file.version, &mut faults) => file,
        Ok(_) => return Err(faults.into_errors()),
        Err(error) => {
            // A later version may have other keys; that it is one says more than the first of them.
            let versioned = toml::from_str(text).unwrap_or(Versioned { version: None });
            let known = versioned.version.is_none_or(|version| check::version(&version, &mut faults));
            return Err(if known { vec![fault::of_toml(&error, text)] } else { faults.into_errors() });
        }
    };
    let bank = check::bank(file, now, &mut faults);
    let errors = faults.into_errors();
    if errors.is_empty() { Ok(bank) } else { Err(errors) }
}

/// Only the version, whatever else stands there.
#[derive(serde::Deserialize)]
struct Versioned {
    version: Option<toml::Spanned<i64>>,
}

fn text(bytes: &[u8]) -> Result<&str> {
    let fail = |code| Error::new(code).during(Step::ReadProfile);
    if bytes.len() > LARGEST {
        return Err(fail(Code::ProfileTooLarge).fact(Fact::Size, bytes.len()).fact(Fact::Limit, LARGEST));
    }
    if bytes.starts_with(BOM) {
        return Err(fault::at(fail(Code::ProfileHasBom), "", 0).fact(Fact::Found, "EF BB BF"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid =
            std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default();
        let wrong = bytes.get(valid.len()).map_or_else(String::new, |byte| format!("{byte:02X}"));
        fault::at(fail(Code::ProfileNotUtf8), valid, valid.len()).fact(Fact::Found, wrong)
    })
}

fn read(file: &Path, owner: Owner) -> Result<Vec<u8>> {
    let fail = |code| Error::new(code).during(Step::ReadProfile);
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            fail(Code::ProfileNotFound).caused_by(error)
        }
        _ => fail(Code::FileUnreadable).fact(Fact::Detail, &error).caused_by(error),
    };
    let opened = open(file).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "directory" } else { "special file" };
        return Err(fail(Code::FileUnreadable).fact(Fact::Found, found));
    }
    trusted::check(file, owner).map_err(unreadable)??;
    // What was examined by its path has to be what is open: in a folder such as /tmp others can put one in its place.
    if !is_still(&metadata, &file.metadata().map_err(unreadable)?) {
        return Err(fail(Code::ProfileUntrusted).fact(Fact::Reason, "replaced_meanwhile"));
    }
    if metadata.len() > LARGEST as u64 {
        return Err(fail(Code::ProfileTooLarge).fact(Fact::Size, metadata.len()).fact(Fact::Limit, LARGEST));
    }
    let mut bytes = Vec::new();
    opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Opens it without waiting for the other end of a named pipe.
#[cfg(unix)]
fn open(file: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    // The flags of open(2) are a C int; rustix keeps the same bits unsigned.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(file)
}

#[cfg(not(unix))]
fn open(file: &Path) -> io::Result<File> {
    // A folder cannot be opened there; what it is says more than that.
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "directory"));
    }
    OpenOptions::new().read(true).open(file)
}

#[cfg(unix)]
fn is_still(opened: &Metadata, now: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    (opened.dev(), opened.ino()) == (now.dev(), now.ino())
}

/// Access lists are not examined there either.
#[cfg(not(unix))]
fn is_still(_opened: &Metadata, _now: &Metadata) -> bool {
    true
}

fn named(error: Error, file: &Path) -> Error {
    error.fact(Fact::Path, file.display())
}
