//! The driver host: the process in which one driver is loaded and called, for the program that started it.
//!
//! It has one end of a pair of sockets and nothing else of that program. It ends when the other end is gone or the program is,
//! but in the middle of a call that writes to a token.

#[cfg(target_pointer_width = "64")]
mod confine;
mod link;
mod rights;
mod spare;
/// There is no filter of system calls for the others.
#[cfg(not(target_pointer_width = "64"))]
mod confine {
    pub(super) fn confine(_: &[&std::path::Path], _: &[&std::path::Path]) -> Result<(), String> {
        Err(format!("seccomp: none for {}", std::env::consts::ARCH))
    }
}

use crate::driver::Here;
use crate::failure::{Failure, Outcome};
use crate::kept_open::KeptOpen;
use crate::library::{self, LoadFailure};
use crate::wire::Bytes;
use crate::wire::frame::{FromHost, NotLoaded, ToHost, VERSION, decode, encode};
use crate::wire::message::Request;
use link::{Link, Lost, Message};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use spare::Spare;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How it ends when it is not started as it should be.
const NOT_FOR_PEOPLE: u8 = 2;

/// How often it is examined whether the program is still there, should its end of the sockets be somebody else's too.
const ROUND: Duration = Duration::from_millis(500);

/// How long a call that may write may go on when the program is gone.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Room for most answers; others grow.
const USUAL_ANSWER: usize = 2 * 1024;

/// Serves the program at the other end of standard input.
pub fn main() -> ExitCode {
    let Some(socket) = rights::take_socket() else {
        eprintln!(
            "usbtoken-driver: is started by programs that use the library usbtoken, and does nothing by itself"
        );
        return ExitCode::from(NOT_FOR_PEOPLE);
    };
    rights::give_up();
    let host = Host {
        link: Arc::new(Link::new(socket)),
        parent: rustix::process::getppid(),
        writing: Arc::default(),
        is_greeted: false,
        watched: None,
        driver: None,
        kept: Vec::new(),
        spare: None,
    };
    host.serve();
    rights::end()
}

/// Ends this process when the program is gone, after a call that may write.
fn end_with(link: &Link, parent: Option<Pid>, writing: &Mutex<()>, is_there: &Sender<()>) {
    // Where it has none of its own, a driver that closes them ends the process.
    spare::own_descriptors();
    if is_there.send(()).is_err() {
        return;
    }
    while !is_gone(link) && rustix::process::getppid() == parent {}
    let begun = Instant::now();
    loop {
        match writing.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < LAST_CALL => {
                std::thread::sleep(Duration::from_millis(5));
            }
            // Held to the end: no other call begins.
            _held => rights::end(),
        }
    }
}

/// Waits a while for the other end to go.
fn is_gone(link: &Link) -> bool {
    let mut polled = [PollFd::new(link, PollFlags::RDHUP)];
    let Ok(round) = Timespec::try_from(ROUND) else { return true };
    match poll(&mut polled, Some(&round)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => false,
        // A driver that closes what it did not open ends the process with it.
        _ => true,
    }
}

/// Waits for the first words of the program, as long as that is there.
fn until_asked(link: &Link, parent: Option<Pid>) -> Option<()> {
    let round = Timespec::try_from(ROUND).ok()?;
    loop {
        match poll(&mut [PollFd::new(link, PollFlags::IN)], Some(&round)) {
            Ok(1..) => return Some(()),
            Ok(0) | Err(rustix::io::Errno::INTR) if rustix::process::getppid() == parent => {}
            Ok(0) | Err(_) => return None,
        }
    }
}

struct Host {
    link: Arc<Link>,
    /// The process that has started this one.
    parent: Option<Pid>,
    writing: Arc<Mutex<()>>,
    is_greeted: bool,
    /// Hears from the thread that watches for the end of the program once it runs.
    watched: Option<Receiver<()>>,
    driver: Option<Here>,
    /// Files that are kept open for the program, such as its locks.
    kept: Vec<(u64, Vec<KeptOpen>)>,
    /// For when the driver has closed the descriptor of the link.
    spare: Option<Spare>,
}

impl Host {
    /// Answers until the other end is gone, or says what is no message.
    fn serve(mut self) {
        while let Some(Message { bytes, files }) = self.receive() {
            let Ok(message) = decode::<ToHost<'_>>(&bytes) else { return };
            let answer = match message {
                ToHost::Greet { version, parent } => self.greet(version, parent),
                ToHost::Load { driver } => self.load(&driver.0),
                ToHost::Call(request) => self.call(&request),
                ToHost::Keep(name) => {
                    self.kept.push((name, files));
                    Some(FromHost::Done)
                }
                ToHost::Confine { reads, writes } => self.confine(&reads, &writes),
                ToHost::LetGo(name) => {
                    self.kept.retain(|(kept, _)| *kept != name);
                    Some(FromHost::Done)
                }
            };
            let Some(answer) = answer else { return };
            let Ok(frame) = encode(&answer, USUAL_ANSWER) else { return };
            let sent = match self.link.send(&frame) {
                Err(Lost::Closed) => self.spare.as_ref().and_then(|spare| spare.send(frame)),
                sent => sent.ok(),
            };
            if sent.is_none() {
                return;
            }
        }
    }

    fn receive(&self) -> Option<Message> {
        if !self.is_greeted {
            until_asked(&self.link, self.parent)?;
        }
        match self.link.receive() {
            Err(Lost::Closed) => self.spare.as_ref()?.receive(),
            received => received.ok(),
        }
    }

    fn greet(&mut self, version: u32, parent: u32) -> Option<FromHost<'static>> {
        let there = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get().cast_unsigned());
        // Another parent is none that will say when it ends.
        if there != Some(parent) {
            return None;
        }
        if version != VERSION {
            return Some(FromHost::OtherVersion(VERSION));
        }
        self.is_greeted = true;
        Some(if self.start_threads() { FromHost::Done } else { FromHost::Exhausted })
    }

    /// Confines this process, which has one thread yet: others would not be.
    fn confine(&self, reads: &[Bytes<'_>], writes: &[Bytes<'_>]) -> Option<FromHost<'static>> {
        if self.is_greeted {
            return None;
        }
        Some(match confine::confine(&paths_of(reads), &paths_of(writes)) {
            Ok(()) => FromHost::Done,
            Err(why) => FromHost::NotConfined(why.into_bytes().into()),
        })
    }

    /// Starts what runs beside the driver. `false` where the system gives no thread.
    fn start_threads(&mut self) -> bool {
        let (link, writing, parent) = (Arc::clone(&self.link), Arc::clone(&self.writing), self.parent);
        let (tell, told) = channel();
        self.watched = Some(told);
        let watch = move || end_with(&link, parent, &writing, &tell);
        let watched = std::thread::Builder::new().stack_size(64 * 1024).spawn(watch);
        self.spare = Spare::start(Arc::clone(&self.link));
        watched.is_ok()
    }

    /// Loads the driver, once.
    fn load(&mut self, driver: &[u8]) -> Option<FromHost<'static>> {
        if self.driver.is_some() || !self.is_greeted {
            return None;
        }
        // A thread that begins waits for the loader, which may never be done with the driver: this one would not see the program go.
        self.watched.take()?.recv().ok()?;
        self.spare = self.spare.take().and_then(Spare::ready);
        let why = match library::functions(path_of(driver)) {
            Ok(list) => {
                self.driver = Some(Here::new(list));
                return Some(FromHost::Done);
            }
            Err(LoadFailure::NoEntry) => NotLoaded::NoEntry,
            Err(LoadFailure::NoList(Failure::Returned { rv, .. })) => NotLoaded::Returned(rv),
            Err(LoadFailure::NoList(Failure::Misbehaved { how, .. })) => {
                NotLoaded::Misbehaved(how.into_bytes().into())
            }
            Err(LoadFailure::NoList(failure)) => {
                NotLoaded::Misbehaved(failure.function().as_bytes().to_vec().into())
            }
            Err(
                LoadFailure::Unloadable(why)
                | LoadFailure::NoHost(why)
                | LoadFailure::NotConfined(why)
                | LoadFailure::Exhausted(why),
            ) => NotLoaded::Unloadable(why.into_bytes().into()),
        };
        Some(FromHost::NotLoaded(why))
    }

    fn call(&self, request: &Request<'_>) -> Option<FromHost<'static>> {
        let driver = self.driver.as_ref().filter(|_| request.is_bounded())?;
        let held = request.may_write().then(|| self.writing.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome: Outcome<_> = driver.perform(request);
        rights::outlive_threads();
        drop(held);
        match outcome {
            Ok(reply) => Some(FromHost::Reply(reply.trimmed())),
            Err(Failure::Missing { .. }) => Some(FromHost::Missing),
            // Nothing else comes of a call in this process.
            Err(_) => None,
        }
    }
}

fn paths_of<'a>(named: &'a [Bytes<'_>]) -> Vec<&'a Path> {
    named.iter().map(|path| path_of(&path.0)).collect()
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
