//! A private copy of a profile's databases, which softokn opens in their place. To open one in its own folder can change that, even to
//! read it: SQLite makes files for its write-ahead log there, and takes locks that a running browser meets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::error::{Code, Error, Fact, Result};

/// The certificates.
const CERTIFICATES: &str = "cert9.db";
/// The private keys. It is asked only whose they are; where it cannot be read the certificates can.
const KEYS: &str = "key4.db";
/// What SQLite has beside a database while somebody writes to it, and after that was interrupted: it belongs to what is read.
const BESIDE: [&str; 2] = ["-journal", "-wal"];
/// The largest file that is copied, in bytes. Profiles have some hundred KiB.
const LARGEST: u64 = 64 << 20;
/// How often it is searched for a moment in which nobody writes, and how long it is waited between.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);
/// How the folders of copies begin.
const PREFIX: &str = "usbtoken-nss-";

/// A folder with the copies, which goes with this value.
pub(super) struct Copy {
    folder: TempDir,
    /// Locked as long as this process lives, so that the next one knows what was left behind.
    _held: Option<File>,
}

impl Copy {
    /// Copies a profile, in a state in which nobody was writing to it.
    ///
    /// # Errors
    /// [`Code::NssProfileUnusable`]; [`Code::NssProfileBusy`] when somebody writes all the time.
    pub(super) fn of(profile: &Path) -> Result<Self> {
        let files = read_at_rest(profile)?;
        let mut last = None;
        for parent in parents() {
            remove_left(&parent);
            match Copy::written(&files, &parent) {
                Ok(copy) => return Ok(copy),
                Err(error) => last = Some(error),
            }
        }
        let error = Error::new(Code::NssProfileUnusable).fact(Fact::Reason, "nss_no_copy");
        Err(last.into_iter().fold(error, |error, last| error.fact(Fact::Detail, &last).caused_by(last)))
    }

    fn written(files: &[Copied], parent: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(parent)?;
        // Before anything is in it.
        let held = cfg!(unix).then(|| File::open(folder.path())).transpose()?;
        held.as_ref().map(File::lock).transpose()?;
        // Private keys reach no disk.
        let takes_keys = is_memory(parent);
        for file in files.iter().filter(|file| takes_keys || !file.name.starts_with(KEYS)) {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(folder.path().join(&file.name))?.write_all(&file.bytes)?;
        }
        Ok(Copy { folder, _held: held })
    }

    /// The folder with the copies.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A file of a profile, by its name there.
struct Copied {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
}

/// Reads the files between two moments in which they were the same and nobody was writing.
fn read_at_rest(profile: &Path) -> Result<Vec<Copied>> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        let before = stamps(profile);
        let certificates = read_database(profile, CERTIFICATES).map_err(|error| unreadable(profile, error));
        let keys = read_database(profile, KEYS).unwrap_or_default();
        if !is_written_to(profile) && stamps(profile) == before {
            return Ok(certificates?.into_iter().chain(keys).collect());
        }
    }
    Err(Error::new(Code::NssProfileBusy))
}

/// A database, and what is beside it.
fn read_database(profile: &Path, name: &str) -> io::Result<Vec<Copied>> {
    /// How a database of SQLite begins, and what its length is a multiple of (§1.3 of its file format).
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const PAGE: usize = 512;
    let path = database(profile, name);
    let mut files = vec![Copied { name: name.to_owned(), bytes: read_file(&path)? }];
    for suffix in BESIDE {
        match read_file(&beside(&path, suffix)) {
            Ok(bytes) => files.push(Copied { name: format!("{name}{suffix}"), bytes }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // What is beside it may make it whole.
    let [Copied { bytes, .. }] = &files[..] else { return Ok(files) };
    match bytes.starts_with(MAGIC) && bytes.len() % PAGE == 0 {
        true => Ok(files),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Where a database is: behind a link, SQLite has its other files beside the real one.
fn database(profile: &Path, name: &str) -> PathBuf {
    let path = profile.join(name);
    path.canonicalize().unwrap_or(path)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Reads a regular file: a pipe would wait for ever.
fn read_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let is_regular = |file: fs::Metadata| match file.is_file() {
        true if file.len() > LARGEST => Err(io::ErrorKind::FileTooLarge),
        true => Ok(file.len()),
        false => Err(io::ErrorKind::InvalidData),
    };
    is_regular(path.metadata()?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // Nor does it wait where a pipe has taken the file's place just now.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path)?;
    let size = is_regular(file.metadata()?)?;
    // With room from the start, so that no part of a key stays where it was before the vector grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why the certificates cannot be read.
fn unreadable(profile: &Path, error: io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if profile.join("cert8.db").exists() => Some("nss_old_form"),
        io::ErrorKind::NotFound => Some("no_cert9"),
        io::ErrorKind::PermissionDenied => Some("nss_not_permitted"),
        io::ErrorKind::InvalidData => Some("nss_damaged"),
        io::ErrorKind::FileTooLarge => Some("nss_too_large"),
        _ => None,
    };
    let unusable = Error::new(Code::NssProfileUnusable);
    let unusable = reason.iter().fold(unusable, |unusable, reason| unusable.fact(Fact::Reason, reason));
    unusable.fact(Fact::Detail, &error).caused_by(error)
}

/// What changes when a file is written to.
#[derive(PartialEq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// The device, the file's number there, and the last change of either (seconds, nanoseconds).
    #[cfg(unix)]
    file: (u64, u64, i64, i64),
}

fn stamps(profile: &Path) -> Vec<Option<Stamp>> {
    let paths = [CERTIFICATES, KEYS].into_iter().flat_map(|name| {
        let path = database(profile, name);
        let others = BESIDE.map(|suffix| beside(&path, suffix));
        std::iter::once(path).chain(others)
    });
    let stamp = |path: PathBuf| {
        let file = path.metadata().ok()?;
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Some(Stamp {
            size: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            file: (file.dev(), file.ino(), file.ctime(), file.ctime_nsec()),
        })
    };
    paths.map(stamp).collect()
}

/// Whether another process has a lock with which SQLite writes to one of the databases.
#[cfg(unix)]
fn is_written_to(profile: &Path) -> bool {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    /// Where SQLite locks what it is about to write or writes (PENDING_BYTE, and SHARED_FIRST to its end, in its os.h).
    const WRITING: [(u64, u64); 2] = [(0x4000_0000, 1), (0x4000_0002, 510)];
    [CERTIFICATES, KEYS].iter().any(|name| {
        let database = profile.join(name);
        if !database.is_file() {
            return false;
        }
        let Ok(file) = File::open(database) else { return false };
        WRITING.into_iter().any(|(start, length)| {
            let mut wanted = Flock::from(FlockType::ReadLock);
            (wanted.start, wanted.length) = (start, length);
            fcntl_getlk(&file, &wanted).is_ok_and(|held| held.is_some())
        })
    })
}

#[cfg(not(unix))]
fn is_written_to(_profile: &Path) -> bool {
    false
}

/// Folders for the copy, the best first: one that is in memory, where there is one.
fn parents() -> Vec<PathBuf> {
    let memory = PathBuf::from("/dev/shm");
    let temporary = Some(std::env::temp_dir()).filter(|folder| folder.is_absolute());
    is_memory(&memory).then_some(memory).into_iter().chain(temporary).collect()
}

/// Whether what is written there is kept in memory (tmpfs, ramfs).
#[cfg(target_os = "linux")]
fn is_memory(folder: &Path) -> bool {
    /// TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
    const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    // The kernel's numbers have 32 bits, in whatever type.
    rustix::fs::statfs(folder).is_ok_and(|system| IN_MEMORY.contains(&(system.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_memory(_folder: &Path) -> bool {
    false
}

/// Removes the copies of processes that were killed: nobody locks them, and something is in them.
#[cfg(unix)]
fn remove_left(parent: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    const FILES: [&str; 4] = [CERTIFICATES, KEYS, "pkcs11.txt", "secmod.db"];
    let is_of_copy = |entry: io::Result<fs::DirEntry>| {
        let name = entry?.file_name();
        Ok::<_, io::Error>(FILES.iter().any(|file| name.to_string_lossy().starts_with(file)))
    };
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // Not what a link leads to.
        let is_own = entry
            .metadata()
            .is_ok_and(|folder| folder.is_dir() && folder.uid() == user && folder.mode() & 0o7777 == 0o700);
        let is_left = || {
            let held = File::open(entry.path())?;
            held.try_lock()?;
            // What is not of a copy has come there otherwise.
            let each: Vec<bool> = fs::read_dir(entry.path())?.map(is_of_copy).collect::<io::Result<_>>()?;
            Ok::<_, io::Error>(!each.is_empty() && each.iter().all(|of_copy| *of_copy))
        };
        if is_own && is_left().unwrap_or(false) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(not(unix))]
fn remove_left(_parent: &Path) {}
