//! What belongs to the whole process and a driver may change: the standard streams, the working directory, the mask for new
//! files, the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fs::{Mode, fstat};
use rustix::process::{Resource, getrlimit};
use rustix::stdio;

use super::keeper::{self, Keeper};

/// As they were before any driver ran.
struct Surroundings {
    stdin: Option<Stream>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    keeper: Option<Keeper>,
    folder: Option<(Stream, PathBuf)>,
    mask: Mode,
    variables: BTreeMap<OsString, OsString>,
}

/// A copy of a stream, and which file it leads to: a driver that closes descriptors may close the copy too, and what is opened
/// then gets its number.
struct Stream {
    copy: OwnedFd,
    file: FileId,
}

/// Device and inode.
type FileId = (u64, u64);

static BEFORE: OnceLock<Surroundings> = OnceLock::new();

/// Keeps them, and leads to standard error what drivers print: standard output is for the result alone.
pub fn keep() {
    // The mask can only be read by setting it.
    let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    rustix::process::umask(mask);
    let kept = BEFORE.set(Surroundings {
        stdin: Stream::copied(stdio::stdin()),
        stdout: Stream::copied(stdio::stdout()),
        stderr: Stream::copied(stdio::stderr()),
        keeper: Keeper::begin(),
        folder: folder(),
        mask,
        variables: std::env::vars_os().collect(),
    });
    if kept.is_ok() {
        // Where there is no standard error either, what a driver prints goes where it went before.
        let _ = stdio::dup2_stdout(stdio::stderr());
    }
}

/// Puts the streams, the working directory and the mask back, before something is said, a file is named or a program is
/// started.
pub fn restore() {
    let Some(before) = BEFORE.get() else { return };
    // What cannot be put back fails by itself where it is used.
    if let Some(stderr) = &before.stderr {
        stderr.put_back(stdio::stderr(), |copy| stdio::dup2_stderr(copy));
        stderr.put_back(stdio::stdout(), |copy| stdio::dup2_stdout(copy));
    }
    if file_of(stdio::stdin()).is_none()
        && let Some(stdin) = &before.stdin
    {
        stdin.put_back(stdio::stdin(), |copy| stdio::dup2_stdin(copy));
    }
    rustix::process::umask(before.mask);
    let _ = before.folder.as_ref().map(|(folder, path)| match folder.is_there() {
        true => rustix::process::fchdir(&folder.copy).map_err(io::Error::from),
        false => std::env::set_current_dir(path),
    });
}

fn folder() -> Option<(Stream, PathBuf)> {
    Some((Stream::copied(File::open(".").ok()?)?, std::env::current_dir().ok()?))
}

/// Does the work with the standard output that this program was started with; nothing is printed after it.
///
/// # Errors
/// When a driver has closed it for good.
pub fn on_stdout<R>(work: impl FnOnce(&mut dyn Write) -> io::Result<R>) -> io::Result<R> {
    let Some((before, stdout)) = BEFORE.get().and_then(|before| Some((before, before.stdout.as_ref()?)))
    else {
        return work(&mut io::stdout().lock());
    };
    if !stdout.is_there() {
        return match &before.keeper {
            Some(keeper) => work(&mut keeper.writer(keeper::Stream::Output)),
            None => Err(io::Error::other("the driver has closed standard output")),
        };
    }
    stdio::dup2_stdout(&stdout.copy)?;
    let done = work(&mut io::stdout().lock());
    // What a driver has in its buffers comes at the end of the process, and what a full disk did not take once more.
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _ = stdio::dup2_stdout(nowhere);
    }
    done
}

/// Says this on the standard error that this program was started with.
pub fn say(text: &str) {
    let before = BEFORE.get();
    let was_closed = |stderr: &Stream| file_of(stdio::stderr()) != Some(stderr.file) && !stderr.is_there();
    let keeper = before
        .filter(|before| before.stderr.as_ref().is_some_and(was_closed))
        .and_then(|before| before.keeper.as_ref());
    // There is no place left to complain when standard error is closed.
    let _ = match keeper {
        Some(keeper) => writeln!(keeper.writer(keeper::Stream::Error), "{text}"),
        None => writeln!(io::stderr(), "{text}"),
    };
}

/// A variable of the environment that this program was started with.
pub fn variable(name: &str) -> Option<OsString> {
    match BEFORE.get() {
        Some(before) => before.variables.get(OsStr::new(name)).cloned(),
        None => std::env::var_os(name),
    }
}

/// What a driver has changed in the environment: each variable with the value that it had.
pub fn changed_variables() -> Vec<(OsString, Option<OsString>)> {
    let Some(before) = BEFORE.get() else { return Vec::new() };
    let now: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let changed = before.variables.iter().filter(|(name, value)| now.get(*name) != Some(*value));
    let changed = changed.map(|(name, value)| (name.clone(), Some(value.clone())));
    let added = now.keys().filter(|name| !before.variables.contains_key(*name));
    changed.chain(added.map(|name| (name.clone(), None))).collect()
}

impl Stream {
    /// Far from the numbers that drivers close one after the other.
    fn copied(stream: impl AsFd) -> Option<Self> {
        /// The kernel's table grows with the number.
        const HIGHEST: u64 = 8192;
        let most = getrlimit(Resource::Nofile).current.unwrap_or(HIGHEST).min(HIGHEST);
        let number = i32::try_from(most.saturating_sub(8)).unwrap_or_default().max(3);
        let copy = rustix::io::fcntl_dupfd_cloexec(&stream, number)
            .or_else(|_| rustix::io::fcntl_dupfd_cloexec(&stream, 3));
        let copy = copy.ok()?;
        Some(Stream { file: file_of(&copy)?, copy })
    }

    fn is_there(&self) -> bool {
        file_of(&self.copy) == Some(self.file)
    }

    fn put_back(&self, stream: BorrowedFd<'static>, put: impl FnOnce(&OwnedFd) -> rustix::io::Result<()>) {
        if file_of(stream) != Some(self.file) && self.is_there() {
            let _ = put(&self.copy);
        }
    }
}

fn file_of(descriptor: impl AsFd) -> Option<FileId> {
    let file = fstat(descriptor).ok()?;
    #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
    Some((file.st_dev.try_into().ok()?, file.st_ino.into()))
}
