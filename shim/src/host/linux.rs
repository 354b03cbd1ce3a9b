//! Linux.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::io::Errno;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

const PTHREAD_CANCEL_DISABLE: c_int = 1;
const PTHREAD_CANCEL_DEFERRED: c_int = 0;

unsafe extern "C-unwind" {
    // A thread that was cancelled in the meantime may be ended, and so unwound, by these.
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
}

/// What the application's thread gets back after work of ours.
pub(super) struct Kept {
    errno: c_int,
    cancel_state: c_int,
    cancel_type: c_int,
}

impl Kept {
    pub(super) fn keep() -> Self {
        let (mut cancel_state, mut cancel_type) = (0, 0);
        // SAFETY: the address is this thread's errno, the places for the old state and type are locals.
        let errno = unsafe {
            let errno = *libc::__errno_location();
            // The type too: glibc 2.36 ends a thread by a signal, and that may come after the state was changed.
            pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &mut cancel_type);
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut cancel_state);
            errno
        };
        Self { errno, cancel_state, cancel_type }
    }

    pub(super) fn give_back(self) {
        // SAFETY: state and type are those that the same functions gave; null says that the old ones are not wanted. The
        // address is this thread's errno.
        unsafe {
            *libc::__errno_location() = self.errno;
            pthread_setcancelstate(self.cancel_state, std::ptr::null_mut());
            pthread_setcanceltype(self.cancel_type, std::ptr::null_mut());
        }
    }
}

/// Whether this process has rights that whoever started it has not: set-uid, set-gid, file capabilities.
pub(crate) fn borrowed_rights() -> bool {
    // SAFETY: reads a word that the kernel gave the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

const RAISED_BY_WRITING: [c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

/// A write that raises neither SIGPIPE nor SIGXFSZ: those would end an application that never wrote anything itself.
pub(crate) fn write_quietly(file: BorrowedFd, bytes: &[u8]) -> rustix::io::Result<usize> {
    let mut before = empty_set();
    // SAFETY: the sets are initialised locals.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set_of(&RAISED_BY_WRITING), &mut before) };
    // One that waits already is the application's. One that was not blocked cannot have been waiting.
    let blocked = RAISED_BY_WRITING.map(|signal| is_member(&before, signal));
    let waiting = if blocked.contains(&true) { pending() } else { empty_set() };
    let written = rustix::io::write(file, bytes);
    if matches!(written, Err(Errno::PIPE | Errno::FBIG)) {
        for signal in RAISED_BY_WRITING.into_iter().filter(|signal| !is_member(&waiting, *signal)) {
            let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: initialised locals; null says that no details are wanted.
            unsafe { libc::sigtimedwait(&set_of(&[signal]), std::ptr::null_mut(), &at_once) };
        }
    }
    // SAFETY: the mask that this thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    written
}

fn pending() -> libc::sigset_t {
    let mut pending = empty_set();
    // SAFETY: an initialised local.
    unsafe { libc::sigpending(&mut pending) };
    pending
}

fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set that it is given.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn set_of(signals: &[c_int]) -> libc::sigset_t {
    let mut set = empty_set();
    for signal in signals {
        // SAFETY: an initialised set and a signal that exists.
        unsafe { libc::sigaddset(&mut set, *signal) };
    }
    set
}

fn is_member(set: &libc::sigset_t, signal: c_int) -> bool {
    // SAFETY: an initialised set and a signal that exists.
    unsafe { libc::sigismember(set, signal) == 1 }
}

/// Says a line to whoever watches, without ever waiting for them. Not being heard is no reason to fail.
pub(crate) fn stderr(line: &str) {
    // As much as a pipe takes at once, when it takes anything.
    const MOST: usize = 4096;
    let mut text = format!("usbtoken-shim: {}", line.replace('\n', " ")).into_bytes();
    text.truncate(MOST - 1);
    text.push(b'\n');
    // SAFETY: only written to, and only when it is what it was (see below); a closed one is an error.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    let mut polled = [PollFd::new(&stderr, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    if is_still_stderr(stderr) && matches!(poll(&mut polled, Some(&at_once)), Ok(1)) {
        let _ = write_quietly(stderr, &text);
    }
}

/// Device and inode of descriptor 2 when the first function was called; `None` when it was closed.
static FIRST_STDERR: OnceLock<Option<(u64, u64)>> = OnceLock::new();

/// Takes note of what the standard error is.
pub(crate) fn remember_stderr() {
    // SAFETY: only examined; a closed one is an error.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    FIRST_STDERR.get_or_init(|| fstat(stderr).ok().map(|stat| (stat.st_dev, stat.st_ino)));
}

/// Whether descriptor 2 is what it was, and can be a standard error at all. An application that closed it and opened a file
/// of its own has that file there.
fn is_still_stderr(stderr: BorrowedFd) -> bool {
    let Ok(stat) = fstat(stderr) else { return false };
    let same = FIRST_STDERR.get() == Some(&Some((stat.st_dev, stat.st_ino)));
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // No shell opens a standard error for reading too; programs open files of theirs so.
    let for_writing = || fcntl_getfl(stderr).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::WRONLY);
    same && (!regular || for_writing())
}

/// Set once the process is about to end.
static EXITING: AtomicBool = AtomicBool::new(false);
static END: OnceLock<fn()> = OnceLock::new();

/// Has `end` called when this module is unloaded, but not when the process ends: then other threads may still be in
/// the driver, and other libraries may still call C_Finalize from their own destructors.
pub(crate) fn unload_with(end: fn()) {
    extern "C" fn exiting() {
        EXITING.store(true, Ordering::SeqCst);
    }
    // The C library calls a handler that a module registered when the process exits, before any destructor of a
    // library, and when that module is unloaded, from the module's first destructor; ours stands before that one.
    // SAFETY: the handler touches a static of this module alone, which is there for as long as the handler is.
    if END.set(end).is_ok() && unsafe { libc::atexit(exiting) } != 0 {
        exiting();
    }
}

extern "C" fn unload() {
    if let Some(end) = END.get()
        && !EXITING.load(Ordering::SeqCst)
    {
        end();
    }
}

#[used]
// SAFETY: the section holds addresses of functions without arguments, which the loader calls before it unmaps a module.
#[unsafe(link_section = ".fini_array")]
static UNLOAD: extern "C" fn() = unload;
