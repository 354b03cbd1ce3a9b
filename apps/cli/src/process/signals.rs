//! The signals that matter while another program asks the CA, and while a person types a PIN.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::{SigId, flag, low_level};

#[cfg(target_os = "linux")]
use super::by_hand::ByHand;

/// Watches for signals as long as it lives; they then do nothing else.
pub struct Signals {
    wake: UnixStream,
    waker: UnixStream,
    /// The last one that came; 0 is none.
    caught: Arc<AtomicUsize>,
    ids: Vec<SigId>,
    #[cfg(target_os = "linux")]
    others: Option<ByHand>,
}

impl Signals {
    /// For the end of a child and for Ctrl-C.
    ///
    /// To watch SIGCHLD is also what makes the child's exit status to be had: a parent that ignores the signal hands
    /// that on to us, and the system then forgets children as they end.
    pub fn watch_child() -> io::Result<Self> {
        let stopping = by_default()?.iter().copied().filter(|signal| *signal != SIGTSTP);
        let mut signals = Signals::watch(stopping)?;
        signals.wake_at(SIGCHLD)?;
        // Rust ignores SIGPIPE; a driver may have undone that.
        signals.ids.push(flag::register(SIGPIPE, Arc::default())?);
        Ok(signals)
    }

    /// For all that ends this program. The second of them does what it does by default.
    pub fn watch_end() -> io::Result<Self> {
        let ending: Vec<i32> = by_default()?.iter().copied().filter(|signal| *signal != SIGTSTP).collect();
        let mut signals = Signals::watch(ending.iter().copied())?;
        for signal in ending {
            signals.ids.push(flag::register(signal, Arc::clone(&UNWATCHED))?);
        }
        Ok(signals)
    }

    /// For all that ends this program or stops it, Ctrl-Z among them, and what somebody sends by hand.
    pub fn watch_prompt() -> io::Result<Self> {
        #[cfg_attr(not(target_os = "linux"), allow(unused_mut, reason = "the others are watched on Linux"))]
        let mut signals = Signals::watch(by_default()?.iter().copied())?;
        #[cfg(target_os = "linux")]
        {
            signals.others = Some(ByHand::watch(|signal| !is_ignored(signal))?);
        }
        Ok(signals)
    }

    fn watch(wanted: impl Iterator<Item = i32>) -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let mut signals = Signals {
            wake,
            waker,
            caught: Arc::default(),
            ids: Vec::new(),
            #[cfg(target_os = "linux")]
            others: None,
        };
        for signal in wanted {
            // Signals are small positive numbers.
            let number = usize::try_from(signal).unwrap_or_default();
            signals.ids.push(flag::register_usize(signal, Arc::clone(&signals.caught), number)?);
            signals.wake_at(signal)?;
        }
        UNWATCHED.store(false, Ordering::SeqCst);
        Ok(signals)
    }

    fn wake_at(&mut self, signal: i32) -> io::Result<()> {
        self.ids.push(low_level::pipe::register(signal, self.waker.try_clone()?)?);
        Ok(())
    }

    /// The signal that came last, by which somebody wants this program to stop.
    pub fn caught(&self) -> Option<i32> {
        match self.caught.load(Ordering::SeqCst) {
            #[cfg(target_os = "linux")]
            0 => self.others.as_ref().and_then(ByHand::caught),
            #[cfg(not(target_os = "linux"))]
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }

    /// What becomes readable when a signal comes.
    pub fn wakers(&self) -> Vec<BorrowedFd<'_>> {
        let wake = std::iter::once(self.as_fd());
        #[cfg(target_os = "linux")]
        let wake = wake.chain(self.others.as_ref().map(AsFd::as_fd));
        wake.collect()
    }

    /// Forgets what woke us, so that the next wait waits.
    pub fn quiet(&self) {
        let mut buffer = [0; 64];
        while let Ok(1..) = (&self.wake).read(&mut buffer) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        UNWATCHED.store(true, Ordering::SeqCst);
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
    }
}

/// Lets a signal that was caught do what it does by default, while nobody watches.
pub fn raise(signal: i32) -> io::Result<()> {
    if by_default()?.contains(&signal) {
        return low_level::raise(signal);
    }
    // Rust's own handler of some takes the first one for nothing.
    low_level::emulate_default_handler(signal)
}

/// Whether the signals do what they do by default.
static UNWATCHED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// The signals by which somebody ends or stops this program, or closes the window that it runs in. The default, which a
/// handler that is taken away does not bring back, is restored by one that stays.
fn by_default() -> io::Result<&'static [i32]> {
    static KNOWN: OnceLock<Vec<i32>> = OnceLock::new();
    if let Some(signals) = KNOWN.get() {
        return Ok(signals);
    }
    let all = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP];
    let signals: Vec<i32> = all.into_iter().filter(|signal| !is_ignored(*signal)).collect();
    for signal in &signals {
        flag::register_conditional_default(*signal, Arc::clone(&UNWATCHED))?;
    }
    Ok(KNOWN.get_or_init(|| signals))
}

/// Whether the parent wants this signal ignored, as shells do for what runs in the background.
fn is_ignored(signal: i32) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
