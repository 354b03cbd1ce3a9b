//! Linux.

use crate::host::{lock_briefly, write_quietly};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::{Errno, close, fcntl_dupfd_cloexec, pread};
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Where the trace goes.
pub(in crate::trace) struct TraceFile {
    /// Absolute: a program may go to another folder.
    path: PathBuf,
    /// Held to take the descriptor or to exchange it, never while one is written to.
    opened: Mutex<Arc<Opened>>,
}

impl TraceFile {
    /// # Errors
    /// When it cannot be opened, or is no file of this user's alone.
    pub(in crate::trace) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let opened = Opened::open(&path)?;
        Ok(Self { path, opened: Mutex::new(Arc::new(opened)) })
    }

    /// Appends a line, which ends with its line feed.
    pub(in crate::trace) fn append(&self, line: Vec<u8>) -> Result<()> {
        let busy = || Error::from(Errno::BUSY);
        let mut opened = Arc::clone(&*lock_briefly(&self.opened).ok_or_else(busy)?);
        let size = match opened.size() {
            Some(size) => size,
            // The program has closed our descriptor, or someone has emptied or removed the file.
            None => {
                // First, or the new one could get its number.
                opened.give_up();
                opened = Arc::new(Opened::open(&self.path)?);
                *lock_briefly(&self.opened).ok_or_else(busy)? = Arc::clone(&opened);
                opened.size().ok_or_else(|| Error::from(Errno::BADF))?
            }
        };
        opened.append(size, line)
    }
}

/// An open file, known again by its identity and not by its number.
struct Opened {
    descriptor: RawFd,
    given_up: AtomicBool,
    device: u64,
    inode: u64,
    /// How long the file is at least: it only grows.
    least: AtomicU64,
    /// How long it is when it ends with a line that was written here, whole.
    after_line: AtomicU64,
}

/// How high the descriptor is, if it can be: above what programs close one by one, count on, or pass on.
const HIGH: [RawFd; 5] = [512, 200, 64, 32, 3];

impl Opened {
    fn open(path: &Path) -> Result<Self> {
        // Opening a device can do something to it, so what is there is examined before it is opened, and again when it
        // is open. A pipe is opened: who waits at its other end learns that nothing comes.
        match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Fifo => {}
            Ok(stat) => is_private_file(&stat)?,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let opened = {
            let _held = hold_standard_descriptors();
            let flags = OFlags::RDWR
                | OFlags::APPEND
                | OFlags::CREATE
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::NOCTTY
                | OFlags::CLOEXEC;
            openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?
        };
        let stat = fstat(&opened)?;
        is_private_file(&stat)?;
        let descriptor = above_those_of_the_program(opened);
        let size = length(&stat);
        Ok(Self {
            descriptor,
            given_up: AtomicBool::new(false),
            device: stat.st_dev,
            inode: stat.st_ino,
            least: AtomicU64::new(size),
            after_line: AtomicU64::new(0),
        })
    }

    fn borrow(&self) -> BorrowedFd<'_> {
        // SAFETY: a number; every use of it asks first whether it is still our file's.
        unsafe { BorrowedFd::borrow_raw(self.descriptor) }
    }

    /// How long the file is; `None` when the descriptor is not ours any more, or the file not the trace's.
    fn size(&self) -> Option<u64> {
        let stat = fstat(self.borrow()).ok()?;
        let ours = (stat.st_dev, stat.st_ino) == (self.device, self.inode) && stat.st_nlink > 0;
        let size = length(&stat);
        (ours && size >= self.least.load(Ordering::Relaxed)).then_some(size)
    }

    /// Appends a line to the file that is so long now. When the last one was cut short, by a full disk or by another
    /// process that was killed, this one begins on a line of its own.
    fn append(&self, size: u64, mut line: Vec<u8>) -> Result<()> {
        if self.after_line.load(Ordering::Relaxed) != size && !self.ends_with_line_feed(size) {
            line.insert(0, b'\n');
        }
        let mut rest = &line[..];
        let mut done = Ok(());
        while !rest.is_empty() {
            match write_quietly(self.borrow(), rest) {
                Ok(0) => done = Err(Errno::IO),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => done = Err(error),
            }
            if done.is_err() {
                break;
            }
        }
        let written = (line.len() - rest.len()) as u64;
        self.least.fetch_max(size + written, Ordering::Relaxed);
        self.after_line.store(if rest.is_empty() { size + written } else { 0 }, Ordering::Relaxed);
        done.map_err(Error::from)
    }

    /// Closes the descriptor once, if it is still our file's.
    fn give_up(&self) {
        let ours = |stat: Stat| (stat.st_dev, stat.st_ino) == (self.device, self.inode);
        if !self.given_up.swap(true, Ordering::Relaxed) && fstat(self.borrow()).is_ok_and(ours) {
            // SAFETY: it is still our file's, and is not used after this.
            unsafe { close(self.descriptor) };
        }
    }

    fn ends_with_line_feed(&self, size: u64) -> bool {
        let mut last = [0];
        size == 0 || (matches!(pread(self.borrow(), &mut last, size - 1), Ok(1)) && last == *b"\n")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Whether a trace may go there: into a file, of this user's, under one name, that no one else can read or write. Else
/// whoever made it beforehand, or made the link, reads what is recorded or has us write where they may not.
fn is_private_file(stat: &Stat) -> Result<()> {
    let problem = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => "is a symbolic link",
        FileType::RegularFile if stat.st_uid != rustix::process::geteuid().as_raw() => "is another user's",
        FileType::RegularFile if stat.st_nlink != 1 => "has other names too (hard links)",
        FileType::RegularFile if stat.st_mode & 0o077 != 0 => "can be read or written by others (chmod 600)",
        FileType::RegularFile => return Ok(()),
        _ => "is no file",
    };
    Err(Error::other(problem))
}

/// Takes the lowest free descriptors as long as those are 0, 1 or 2, so that the trace is none of them even for a moment:
/// what a program writes to a closed standard output must not land there. What is held can be neither read nor written.
fn hold_standard_descriptors() -> Vec<OwnedFd> {
    let held = || openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok();
    std::iter::from_fn(held).take_while(|held| held.as_raw_fd() <= 2).collect()
}

/// The same open file under a high number, where one is to be had.
fn above_those_of_the_program(opened: OwnedFd) -> RawFd {
    let high = HIGH.iter().find_map(|least| fcntl_dupfd_cloexec(&opened, *least).ok());
    high.unwrap_or(opened).into_raw_fd()
}
