//! The host's process: how it is started, what it is given, and how it ends.

use super::own::Own;
use crate::failure::LoadFailure;
use crate::options::HostOptions;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a host gets to end by itself.
const END: Duration = Duration::from_secs(2);

/// A process that was started, until it has ended and is forgotten by the system.
pub(super) struct Process {
    child: Option<Child>,
    /// Names the process for as long as it is there; a number may be given to another one.
    handle: Option<Own>,
    status: Option<ExitStatus>,
}

/// Those that the system could not end yet: a process that waits for a device ends when the device answers.
static LATE: Mutex<Vec<Child>> = Mutex::new(Vec::new());

impl Process {
    /// Starts a host, which has nothing of this process but one end of a new pair of sockets, the environment without what
    /// leads the loader astray, and the working directory.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) fn start(options: &HostOptions) -> Result<(Self, OwnedFd), LoadFailure> {
        forget_the_late();
        let program = &options.program;
        if !program.is_absolute() {
            return Err(LoadFailure::NoHost(format!("{}: not absolute", program.display())));
        }
        let start = || -> io::Result<(Self, OwnedFd)> {
            let (ours, theirs) = UnixStream::pair()?;
            // A caller may have closed its standard streams: a socket with such a number would be taken for one.
            let ours = rustix::io::fcntl_dupfd_cloexec(&ours, 3)?;
            let theirs = rustix::io::fcntl_dupfd_cloexec(&theirs, 3)?;
            let mut command = Command::new(program);
            command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
            // Ctrl-C at the terminal is for the caller.
            command.process_group(0);
            let astray = std::env::vars_os().map(|(name, _)| name).filter(|name| leads_astray(name));
            for name in astray.chain(options.without.iter().cloned()) {
                command.env_remove(name);
            }
            let child = command.spawn()?;
            let handle = Pid::from_raw(child.id().cast_signed())
                .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
                .map(Own::new);
            Ok((Process { child: Some(child), handle, status: None }, ours))
        };
        start().map_err(|error| {
            let why = format!("{}: {error}", program.display());
            match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE) => {
                    LoadFailure::Exhausted(why)
                }
                _ => LoadFailure::NoHost(why),
            }
        })
    }

    /// Its number, while it has not been waited for.
    pub(super) fn id(&self) -> Option<Pid> {
        self.child.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()))
    }

    /// Ends it at once.
    pub(super) fn end(&mut self) {
        let Some(child) = &mut self.child else { return };
        match self.handle.as_ref().and_then(Own::get) {
            Some(handle) => drop(pidfd_send_signal(handle, Signal::KILL)),
            // An older system. It has not been waited for, so the number is still its own.
            None => drop(child.kill()),
        }
        self.wait();
    }

    /// Waits until it has ended by itself, which it is about to.
    pub(super) fn finish(&mut self) {
        self.wait();
        if self.status.is_none() {
            self.end();
        }
    }

    /// How it ended, which it has or is about to.
    pub(super) fn how_it_ended(&mut self) -> String {
        self.finish();
        match self.status {
            Some(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("signal {signal}"),
                (None, Some(code)) => format!("exit {code}"),
                (None, None) => status.to_string(),
            },
            None => "gone".into(),
        }
    }

    /// Waits a while until it has ended, so that it is no zombie. Somebody else may have waited for every child.
    fn wait(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let begun = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            match child.try_wait() {
                Ok(None) if begun.elapsed() < END => match self.handle.as_ref().and_then(Own::get) {
                    Some(handle) => until_ended(handle, END.saturating_sub(begun.elapsed())),
                    None => {
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(Duration::from_millis(20));
                    }
                },
                Ok(None) => {
                    self.child = Some(child);
                    return;
                }
                Ok(status) => {
                    self.status = status;
                    return;
                }
                Err(_) => return,
            }
        }
    }
}

/// Sleeps until the process has ended, or so long.
fn until_ended(handle: BorrowedFd<'_>, longest: Duration) {
    let Ok(longest) = Timespec::try_from(longest) else { return };
    if poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&longest)).is_err() {
        // Something has closed it, or a signal came.
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.end();
        }
        if let Some(child) = self.child.take() {
            LATE.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        }
    }
}

fn forget_the_late() {
    let mut late = LATE.lock().unwrap_or_else(PoisonError::into_inner);
    late.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

/// Whether a variable has the loader or the C library load or write what nobody named. `LD_LIBRARY_PATH` stays: some drivers do
/// not find their own libraries without it, and the system takes it from programs with rights of their own.
fn leads_astray(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let loader = name.starts_with(b"LD_") && name != b"LD_LIBRARY_PATH";
    let others: [&[u8]; 2] = [b"GCONV_PATH", b"GLIBC_TUNABLES"];
    loader || name.starts_with(b"MALLOC_") || others.contains(&name)
}
