//! Where a driver runs: in this process, or in a driver host (`usbtoken-driver`), a process of its own.

use super::file::{CheckedFile, Trust, trust};
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use usbtoken_pkcs11::{Confinement, Deadlines, HostOptions};

/// The host's program; the one of the other bitness has its own as a number behind it.
const PROGRAM: &str = "usbtoken-driver";

/// Too many open files, of the computer and of this process; the same on every Unix.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// How drivers are loaded: who may own their files, in which process they run, and how long a call may take. As a
/// [`Finder`](crate::Finder) was told ([`Finder::loading`](crate::Finder::loading)), or as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    pub(crate) trust: Trust,
    pub(crate) hosting: Hosting,
    pub(crate) deadlines: Deadlines,
    /// Variables of the environment that a host is not given.
    pub(crate) without: Vec<OsString>,
    /// What drivers may reach, where that is not everything.
    pub(crate) confined: Option<Confinement>,
}

/// Where a driver runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hosting {
    /// In a host, where its program is beside the program or the shared library that this code is in; else in this process.
    #[default]
    Beside,
    InProcess,
    /// In a host, whose program is this one.
    Program(PathBuf),
}

impl Loading {
    /// The same; where drivers are confined, they get at this folder too.
    pub(crate) fn reaching(&self, folder: &Path) -> Self {
        let mut loading = self.clone();
        if let Some(confined) = &mut loading.confined {
            confined.writes.push(folder.to_owned());
        }
        loading
    }

    /// How the host for this driver is started; `None` where the driver runs in this process.
    ///
    /// # Errors
    /// As [`Loading::usual_host`]; [`Code::DriverWrongBitness`] for a driver of the other bitness, where no host of that one is
    /// beside the usual one.
    pub(crate) fn host_for(&self, file: &CheckedFile) -> Result<Option<HostOptions>> {
        let Err(other) = file.own_bitness() else { return self.usual_host() };
        let usual = match &self.hosting {
            Hosting::InProcess => return Err(file.wrong_bitness(other)),
            Hosting::Program(program) => Some(program.as_path()),
            Hosting::Beside => beside::program().map_err(exhausted)?,
        };
        let fitting = usual.map(|usual| usual.with_file_name(format!("{PROGRAM}{}", other.bits)));
        let Some(fitting) = fitting else { return Err(file.wrong_bitness(other)) };
        let program = checked(&fitting, self.trust).map_err(|error| {
            file.wrong_bitness(other).fact(Fact::DriverHost, fitting.display()).because_of(error)
        })?;
        Ok(Some(self.options(program)))
    }

    /// How the host for a driver of this program's bitness is started; `None` where drivers run in this process.
    ///
    /// # Errors
    /// [`Code::DriverHostUnusable`] when the program that was named is not there, or others could replace it; on systems for
    /// which there is none yet. [`Code::DriverNotConfined`] where drivers run in this process and are to be confined.
    pub(crate) fn usual_host(&self) -> Result<Option<HostOptions>> {
        let program = match &self.hosting {
            Hosting::InProcess => return self.unconfined(None),
            Hosting::Program(program) => checked(program, self.trust)?,
            Hosting::Beside => {
                let beside = beside::program().map_err(exhausted)?;
                match beside.map(|program| checked(program, self.trust)) {
                    Some(Ok(program)) => program,
                    Some(Err(error)) if error.code() == Code::OutOfMemory => return Err(error),
                    Some(Err(error)) => return self.unconfined(Some(error)),
                    None => return self.unconfined(None),
                }
            }
        };
        Ok(Some(self.options(program)))
    }

    /// That drivers run in this process, where nothing can be kept from them.
    fn unconfined(&self, why: Option<Error>) -> Result<Option<HostOptions>> {
        if self.confined.is_none() {
            return Ok(None);
        }
        let error = Error::new(Code::DriverNotConfined).during(Step::LoadDriver);
        let error = error.fact(Fact::Reason, "driver_in_this_process");
        Err(why.into_iter().fold(error, Error::because_of))
    }

    fn options(&self, program: PathBuf) -> HostOptions {
        HostOptions {
            program,
            deadlines: self.deadlines,
            without: self.without.clone(),
            confined: self.confined.clone(),
        }
    }

    /// That drivers run in this process although nobody has asked for it: the host's program is not where it should be, or
    /// cannot be used.
    pub(crate) fn remark(&self) -> Option<Warning> {
        if self.hosting != Hosting::Beside || !cfg!(target_os = "linux") {
            return None;
        }
        let remark = Warning::from(Notice::DriverInProcess);
        let beside = beside::program().ok()?;
        match beside.map(|program| checked(program, self.trust)) {
            Some(Ok(_)) => None,
            Some(Err(error)) => {
                Some(error.facts().fold(remark, |remark, (fact, value)| remark.fact(fact, value)))
            }
            None => Some(remark),
        }
    }
}

/// Whether the system lacks descriptors or memory.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::OutOfMemory)
        || cfg!(unix) && matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

/// Where the system lacks something, drivers do not run in this process for it.
fn exhausted(error: io::Error) -> Error {
    Error::new(Code::OutOfMemory).during(Step::LoadDriver).fact(Fact::Detail, &error).caused_by(error)
}

/// The program that would be started, which is given the PIN: it is as hard to replace as a driver has to be.
fn checked(program: &Path, trusted: Trust) -> Result<PathBuf> {
    let fail =
        || Error::new(Code::DriverHostUnusable).during(Step::LoadDriver).fact(Fact::Path, program.display());
    let unreadable = |error: io::Error| match is_exhausted(&error) {
        true => exhausted(error),
        false => fail().fact(Fact::Detail, &error).caused_by(error),
    };
    if !cfg!(target_os = "linux") {
        return Err(unreadable(io::ErrorKind::Unsupported.into()));
    }
    if !program.is_absolute() {
        return Err(fail().fact(Fact::Expected, "/…"));
    }
    let real = program.canonicalize().map_err(unreadable)?;
    let metadata = real.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::ErrorKind::NotFound.into()));
    }
    if !is_program(&real, &metadata).map_err(unreadable)? {
        return Err(unreadable(io::ErrorKind::PermissionDenied.into()));
    }
    if trusted == Trust::Owners
        && let Some(weak) = trust::weakness(&real).map_err(unreadable)?
    {
        let found = format!("{}: {}", weak.path.display(), weak.found);
        return Err(fail().fact(Fact::Found, found).fact(Fact::Expected, weak.expected));
    }
    Ok(real)
}

/// Whether it is a program that somebody may run.
#[cfg(unix)]
fn is_program(program: &Path, metadata: &std::fs::Metadata) -> io::Result<bool> {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    let mut magic = [0; 2];
    let mut read = || std::fs::File::open(program)?.read_exact(&mut magic);
    match read() {
        Err(error) if is_exhausted(&error) => Err(error),
        read => Ok(metadata.permissions().mode() & 0o111 != 0
            && read.is_ok()
            && matches!(&magic, b"\x7fE" | b"#!")),
    }
}

#[cfg(not(unix))]
fn is_program(_program: &Path, _metadata: &std::fs::Metadata) -> io::Result<bool> {
    Ok(true)
}

/// What is in the folder of the file from which this code was loaded: a program, or the shared library in one.
mod beside {
    use std::ffi::OsStr;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    /// Where the host's program is, should it be installed.
    ///
    /// # Errors
    /// What the system lacks to say where; it may have that later.
    pub(super) fn program() -> io::Result<Option<&'static Path>> {
        static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
        if let Some(known) = PROGRAM.get() {
            return Ok(known.as_deref());
        }
        let beside = own_file()?.and_then(|own| Some(own.parent()?.join(super::PROGRAM)));
        Ok(PROGRAM.get_or_init(|| beside).as_deref())
    }

    /// The file that has this very function, as the system has mapped it: no variable and no argument has a say.
    #[cfg(target_os = "linux")]
    fn own_file() -> io::Result<Option<PathBuf>> {
        let here = own_file as fn() -> io::Result<Option<PathBuf>> as usize;
        let maps = match std::fs::read("/proc/self/maps") {
            Err(error) if super::is_exhausted(&error) => return Err(error),
            maps => maps.unwrap_or_default(),
        };
        Ok(maps.split(|byte| *byte == b'\n').find_map(|line| file_at(line, here)))
    }

    #[cfg(not(target_os = "linux"))]
    fn own_file() -> io::Result<Option<PathBuf>> {
        Ok(None)
    }

    /// The file of a line of proc_pid_maps(5), where its addresses have this one among them.
    #[cfg(target_os = "linux")]
    fn file_at(line: &[u8], address: usize) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt as _;
        // Nothing before the path has a slash.
        let (numbers, path) = line.split_at(line.iter().position(|byte| *byte == b'/')?);
        let (begin, end) = str::from_utf8(numbers).ok()?.split_once(' ')?.0.split_once('-')?;
        let [begin, end] = [begin, end].map(|number| usize::from_str_radix(number, 16).ok());
        (begin?..end?).contains(&address).then(|| PathBuf::from(OsStr::from_bytes(path)))
    }

    #[cfg(all(test, target_os = "linux"))]
    mod tests {
        use super::*;

        #[test]
        fn a_program_knows_its_own_file() {
            let own = std::env::current_exe().unwrap();
            assert_eq!(own_file().unwrap().unwrap(), own);
            assert_eq!(program().unwrap().unwrap().parent(), own.parent());
        }

        #[test]
        fn the_line_of_an_address_has_the_file() {
            let line = b"7f00-7fff r-xp 00000000 fe:00 12   /usr/lib/a folder/lib\xff.so";
            assert!(file_at(line, 0x7f80).unwrap().as_os_str().as_bytes().ends_with(b"/a folder/lib\xff.so"));
            assert_eq!((file_at(line, 0x7fff), file_at(line, 0x7eff)), (None, None));
            assert_eq!(file_at(b"7f00-7fff rw-p 00000000 00:00 0  [heap]", 0x7f80), None);
        }
        use std::os::unix::ffi::OsStrExt as _;
    }
}
