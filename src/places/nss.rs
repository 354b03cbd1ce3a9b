//! Profiles of Firefox, Thunderbird and other programs with NSS: read by its own softokn, which is a PKCS#11 module and runs where
//! drivers do. The profile is opened to be read only; certificates are public there, so no primary password is needed.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::in_place::InPlace;
use super::place::Place;
use crate::driver::{Loading, Module, StoredCertificate, lock};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::Certificate;

/// softokn has one state in a process; one process has it at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Where softokn is: with the distribution's NSS, or with a browser that brings its own.
const LIBRARIES: &[&str] = if cfg!(windows) {
    &[
        r"C:\Program Files\Mozilla Firefox\softokn3.dll",
        r"C:\Program Files\Mozilla Thunderbird\softokn3.dll",
        r"C:\Program Files (x86)\Mozilla Firefox\softokn3.dll",
    ]
} else if cfg!(target_os = "macos") {
    &[
        "/Applications/Firefox.app/Contents/MacOS/libsoftokn3.dylib",
        "/Applications/Thunderbird.app/Contents/MacOS/libsoftokn3.dylib",
    ]
} else {
    &[
        "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
        "/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
        "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
        "/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so",
        "/usr/lib/i386-linux-gnu/libsoftokn3.so",
        "/usr/lib64/libsoftokn3.so",
        "/usr/lib64/nss/libsoftokn3.so",
        "/usr/lib/libsoftokn3.so",
        "/usr/lib/nss/libsoftokn3.so",
        "/usr/lib/firefox-esr/libsoftokn3.so",
        "/usr/lib/firefox/libsoftokn3.so",
        "/usr/lib64/firefox/libsoftokn3.so",
        "/opt/firefox/libsoftokn3.so",
    ]
};

/// Reads the certificates of an NSS profile (the folder with `cert9.db`): those with this name (nickname), or all where it is
/// empty. The profile may be in use by a running Firefox; nothing in it is changed. NSS's driver is loaded in this way.
///
/// # Errors
/// [`Code::NssProfileUnusable`], also when NSS crashes or hangs with it; [`Code::NssProfileBusy`] while another program writes
/// to it; [`Code::NssMissing`]; [`Code::OldNotFound`] with the names that are there; what the driver returns.
pub fn read_nss(profile: &Path, name: &str, loading: &Loading) -> Result<InPlace> {
    let place = Place::Nss { profile: profile.to_owned(), name: name.to_owned() }.absolute();
    let read = || {
        check(profile)?;
        let parameters = parameters(profile)?;
        let library = library()?;
        let _turn = lock(&TURN);
        certificates(&Module::load_softokn(&library, &parameters, loading)?)
    };
    let of_profile = |error| of_profile(error, profile).during(Step::ReadPlace).fact(Fact::Place, &place);
    let (stored, keys) = read().map_err(of_profile)?;
    let is_meant = |one: &&StoredCertificate| name.is_empty() || one.label.as_str() == name;
    let meant: Vec<&StoredCertificate> = stored.iter().filter(is_meant).collect();
    if meant.is_empty() && !name.is_empty() {
        let error = Error::new(Code::OldNotFound).during(Step::ReadPlace).fact(Fact::Place, &place);
        return Err(stored.iter().fold(error, |error, one| error.fact(Fact::Candidate, one.label.as_str())));
    }
    let read = |one: &&StoredCertificate| Certificate::from_der(&one.der).ok();
    // The CAs beside it tell who issued it.
    let authorities = stored.iter().filter_map(|one| read(&one)).filter(Certificate::is_ca);
    let all = meant.iter().filter_map(read).chain(authorities).collect();
    let has_key = |one: &&&StoredCertificate| !one.id.is_empty() && keys.contains(&one.id);
    let with_key: Vec<Certificate> = meant.iter().filter(has_key).filter_map(read).collect();
    let found = InPlace::of(place, all, &with_key)?;
    let named = |certificate: &Certificate| {
        let stored = stored.iter().find(|one| *one.der == *certificate.der())?;
        Some(Place::Nss { profile: profile.to_owned(), name: stored.label.as_str().to_owned() }.absolute())
    };
    Ok(found.each_at(named))
}

/// Whether another program holds the profile.
mod in_use {
    use std::path::Path;

    /// Whether another process has a lock of SQLite's on one of the profile's databases.
    #[cfg(unix)]
    pub(super) fn is_locked(profile: &Path) -> bool {
        use rustix::process::{Flock, FlockType, fcntl_getlk};
        /// Where SQLite locks a database (PENDING_BYTE in its os.h), and how many bytes from there.
        const LOCK_BYTES: (u64, u64) = (0x4000_0000, 512);
        ["cert9.db", "key4.db"].iter().any(|name| {
            let database = profile.join(name);
            if !database.is_file() {
                return false;
            }
            let Ok(file) = std::fs::File::open(database) else { return false };
            let mut wanted = Flock::from(FlockType::WriteLock);
            (wanted.start, wanted.length) = LOCK_BYTES;
            fcntl_getlk(file, &wanted).is_ok_and(|held| held.is_some())
        })
    }

    #[cfg(not(unix))]
    pub(super) fn is_locked(_profile: &Path) -> bool {
        false
    }
}

/// The profiles of this user's programs with NSS: Firefox and Thunderbird, and the one that Chrome shares on Linux.
pub fn nss_profiles() -> Vec<PathBuf> {
    /// Folders below which each folder may be a profile, from the user's home.
    const PARENTS: &[&str] = &[
        ".mozilla/firefox",
        ".config/mozilla/firefox",
        ".thunderbird",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
        "AppData/Roaming/Mozilla/Firefox/Profiles",
        "AppData/Roaming/Thunderbird/Profiles",
        "Library/Application Support/Firefox/Profiles",
        "Library/Thunderbird/Profiles",
    ];
    let Some(home) = std::env::home_dir().filter(|home| home.is_absolute()) else { return Vec::new() };
    let below = |parent: &&str| std::fs::read_dir(home.join(parent)).into_iter().flatten().flatten();
    let each = PARENTS.iter().flat_map(below).map(|entry| entry.path());
    let all = each.chain([home.join(".pki/nssdb")]);
    let mut profiles: Vec<PathBuf> = all.filter(|folder| folder.join("cert9.db").is_file()).collect();
    profiles.sort();
    profiles
}

/// The certificates that softokn shows, and the identifiers of the private keys that it shows without a password.
fn certificates(softokn: &Module) -> Result<(Vec<StoredCertificate>, Vec<Vec<u8>>)> {
    let (tokens, _) = softokn.tokens(false, |_| true, |_| true)?;
    let (mut certificates, mut keys) = (Vec::new(), Vec::new());
    for token in tokens {
        let objects = token.open_public_session()?.objects()?;
        certificates.extend(objects.certificates);
        keys.extend(objects.private_keys.into_iter().map(|key| key.id));
    }
    Ok((certificates, keys))
}

/// What the driver's end or its refusal to start says of the profile that it was given.
fn of_profile(error: Error, profile: &Path) -> Error {
    let because = |code, error| Error::new(code).because_of(error);
    let unusable = |reason, error| because(Code::NssProfileUnusable, error).fact(Fact::Reason, reason);
    match error.code() {
        Code::NssProfileUnusable | Code::NssMissing => error,
        Code::DriverCrashed => unusable("nss_crashed", error),
        _ if in_use::is_locked(profile) => because(Code::NssProfileBusy, error),
        Code::DriverTimeout => unusable("nss_hangs", error),
        // Damaged, or in use in this process.
        Code::DriverInitFailed => {
            let reason = error.facts().find(|(fact, _)| *fact == Fact::Reason);
            let reason = reason.map(|(_, reason)| reason.to_owned());
            let reason = reason.or_else(|| why_unusable(profile).map(str::to_owned));
            let unusable = because(Code::NssProfileUnusable, error);
            reason.iter().fold(unusable, |unusable, reason| unusable.fact(Fact::Reason, reason))
        }
        _ => error,
    }
}

/// What is wrong with the two databases of a profile that softokn did not open.
fn why_unusable(profile: &Path) -> Option<&'static str> {
    /// How a database of SQLite begins, and what its length is a multiple of (§1.3 of its file format).
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const PAGE: u64 = 512;
    ["cert9.db", "key4.db"].iter().find_map(|name| {
        let path = profile.join(name);
        // A pipe would wait for ever.
        if path.metadata().is_ok_and(|file| !file.is_file()) {
            return Some("nss_damaged");
        }
        let mut begin = [0; MAGIC.len()];
        let read = File::open(path).and_then(|mut file| {
            file.read_exact(&mut begin)?;
            file.metadata()
        });
        match read.map_err(|error| error.kind()) {
            Err(io::ErrorKind::NotFound) => Some("nss_incomplete"),
            Err(io::ErrorKind::PermissionDenied) => Some("nss_not_permitted"),
            Err(_) => Some("nss_damaged"),
            Ok(file) if begin != MAGIC || file.len() % PAGE != 0 => Some("nss_damaged"),
            // Whoever wrote to it was ended before all of it was written; the next one that writes takes it back.
            Ok(_) => {
                let journal = profile.join(format!("{name}-journal")).metadata();
                journal.is_ok_and(|journal| journal.len() > 0).then_some("nss_unfinished")
            }
        }
    })
}

/// That it is a profile whose certificates may be read: softokn would make an empty one in its memory.
fn check(profile: &Path) -> Result<()> {
    let unusable = || Error::new(Code::NssProfileUnusable);
    let database = profile.join("cert9.db");
    // A pipe would wait for ever.
    let opened = match database.metadata() {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        _ => File::open(database).map(drop),
    };
    if let Err(error) = opened {
        let reason = match error.kind() {
            io::ErrorKind::NotFound if profile.join("cert8.db").exists() => Some("nss_old_form"),
            io::ErrorKind::NotFound => Some("no_cert9"),
            _ => None,
        };
        let unusable = reason.iter().fold(unusable(), |unusable, reason| unusable.fact(Fact::Reason, reason));
        return Err(unusable.fact(Fact::Detail, &error).caused_by(error));
    }
    Ok(())
}

fn library() -> Result<PathBuf> {
    let found = LIBRARIES.iter().map(PathBuf::from).find(|path| path.is_file());
    let missing = || {
        let missing = Error::new(Code::NssMissing);
        LIBRARIES.iter().fold(missing, |missing, path| missing.fact(Fact::Expected, path))
    };
    found.ok_or_else(missing)
}

/// What softokn is told: where the profile is, and that nothing in it is written.
fn parameters(profile: &Path) -> Result<CString> {
    let whole = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
    let unusable = || Error::new(Code::NssProfileUnusable);
    let folder = whole.to_str().ok_or_else(unusable)?;
    let quoted = folder.replace('\\', "\\\\").replace('\'', "\\'");
    let parameters = format!(
        "configdir='sql:{quoted}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=readOnly,noRootInit"
    );
    CString::new(parameters).map_err(|_| unusable())
}
