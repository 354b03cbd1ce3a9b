//! What a driver can reach where its caller has said so: Landlock for files, a filter of system calls for what that leaves open.

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// What every driver reads: the system's programs and settings, and what the kernel says of this process and of the computer.
const READ: [&str; 11] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/sys",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys",
];

/// The devices that are no devices.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Linux 6.2: before it, files could be cut short that cannot be opened.
const LEAST: ABI = ABI::V3;

/// Linux 6.12: orders to devices; signals to other processes and sockets without a file.
const MOST: ABI = ABI::V6;

/// Takes everything from this thread but the system and what is named, and from those that it starts.
///
/// # Errors
/// What the system lacks, or which path cannot be had.
pub(super) fn confine(reads: &[&Path], writes: &[&Path]) -> Result<(), String> {
    confine_files(reads, writes)?;
    confine_calls(writes)
}

fn confine_files(reads: &[&Path], writes: &[&Path]) -> Result<(), String> {
    let all = AccessFs::from_all(MOST) & !AccessFs::Execute;
    let read = AccessFs::from_read(MOST) & !AccessFs::Execute;
    let named = named(reads, read)?.into_iter().chain(named(writes, all)?);
    let restrict = || -> Result<_, RulesetError> {
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(MOST))?
            .scope(Scope::from_all(MOST))?
            .create()?
            .add_rules(path_beneath_rules(READ, read))?
            .add_rules(path_beneath_rules(DEVICES, all))?;
        rules.add_rules(named.map(Ok::<_, RulesetError>))?.restrict_self()
    };
    match restrict().map_err(|error| format!("Landlock: {error}"))?.ruleset {
        RulesetStatus::NotEnforced => Err("Landlock: not enforced".into()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

/// The rules for paths that the caller has named, all of which have to be there.
fn named(paths: &[&Path], access: BitFlags<AccessFs>) -> Result<Vec<PathBeneath<PathFd>>, String> {
    let rule = |path: &&Path| {
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let metadata = path.metadata().map_err(|error| failed(&error))?;
        let access = if metadata.is_dir() { access } else { access & AccessFs::from_file(MOST) };
        PathFd::new(path).map(|file| PathBeneath::new(file, access)).map_err(|error| failed(&error))
    };
    paths.iter().map(rule).collect()
}

/// What starts programs, reaches into others, or changes a file that is not opened.
const REFUSED: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
];

/// Sockets are those of the system alone, and only where a socket or a device was named.
fn confine_calls(writes: &[&Path]) -> Result<(), String> {
    let is_socket = |path: &&Path| path.metadata().is_ok_and(|data| data.file_type().is_socket());
    let mut families = Vec::new();
    if writes.iter().any(is_socket) {
        families.push(libc::AF_UNIX);
    }
    if writes.iter().any(|path| path.starts_with("/dev")) {
        // By which the kernel reports what is plugged in.
        families.push(libc::AF_NETLINK);
    }
    let program = filter(&families).map_err(|error| format!("seccomp: {error}"))?;
    seccompiler::apply_filter(&program).map_err(|error| format!("seccomp: {error}"))
}

fn filter(families: &[libc::c_int]) -> Result<BpfProgram, seccompiler::BackendError> {
    let is_another = |family: &libc::c_int| {
        let family = u64::from(family.cast_unsigned());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    let others = families.iter().map(is_another).collect::<Result<Vec<_>, _>>()?;
    let sockets = if others.is_empty() { Vec::new() } else { vec![SeccompRule::new(others)?] };
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, sockets);
    let refused = SeccompAction::Errno(libc::EACCES.cast_unsigned());
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refused, here)?.try_into()
}
