//! The signals that matter while another program asks the CA.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

/// Watches for the end of the child and for Ctrl-C, as long as it lives.
///
/// To watch SIGCHLD is also what makes the child's exit status to be had: a parent that ignores the signal hands
/// that on to us, and the system then forgets children as they end.
pub struct Signals {
    wake: UnixStream,
    interrupted: Arc<AtomicBool>,
    ids: Vec<SigId>,
}

impl Signals {
    pub fn watch() -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let interrupted = Arc::<AtomicBool>::default();
        let mut ids = vec![low_level::pipe::register(SIGCHLD, waker.try_clone()?)?];
        // Rust ignores SIGPIPE; a driver may have undone that.
        ids.push(flag::register(SIGPIPE, Arc::default())?);
        for &signal in stopping()? {
            ids.push(flag::register(signal, Arc::clone(&interrupted))?);
            ids.push(low_level::pipe::register(signal, waker.try_clone()?)?);
        }
        UNWATCHED.store(false, Ordering::SeqCst);
        Ok(Signals { wake, interrupted, ids })
    }

    /// Whether somebody wants to stop.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
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

/// Whether the signals do what they do by default.
static UNWATCHED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// The signals by which somebody stops this program, or closes the window that it runs in. The default, which a handler that is taken away does not bring
/// back, is restored by one that stays.
fn stopping() -> io::Result<&'static [i32]> {
    static STOPPING: OnceLock<Vec<i32>> = OnceLock::new();
    if let Some(signals) = STOPPING.get() {
        return Ok(signals);
    }
    let signals: Vec<i32> =
        [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().filter(|signal| !is_ignored(*signal)).collect();
    for signal in &signals {
        flag::register_conditional_default(*signal, Arc::clone(&UNWATCHED))?;
    }
    Ok(STOPPING.get_or_init(|| signals))
}

/// Whether the parent wants this signal ignored, as shells do for what runs in the background.
fn is_ignored(signal: i32) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
