//! Cancellation of threads (pthread_cancel). It would unwind through our frames, which no code of ours stands: the system ends
//! the whole process then. So it waits until the call has returned.

/// As long as it lives this thread is not cancelled.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) struct NotCancelled {
    state: c_int,
    kind: c_int,
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
use std::ffi::c_int;

/// The numbers of pthread.h, which are another matter on each system.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const DISABLE: c_int = if cfg!(target_os = "macos") { 0 } else { 1 };
#[cfg(any(target_os = "linux", target_os = "macos"))]
const DEFERRED: c_int = if cfg!(target_os = "macos") { 2 } else { 0 };

#[cfg(any(target_os = "linux", target_os = "macos"))]
unsafe extern "C" {
    // The crate libc has neither.
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
impl NotCancelled {
    pub(super) fn here() -> Self {
        let (mut state, mut kind) = (0, 0);
        // SAFETY: the places for what was before are locals. The type too: glibc 2.36 ends a thread by a signal, which may come
        // after the state was changed.
        unsafe {
            pthread_setcanceltype(DEFERRED, &raw mut kind);
            pthread_setcancelstate(DISABLE, &raw mut state);
        }
        NotCancelled { state, kind }
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
impl Drop for NotCancelled {
    fn drop(&mut self) {
        // SAFETY: the values that the same functions gave; null says that the present ones are not wanted. With the
        // deferred type neither is a point where a thread ends.
        unsafe {
            pthread_setcancelstate(self.state, std::ptr::null_mut());
            pthread_setcanceltype(self.kind, std::ptr::null_mut());
        }
    }
}

/// There is no such thing, or it is not known how it is turned off.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) struct NotCancelled;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
impl NotCancelled {
    pub(super) fn here() -> Self {
        NotCancelled
    }
}
