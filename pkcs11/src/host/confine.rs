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

/// What starts programs, reaches into others, changes what a file says of itself, or the computer.
const REFUSED: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_io_uring_setup,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// Since Linux 6.13 and 6.17, with these numbers everywhere.
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;

/// What changes a process, which its first argument names: 0 is this one.
const OF_A_PROCESS: [c_long; 7] = [
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Memory, queues and counters that programs of one user share by a number (System V).
const SHARED: [c_long; 11] = [
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
];

/// Orders to a file system: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR.
const MARK_FILE: [u64; 2] = [0x4008_6602, 0x401c_5820];

/// Sockets are those of the system alone, and only where a socket or a device was named; memory is shared where its folder was.
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
    let shares = writes.iter().any(|path| path.starts_with("/dev/shm"));
    let program = filter(&families, shares).map_err(|error| format!("seccomp: {error}"))?;
    seccompiler::apply_filter(&program).map_err(|error| format!("seccomp: {error}"))
}

fn filter(families: &[libc::c_int], shares: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let is = |place, how, value| SeccompCondition::new(place, SeccompCmpArgLen::Dword, how, value);
    let only = |place, how, value| SeccompRule::new(vec![is(place, how, value)?]);
    let others = families
        .iter()
        .map(|family| is(0, SeccompCmpOp::Ne, u64::from(family.cast_unsigned())))
        .collect::<Result<Vec<_>, _>>()?;
    let sockets = if others.is_empty() { Vec::new() } else { vec![SeccompRule::new(others)?] };
    let shared: &[c_long] = if shares { &[] } else { &SHARED };
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        REFUSED.iter().chain(shared).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, sockets);
    for call in OF_A_PROCESS {
        rules.insert(call, vec![only(0, SeccompCmpOp::Ne, 0)?]);
    }
    // The host's own threads need a table of descriptors each, and no more.
    let own_table = u64::from(libc::CLONE_FILES.cast_unsigned());
    rules.insert(libc::SYS_unshare, vec![only(0, SeccompCmpOp::Ne, own_table)?]);
    let marks = MARK_FILE.into_iter().map(|order| only(1, SeccompCmpOp::Eq, order));
    rules.insert(libc::SYS_ioctl, marks.collect::<Result<_, _>>()?);
    let refused = SeccompAction::Errno(libc::EACCES.cast_unsigned());
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refused, here)?.try_into()
}
