//! Signals that end a program by default and that nobody sends in the course of things: SIGSEGV by hand, a limit of processor time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Those whose default is to end.
const ENDING: [Signal; 14] = [
    Signal::SIGABRT,
    Signal::SIGALRM,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGPROF,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGTRAP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGVTALRM,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
];

/// They wait in a queue as long as this lives. A fault of this thread ends the program all the same, as the system does it where the
/// signal of a fault is held back.
pub struct ByHand {
    queue: SignalFd,
    before: SigSet,
}

impl ByHand {
    /// Those that are wanted. Where another thread lets one through (a driver's in this process) that one does what it does.
    pub fn watch(is_wanted: impl Fn(i32) -> bool) -> io::Result<Self> {
        let wanted: SigSet = ENDING.into_iter().filter(|signal| is_wanted(*signal as i32)).collect();
        let queue = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let before = wanted.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(ByHand { queue, before })
    }

    /// The next one in the queue.
    pub fn caught(&self) -> Option<i32> {
        let signal = self.queue.read_signal().ok()??;
        i32::try_from(signal.ssi_signo).ok()
    }
}

impl AsFd for ByHand {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}
