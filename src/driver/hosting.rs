//! Where a driver runs: in this process, or in a driver host (`usbtoken-driver`), a process of its own.

use super::file::{CheckedFile, Trust, trust};
use super::shortage::is_shortage;
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use usbtoken_pkcs11::{Confinement, Deadlines, HostOptions};

/// The host's program; the one of the other bitness has its own as a number behind it.
const PROGRAM: &str = "usbtoken-driver";

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
            Hosting::Beside => beside::program().map_err(not_known)?,
        };
        let fitting = usual.map(|usual| usual.with_file_name(format!("{PROGRAM}{}", other.bits)));
        let Some(fitting) = fitting else { return Err(file.wrong_bitness(other)) };
        let program = checked(&fitting, self.trust).map_err(|error| match error.code() {
            Code::OutOfMemory => error,
            _ => file.wrong_bitness(other).fact(Fact::DriverHost, fitting.display()).because_of(error),
        })?;
        Ok(Some(self.options(program)))
    }

    /// How the host for a driver of this program's bitness is started; `None` where drivers run in this process.
    ///
    /// # Errors
    /// [`Code::DriverHostUnusable`] when the program that was named is not there, or others could replace it; on systems for
    /// which there is none yet. [`Code::DriverNotConfined`] where drivers run in this process and are to be confined;
    /// [`Code::OutOfMemory`] where the system has no descriptor left to find out.
    pub(crate) fn usual_host(&self) -> Result<Option<HostOptions>> {
        let program = match &self.hosting {
            Hosting::InProcess => return self.unconfined(None),
            Hosting::Program(program) => checked(program, self.trust)?,
            Hosting::Beside => match self.beside()? {
                Some(Ok(program)) => program,
                Some(Err(error)) => return self.unconfined(Some(error)),
                None => return self.unconfined(None),
            },
        };
        Ok(Some(self.options(program)))
    }

    /// The program beside this code, or why it cannot be used, where it should be anywhere. What the system lacks for a moment is no
    /// such reason.
    fn beside(&self) -> Result<Option<Result<PathBuf>>> {
        let program = beside::program().map_err(not_known)?;
        match program.map(|program| checked(program, self.trust)) {
            Some(Err(error)) if error.code() == Code::OutOfMemory => Err(error),
            program => Ok(program),
        }
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
        match self.beside() {
            // Then there is an error, and no driver runs.
            Err(_) | Ok(Some(Ok(_))) => None,
            Ok(Some(Err(error))) => {
                Some(error.facts().fold(remark, |remark, (fact, value)| remark.fact(fact, value)))
            }
            Ok(None) => Some(remark),
        }
    }
}

/// That the system lacks something, so that it is not known where the program should be.
fn not_known(shortage: io::Error) -> Error {
    let error = Error::new(Code::OutOfMemory).during(Step::LoadDriver);
    error.fact(Fact::Detail, format_args!("{PROGRAM}: {shortage}")).caused_by(shortage)
}

/// The program that would be started, which is given the PIN: it is as hard to replace as a driver has to be.
fn checked(program: &Path, trusted: Trust) -> Result<PathBuf> {
    let fail_with = |code| Error::new(code).during(Step::LoadDriver).fact(Fact::Path, program.display());
    let fail = || fail_with(Code::DriverHostUnusable);
    let unreadable = |error: io::Error| {
        let code = if is_shortage(&error) { Code::OutOfMemory } else { Code::DriverHostUnusable };
        fail_with(code).fact(Fact::Detail, &error).caused_by(error)
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
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Err(error) if is_shortage(&error) => Err(error),
        Err(_) => Ok(false),
        Ok(()) => Ok(metadata.permissions().mode() & 0o111 != 0 && matches!(&magic, b"\x7fE" | b"#!")),
    }
}

#[cfg(not(unix))]
fn is_program(_program: &Path, _metadata: &std::fs::Metadata) -> io::Result<bool> {
    Ok(true)
}

/// What is in the folder of the file from which this code was loaded: a program, or the shared library in one.
mod beside {
    use super::super::shortage::is_shortage;
    use std::ffi::OsStr;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    /// Where the host's program is, should it be installed; `None` where the system does not say.
    ///
    /// # Errors
    /// What the system lacks, perhaps for a moment: that is not kept in mind.
    pub(super) fn program() -> io::Result<Option<&'static Path>> {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        if let Some(program) = PROGRAM.get() {
            return Ok(Some(program));
        }
        let own = match own_file() {
            Err(error) if is_shortage(&error) => return Err(error),
            own => own.ok().flatten(),
        };
        let program = own.and_then(|own| Some(own.parent()?.join(super::PROGRAM)));
        Ok(program.map(|program| PROGRAM.get_or_init(|| program).as_path()))
    }

    /// The file that has this very function, as the system has mapped it: no variable and no argument has a say.
    #[cfg(target_os = "linux")]
    fn own_file() -> io::Result<Option<PathBuf>> {
        let here = own_file as fn() -> io::Result<Option<PathBuf>> as usize;
        let maps = std::fs::read("/proc/self/maps")?;
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
