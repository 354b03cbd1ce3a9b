//! What the system lacks for a moment: that says nothing of a file.

use std::io;

/// Whether the system has no descriptor, process or memory left.
#[cfg(unix)]
pub(super) fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortage = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| shortage.contains(&number))
}

/// Whether the system has no memory left.
#[cfg(not(unix))]
pub(super) fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}
