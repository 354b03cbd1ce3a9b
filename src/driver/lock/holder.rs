//! Who holds a lock.

use std::fmt;
use std::fs::File;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// Another session of this program, perhaps in another thread.
    ThisProgram,
    /// Another process, with its name where that can be read.
    Process { id: u32, name: Option<String> },
}

/// As it stands in [`Fact::Holder`](crate::error::Fact::Holder).
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::ThisProgram => f.write_str("this_program"),
            Holder::Process { id, name: Some(name) } => write!(f, "{name} (PID {id})"),
            Holder::Process { id, name: None } => write!(f, "PID {id}"),
        }
    }
}

impl Holder {
    fn of(id: u32, name: Option<String>) -> Self {
        if id == std::process::id() { Holder::ThisProgram } else { Holder::Process { id, name } }
    }

    /// Who holds this file, where the system tells.
    #[cfg(target_os = "linux")]
    pub(super) fn of_file(file: &File) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let inode = file.metadata().ok()?.ino();
        // What is read of the list in several pieces may lack a line, when locks come and go meanwhile.
        let held_by = (0..TRIES).find_map(|_| holder_in(&listed("/proc/locks")?, inode));
        // A killed program's lock lasts as long as its driver's process, which has the same open file.
        let id = held_by.filter(|id| is_alive(*id))?;
        Some(Holder::of(id, name_of(id)))
    }

    /// Other systems do not tell.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_file(_file: &File) -> Option<Self> {
        None
    }
}

/// How often the list is read.
#[cfg(target_os = "linux")]
const TRIES: usize = 3;

/// A list of the system's, in pieces as large as it gives them: each is of one moment.
#[cfg(target_os = "linux")]
fn listed(path: &str) -> Option<String> {
    use std::io::Read as _;
    let (mut list, mut file) = (Vec::new(), File::open(path).ok()?);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(String::from_utf8_lossy(&list).into_owned()),
            read => list.extend_from_slice(piece.get(..read)?),
        }
    }
}

/// Whether there is such a process that has not ended.
#[cfg(target_os = "linux")]
fn is_alive(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status
        .lines()
        .any(|line| line.strip_prefix("State:").is_some_and(|state| !state.trim().starts_with(['Z', 'X'])))
}

/// As the process was started; a program that has started itself anew is `exe` to the kernel.
#[cfg(target_os = "linux")]
fn name_of(process: u32) -> Option<String> {
    let read = |what: &str| std::fs::read(format!("/proc/{process}/{what}")).ok();
    let first = read("cmdline").and_then(|words| {
        let program = words.split(|byte| *byte == 0).next()?;
        let name = program.rsplit(|byte| *byte == b'/').next()?;
        (!name.is_empty()).then(|| name.to_vec())
    });
    let name = first.or_else(|| read("comm"))?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}

/// The process in a line such as `2: FLOCK  ADVISORY  WRITE 18858 fe:00:5914885 0 EOF` (proc_locks(5)). The inode's number
/// says enough: file systems in layers give another device here than stat(2) does. One that several files have says nothing.
#[cfg(target_os = "linux")]
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    let mut holders = locks.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let kind = fields.next()?;
        let (access, process, file) = (fields.nth(1)?, fields.next()?, fields.next()?);
        let of_file = file.rsplit(':').next()?.parse::<u64>().ok()? == inode;
        // 0 and -1 are processes that this one cannot see.
        let process: u32 = process.parse().ok().filter(|id| *id > 0)?;
        (of_file && matches!(kind, "FLOCK" | "POSIX") && access == "WRITE").then_some(process)
    });
    let first = holders.next()?;
    holders.all(|other| other == first).then_some(first)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const LOCKS: &str = "1: FLOCK  ADVISORY  WRITE 19074 fe:00:77 0 EOF\n\
        1: -> FLOCK  ADVISORY  WRITE 19999 fe:00:77 0 EOF\n\
        2: POSIX  ADVISORY  READ 18584 fe:00:78 0 EOF\n\
        3: OFDLCK ADVISORY  WRITE -1 fe:00:79 0 EOF\n\
        4: FLOCK  ADVISORY  WRITE 0 fe:00:80 0 EOF\n\
        5: FLOCK  ADVISORY  WRITE 1 fe:00:81 0 EOF\n\
        6: FLOCK  ADVISORY  WRITE 2 08:01:81 0 EOF\n\
        nonsense\n";

    #[test]
    fn the_holder_stands_in_the_systems_list() {
        assert_eq!(holder_in(LOCKS, 77), Some(19074), "and not who waits for it");
        for inode in [78, 79, 80, 81, 82] {
            assert_eq!(holder_in(LOCKS, inode), None, "{inode}");
        }
    }

    /// Locks of other programs come and go while the list is read.
    #[test]
    fn a_holder_is_named_while_other_locks_come_and_go() {
        let others: Vec<_> = (0..48).map(|_| tempfile::NamedTempFile::new().unwrap()).collect();
        let held = tempfile::NamedTempFile::new().unwrap();
        held.as_file().lock().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    others.iter().for_each(|other| other.as_file().lock().unwrap());
                    others.iter().for_each(|other| other.as_file().unlock().unwrap());
                }
            });
            let unnamed = (0..2000).filter(|_| Holder::of_file(held.as_file()).is_none()).count();
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            assert_eq!(unnamed, 0);
        });
    }

    /// The lock is with the open file, which another process has still.
    #[test]
    fn one_that_has_ended_is_not_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = "exec 9<>\"$0\"; flock 9; sleep 60 > /dev/null 2>&1 & echo $!";
        let output = std::process::Command::new("sh").args(["-c", script]).arg(file.path()).output().unwrap();
        let sleeper = String::from_utf8(output.stdout).unwrap();
        let opened = File::open(file.path()).unwrap();
        let is_held = opened.try_lock().is_err();
        let holder = Holder::of_file(&opened);
        std::process::Command::new("kill").arg(sleeper.trim()).status().unwrap();
        assert!(is_held);
        assert_eq!(holder, None);
    }

    #[test]
    fn a_holder_is_named() {
        let other = Holder::of(7, Some("usbtoken".to_owned()));
        assert_eq!(other.to_string(), "usbtoken (PID 7)");
        assert_eq!(Holder::of(7, None).to_string(), "PID 7");
        assert_eq!(Holder::of(std::process::id(), None), Holder::ThisProgram);
    }
}
