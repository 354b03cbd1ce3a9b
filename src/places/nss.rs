//! Profiles of Firefox, Thunderbird and other programs with NSS: read by its own softokn, which is a PKCS#11 module and runs where
//! drivers do. It opens a copy; certificates are public there, so no primary password is needed.

mod copy;

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use self::copy::Copy;
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
/// empty. The profile may be in use by a running Firefox; nothing in it is changed, since NSS opens a private copy. NSS's driver is
/// loaded in this way.
///
/// # Errors
/// [`Code::NssProfileUnusable`], also when NSS crashes or hangs with it; [`Code::NssProfileBusy`] while another program writes
/// to it, for a second; [`Code::NssMissing`]; [`Code::OldNotFound`] with the names that are there; what the driver returns.
pub fn read_nss(profile: &Path, name: &str, loading: &Loading) -> Result<InPlace> {
    let place = Place::Nss { profile: profile.to_owned(), name: name.to_owned() }.absolute();
    let read = || {
        let copy = Copy::of(profile)?;
        let parameters = parameters(copy.folder())?;
        let library = library()?;
        let _turn = lock(&TURN);
        certificates(&Module::load_softokn(&library, &parameters, &loading.reaching(copy.folder()))?)
    };
    let of_profile = |error| of_profile(error).during(Step::ReadPlace).fact(Fact::Place, &place);
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
fn of_profile(error: Error) -> Error {
    let unusable = |reason: &str, error| {
        let unusable = Error::new(Code::NssProfileUnusable).because_of(error);
        unusable.fact(Fact::Reason, reason)
    };
    match error.code() {
        Code::DriverCrashed => unusable("nss_crashed", error),
        Code::DriverTimeout => unusable("nss_hangs", error),
        // In use in this process, or damaged.
        Code::DriverInitFailed => {
            let reason = error.facts().find(|(fact, _)| *fact == Fact::Reason);
            let reason = reason.map_or("nss_damaged", |(_, reason)| reason).to_owned();
            unusable(&reason, error)
        }
        _ => error,
    }
}

fn library() -> Result<PathBuf> {
    let found = LIBRARIES.iter().map(PathBuf::from).find(|path| path.is_file());
    let missing = || {
        let missing = Error::new(Code::NssMissing);
        LIBRARIES.iter().fold(missing, |missing, path| missing.fact(Fact::Expected, path))
    };
    found.ok_or_else(missing)
}

/// What softokn is told: where the copy of the profile is.
fn parameters(folder: &Path) -> Result<CString> {
    let unusable = || Error::new(Code::NssProfileUnusable).fact(Fact::Reason, "nss_no_copy");
    let quoted = folder.to_str().ok_or_else(unusable)?.replace('\\', "\\\\").replace('\'', "\\'");
    let parameters =
        format!("configdir='sql:{quoted}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=noRootInit");
    CString::new(parameters).map_err(|_| unusable())
}
