//! What belongs to the whole process and a driver may change: standard output, the working directory, the mask for new files.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::Mode;
use rustix::stdio;

/// As they were before any driver ran.
struct Surroundings {
    stdout: Option<OwnedFd>,
    folder: Option<File>,
    mask: Mode,
}

static BEFORE: OnceLock<Surroundings> = OnceLock::new();

/// Keeps them, and leads to standard error what drivers print: standard output is for the result alone.
pub fn keep() {
    let stdout = rustix::io::fcntl_dupfd_cloexec(stdio::stdout(), 3).ok();
    // The mask can only be read by setting it.
    let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    rustix::process::umask(mask);
    let kept = BEFORE.set(Surroundings { stdout, folder: File::open(".").ok(), mask });
    if kept.is_ok() {
        // Where there is no standard error either, what a driver prints goes where it went before.
        let _ = stdio::dup2_stdout(stdio::stderr());
    }
}

/// Puts the working directory and the mask back, before a file is named or a program is started.
pub fn restore() {
    if let Some(before) = BEFORE.get() {
        rustix::process::umask(before.mask);
        // A folder that is gone cannot be gone back to; what is written there fails by itself.
        let _ = before.folder.as_ref().map(rustix::process::fchdir);
    }
}

/// Does the work with the standard output that this program was started with; nothing is printed after it.
pub fn on_stdout<R>(work: impl FnOnce() -> R) -> R {
    let stdout = BEFORE.get().and_then(|before| before.stdout.as_ref());
    let back = stdout.is_some_and(|stdout| stdio::dup2_stdout(stdout).is_ok());
    let done = work();
    // What a driver has in its buffers comes at the end of the process, and what a full disk did not take once more.
    if back && let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _ = stdio::dup2_stdout(nowhere);
    }
    done
}
