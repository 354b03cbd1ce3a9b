//! Whether there is a standard output at all.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed when this program was started (`>&-`).
///
/// Rust's runtime opens `/dev/null` in its place before `main`, and what is written there vanishes without an error.
pub fn was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

// SAFETY: it runs before Rust's runtime does, on the only thread, and uses nothing of it: a system call and a store.
#[cfg(unix)]
#[ctor::ctor(unsafe)]
fn look() {
    let closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
    CLOSED.store(closed, Ordering::Relaxed);
}
