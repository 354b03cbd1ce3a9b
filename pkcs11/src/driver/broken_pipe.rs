//! SIGPIPE during a call. A driver that talks to another process (p11-kit's client, a vendor's daemon) writes to it when that one is
//! gone, and the system's signal would end a host that has not thought of it. The driver's return value says enough.

/// As long as it lives this thread gets no SIGPIPE, and none that came meanwhile afterwards.
#[cfg(unix)]
pub(super) struct BrokenPipe {
    /// The signals that were blocked before; `None` where one was waiting already, which is the host's.
    before: Option<libc::sigset_t>,
}

#[cfg(unix)]
impl BrokenPipe {
    pub(super) fn caught() -> Self {
        if is_waiting() {
            return BrokenPipe { before: None };
        }
        let pipe = only_sigpipe();
        let mut before = none();
        // SAFETY: two sets that live here; the call changes the mask of this thread alone.
        let done = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before) };
        BrokenPipe { before: (done == 0).then_some(before) }
    }
}

#[cfg(unix)]
impl Drop for BrokenPipe {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        if is_waiting() {
            let (pipe, mut signal) = (only_sigpipe(), 0);
            // SAFETY: a set and a number that live here. It waits for nothing: the signal is blocked in this thread, and there.
            unsafe { libc::sigwait(&raw const pipe, &raw mut signal) };
        }
        // SAFETY: the set as it was; where the old one goes may be null.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
    }
}

#[cfg(unix)]
fn is_waiting() -> bool {
    let mut waiting = none();
    // SAFETY: a set that lives here, which the first call fills and the second reads.
    unsafe {
        libc::sigpending(&raw mut waiting) == 0 && libc::sigismember(&raw const waiting, libc::SIGPIPE) == 1
    }
}

#[cfg(unix)]
fn only_sigpipe() -> libc::sigset_t {
    let mut set = none();
    // SAFETY: a set that lives here, and a signal that there is.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    set
}

#[cfg(unix)]
fn none() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) writes the whole set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// There is no such signal.
#[cfg(not(unix))]
pub(super) struct BrokenPipe;

#[cfg(not(unix))]
impl BrokenPipe {
    pub(super) fn caught() -> Self {
        BrokenPipe
    }
}
