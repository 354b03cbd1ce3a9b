//! While a PIN is in the memory of this program nobody else reads it: no core dump, and no ptrace(2) by other programs
//! of the user.
//!
//! Only this program's own `main` may decide that: the library, which runs in the processes of others, never does.

/// Begins it; it lasts as long as the process, which is short. Where the system has no such thing nothing happens.
///
/// The limit is the soft one, and programs that are started from here can raise it again; what Linux calls dumpable they
/// have anew.
pub fn begin() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Core);
        // To lower a limit is always allowed.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It fails for no other reason than a value that the system does not know.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
