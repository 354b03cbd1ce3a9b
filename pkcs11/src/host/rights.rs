//! What the host takes over from the program that started it, and what it gives up.

use rustix::fs::FileType;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, set_parent_process_death_signal, setrlimit,
};
use std::fs::File;
use std::os::fd::OwnedFd;

/// Out of the way of drivers that close or use the descriptors of the standard streams.
const OUT_OF_THE_WAY: i32 = 64;

/// The socket that standard input is, with a number of its own; standard input is empty from then on.
pub(super) fn take_socket() -> Option<OwnedFd> {
    let stdin = rustix::stdio::stdin();
    let metadata = rustix::fs::fstat(stdin).ok()?;
    if FileType::from_raw_mode(metadata.st_mode) != FileType::Socket {
        return None;
    }
    close_from(3);
    let moved = rustix::io::fcntl_dupfd_cloexec(stdin, OUT_OF_THE_WAY);
    let socket = moved.or_else(|_| rustix::io::fcntl_dupfd_cloexec(stdin, 3)).ok()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    Some(socket)
}

/// Closes every descriptor from this one on: what a program left open when it started this one is not for a driver.
fn close_from(first: u32) {
    // SAFETY: numbers alone. Nothing in this process has a descriptor from here on yet: `main` has just begun.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0_u32) };
    if done != 0 {
        // Linux before 5.9.
        for descriptor in first..4096 {
            // SAFETY: as above; one that is not open is an error.
            unsafe { libc::close(descriptor.cast_signed()) };
        }
    }
}

/// No core dump, no other process that reads this one's memory, and no rights that a program has which the driver starts.
/// What the system does not take is as it would be without a host.
pub(super) fn give_up() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // SAFETY: numbers alone; PR_SET_NO_NEW_PRIVS takes 1 and three zeros (prctl(2)).
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64) };
}

/// Has this process live on when the thread ends that has started it: a driver may have said otherwise.
pub(super) fn outlive_threads() {
    let _ = set_parent_process_death_signal(None);
}

/// Ends this process without what drivers have registered for its end: nobody waits for that, and it may hang.
pub(super) fn end() -> ! {
    // SAFETY: ends the process; nothing runs afterwards.
    unsafe { libc::_exit(0) }
}
