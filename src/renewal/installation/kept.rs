//! The records of installations in a folder, from one process to the next.

mod abandonments;
mod removals;
mod requests;

pub use self::abandonments::BegunAbandonment;
pub use self::removals::BegunRemoval;
pub use self::requests::KeptRequest;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base16ct::lower::{decode_vec, encode_string as hex};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Installation, VERSION, fingerprint};
use crate::driver::TokenIdentity;
use crate::pki::Certificate;

const INSTALLED: &str = "installed";

/// A record has some 200 bytes.
const LARGEST: u64 = 64 * 1024;

/// The folder in which a user's programs keep for each other what they have installed: a private file for each certificate.
#[derive(Clone, Debug)]
pub(crate) struct KeptInstallations {
    folder: PathBuf,
}

/// What took the place of a certificate that is not on the same token.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    token: TokenIdentity,
    /// The new certificate in DER, in hexadecimal.
    by: String,
    /// Whether the new certificate is an object that shows without a login.
    #[serde(default)]
    shows_without_login: bool,
}

/// The same, as it was read.
pub(crate) struct Renewed {
    pub(crate) token: TokenIdentity,
    /// The new certificate.
    pub(crate) by: Certificate,
    /// Whether it is known to show without a login.
    pub(crate) shows_without_login: bool,
}

/// What is kept of one certificate.
pub(crate) enum Kept {
    Nothing,
    Record(Installation),
    /// There is something that cannot be read or believed, which says that the certificate was installed, and not when: the record as of
    /// today.
    Unusable(Installation),
}

impl KeptInstallations {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        KeptInstallations { folder }
    }

    pub(crate) fn path(&self, certificate: &Certificate) -> PathBuf {
        self.path_of(&fingerprint(certificate))
    }

    fn path_of(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(format!("{fingerprint}.{INSTALLED}"))
    }

    /// What is kept of this certificate. A day that has not come yet was written by a wrong clock.
    pub(crate) fn of(&self, certificate: &Certificate, today: Date) -> Kept {
        let of_today = || Installation::new(certificate, today);
        let bytes = match read(&self.path(certificate)) {
            Err(error) if is_missing(&error) => return Kept::Nothing,
            Err(_) => return Kept::Unusable(of_today()),
            Ok(bytes) => bytes,
        };
        let record = serde_json::from_slice(&bytes).ok();
        match record.filter(|record: &Installation| record.is_of(certificate)) {
            Some(record) if record.day <= today => Kept::Record(record),
            Some(record) => Kept::Unusable(Installation { day: today, ..record }),
            None => Kept::Unusable(of_today()),
        }
    }

    /// All that can be read and believed.
    pub(crate) fn all(&self) -> Vec<Installation> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let record = |path: PathBuf| {
            let name = path.file_stem()?.to_str()?;
            let record: Installation = serde_json::from_slice(&read(&path).ok()?).ok()?;
            (record.fingerprint() == name).then_some(record)
        };
        paths.filter(|path| path.extension().is_some_and(|end| end == INSTALLED)).filter_map(record).collect()
    }

    /// Keeps a record: all of it or nothing, and on the disk before this returns.
    ///
    /// # Errors
    /// What the system says; a folder that others can write is refused.
    pub(crate) fn keep(&self, record: &Installation) -> io::Result<()> {
        self.write(&self.path_of(record.fingerprint()), &serde_json::to_vec_pretty(record)?)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        make_own(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync(&self.folder)
    }

    /// Keeps that this certificate was renewed onto a token that it is not on. Where that cannot be kept, nothing remarks it where the
    /// old one is.
    pub(crate) fn note_renewed(
        &self,
        old: &Certificate,
        token: &TokenIdentity,
        by: &Certificate,
        shows_without_login: bool,
    ) {
        let renewed = Written { token: token.clone(), by: hex(by.der()), shows_without_login };
        if let Ok(bytes) = serde_json::to_vec_pretty(&renewed) {
            let _ = self.write(&self.path_of_renewed(old), &bytes);
        }
    }

    /// The token that this certificate was renewed onto, and by what. What cannot be believed or read is passed over.
    pub(crate) fn renewed_onto(&self, old: &Certificate) -> Option<Renewed> {
        let Written { token, by, shows_without_login } =
            serde_json::from_slice(&read(&self.path_of_renewed(old)).ok()?).ok()?;
        let by = Certificate::from_der(&decode_vec(&by).ok()?).ok()?;
        Some(Renewed { token, by, shows_without_login })
    }

    fn path_of_renewed(&self, old: &Certificate) -> PathBuf {
        self.folder.join(format!("{}.renewed", fingerprint(old)))
    }
}

/// Below a file there is nothing either.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        // A link is not followed, and a named pipe does not keep us waiting. The flags of open(2) are a C int; rustix keeps the same
        // bits unsigned.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    check_own(&metadata)?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes the folder for this user alone; one that is there already must be so.
fn make_own(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    check_own(&fs::symlink_metadata(folder)?)
}

/// That nobody else can have written it, or can read it.
#[cfg(unix)]
fn check_own(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |why: &'static str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refused("of_another_user");
    }
    if metadata.mode() & 0o077 != 0 {
        return refused("open_to_others");
    }
    Ok(())
}

/// The folder is in the user's profile, whose access list Windows passes on to what is made in it.
#[cfg(not(unix))]
fn check_own(_metadata: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Without this a new name may be lost with the power, though the file's content is safe.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
