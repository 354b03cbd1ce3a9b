//! A driver's file is examined before it is loaded.
//!
//! Loading runs the file's code in this process, and the system's loader trusts the file's headers: a shared
//! library that was cut off, for example by an interrupted download, kills the process with SIGBUS. So [`check`]
//! reads the headers first and says in advance what would otherwise be a crash or a loader's one-line message.

mod elf;
mod fault;
#[cfg(unix)]
mod group;
mod macho;
mod pe;
mod platform;
mod source;
#[cfg(all(test, target_os = "linux"))]
mod tests;
pub(crate) mod trust;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use self::fault::{Examined, Fault};
use self::platform::Host;
use self::source::Source;
use crate::driver::shortage::is_shortage;
use crate::error::{Code, Error, Fact, Result, Step};

/// The largest file that is taken for a driver, in bytes. Real ones have some megabytes.
const LARGEST: u64 = 256 << 20;

/// Who may be able to replace the driver's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Only the administrator and the user that runs this program. Looked up on Unix in the owner and the mode of
    /// the file and of every folder above it; Windows' access lists are not read.
    #[default]
    Owners,
    /// Anyone: the caller has another reason to trust the file.
    Anyone,
}

/// A driver's file that can be given to the system's loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedFile {
    path: PathBuf,
    other: Option<OtherBitness>,
}

/// A driver's bitness that this program has not: a host of that bitness can load it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherBitness {
    /// 32 or 64: the driver's.
    pub(crate) bits: u32,
    expected: String,
    found: String,
}

impl CheckedFile {
    /// The absolute path of the file itself: symbolic links are resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// That it is one for this program.
    ///
    /// # Errors
    /// The bitness that it has, for which another program is needed.
    pub(crate) fn own_bitness(&self) -> std::result::Result<(), &OtherBitness> {
        self.other.as_ref().map_or(Ok(()), Err)
    }

    /// That it cannot be loaded for its bitness.
    pub(crate) fn wrong_bitness(&self, other: &OtherBitness) -> Error {
        let error = Error::new(Code::DriverWrongBitness).during(Step::LoadDriver);
        let error = error.fact(Fact::Path, self.path.display());
        error.fact(Fact::Expected, &other.expected).fact(Fact::Found, &other.found)
    }
}

/// Checks that the file is a complete shared library for this program or for a host of the other bitness, exports `C_GetFunctionList`, and cannot be
/// replaced by other users.
///
/// # Errors
/// `DriverPathRelative`, `DriverMissing`, `FileUnreadable`, `DriverUntrusted`, `DriverNotLibrary`,
/// `DriverWrongPlatform`, `DriverWrongBitness`, `DriverTruncated`, `DriverNoEntry`; each with the path and, where
/// two things are compared, with what was expected and what was found; `OutOfMemory` where the system has no descriptor left.
pub(crate) fn check(path: &Path, trust: Trust) -> Result<CheckedFile> {
    check_for(&Host::current(), path, trust)
}

fn check_for(host: &Host, path: &Path, trust: Trust) -> Result<CheckedFile> {
    let fail = |code| Error::new(code).during(Step::LoadDriver).fact(Fact::Path, path.display());
    if !path.is_absolute() {
        return Err(fail(Code::DriverPathRelative));
    }
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => fail(Code::DriverMissing).caused_by(error),
        _ if is_shortage(&error) => fail(Code::OutOfMemory).fact(Fact::Detail, &error).caused_by(error),
        _ => fail(Code::FileUnreadable).fact(Fact::Detail, &error).caused_by(error),
    };
    let real = path.canonicalize().map_err(unreadable)?;
    // Asked before the file is opened: opening a named pipe would wait for its other end.
    let metadata = real.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "directory" } else { "special file" };
        return Err(fail(Code::DriverNotLibrary).fact(Fact::Found, found));
    }
    if trust == Trust::Owners
        && let Some(weak) = trust::weakness(&real).map_err(unreadable)?
    {
        return Err(fail(Code::DriverUntrusted)
            .fact(Fact::Found, format_args!("{}: {}", weak.path.display(), weak.found))
            .fact(Fact::Expected, weak.expected));
    }
    if metadata.len() > LARGEST {
        return Err(fail(Code::DriverNotLibrary)
            .fact(Fact::Found, format_args!("{} bytes", metadata.len()))
            .fact(Fact::Limit, LARGEST));
    }
    let source = Source::new(File::open(&real).map_err(unreadable)?, metadata.len());
    let other = examine_for_either(&source, host).map_err(|fault| fault.add_to(fail, source.len()))?;
    Ok(CheckedFile { path: plain(real), other })
}

/// Examines it as a library for this program, or for one of the other bitness.
fn examine_for_either(source: &Source, host: &Host) -> std::result::Result<Option<OtherBitness>, Fault> {
    match (examine(source, host), host.other_bitness()) {
        (Err(Fault::Bitness { expected, found }), Some(other)) => {
            examine(source, &other)?;
            Ok(Some(OtherBitness { bits: other.bits, expected, found }))
        }
        (examined, _) => examined.map(|()| None),
    }
}

/// Recognises the format by the first bytes and has it examined.
fn examine(source: &Source, host: &Host) -> Examined {
    let magic = source.start::<8>();
    match magic {
        [] => Err(Fault::NotLibrary("empty file".into())),
        [0x7f, b'E', b'L', b'F', ..] => elf::examine(source, host),
        [b'M', b'Z', ..] => pe::examine(source, host),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => {
            macho::examine(source, 0, source.len(), host)
        }
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, ..] => macho::examine_universal(source, host),
        b"!<arch>\n" => Err(Fault::NotLibrary("static library".into())),
        text if text.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            Err(Fault::NotLibrary("text".into()))
        }
        other => Err(Fault::NotLibrary(format!("data ({:02x?} …)", other))),
    }
}

/// Windows' canonical paths begin with `\\?\`, which some drivers cannot take when they search for their own files.
fn plain(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(drive) if cfg!(windows) && drive.as_bytes().get(1) == Some(&b':') => PathBuf::from(drive),
        _ => path,
    }
}
