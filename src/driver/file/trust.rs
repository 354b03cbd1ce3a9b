//! Who else could replace a driver, or a bank's profile.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use super::group::{Members, others_in, user_name};

/// The file or folder that lets another user replace it.
pub(crate) struct Weakness {
    pub(crate) path: PathBuf,
    pub(crate) found: String,
    pub(crate) expected: String,
}

/// Examines the file and at every folder above it: who can rename a folder can replace what is in it.
#[cfg(unix)]
pub(crate) fn weakness(file: &Path) -> io::Result<Option<Weakness>> {
    weakness_for(file, Viewer::current())
}

/// The same where this program's user may own nothing either.
#[cfg(unix)]
pub(crate) fn weakness_for_administrator(file: &Path) -> io::Result<Option<Weakness>> {
    weakness_for(file, Viewer { me: Place::ROOT, ..Viewer::current() })
}

#[cfg(unix)]
fn weakness_for(file: &Path, viewer: Viewer) -> io::Result<Option<Weakness>> {
    use std::os::unix::fs::MetadataExt;

    for path in file.ancestors() {
        let metadata = path.metadata()?;
        let place = Place {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode(),
            folder: metadata.is_dir(),
            of_system: SYSTEM.iter().any(|system| path.starts_with(system)) || path == Path::new("/"),
            grants: grants(path),
        };
        if let Some((found, expected)) = place.weakness(viewer, &others_in) {
            return Ok(Some(Weakness { path: path.to_path_buf(), found, expected }));
        }
    }
    Ok(None)
}

/// Windows keeps this in access lists, which are not examined.
#[cfg(not(unix))]
pub(crate) fn weakness(_file: &Path) -> io::Result<Option<Weakness>> {
    Ok(None)
}

/// As [`weakness`].
#[cfg(not(unix))]
pub(crate) fn weakness_for_administrator(_file: &Path) -> io::Result<Option<Weakness>> {
    Ok(None)
}

/// The folders in which only the system's administrator makes files (Filesystem Hierarchy Standard 3.0, chapter 4).
#[cfg(unix)]
const SYSTEM: [&str; 4] = ["/usr", "/lib", "/lib32", "/lib64"];

/// Who asks, and how the kernel shows owners to him.
#[cfg(unix)]
#[derive(Clone, Copy)]
pub(super) struct Viewer {
    pub(super) me: u32,
    /// The number that stands for every owner who is not in this user namespace (user_namespaces(7)).
    pub(super) unmapped: Option<u32>,
}

#[cfg(unix)]
impl Viewer {
    fn current() -> Self {
        let me = rustix::process::geteuid().as_raw();
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok();
        let overflow = overflow.and_then(|number| number.trim().parse().ok()).unwrap_or(65_534);
        Viewer { me, unmapped: hides_owners(&map).then_some(overflow) }
    }
}

/// Whether some users outside are none inside: every map but the one of all numbers onto themselves, which a system without
/// namespaces has too.
#[cfg(unix)]
fn hides_owners(map: &str) -> bool {
    let mut fields = map.split_whitespace();
    let first = [fields.next(), fields.next(), fields.next()];
    first != [None; 3] && first != [Some("0"), Some("0"), Some("4294967295")]
}

/// A user or group that an access control list lets write.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    User(u32),
    Group(u32),
}

/// What the kernel knows about access to a file or folder.
#[cfg(unix)]
pub(super) struct Place {
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) mode: u32,
    pub(super) folder: bool,
    /// Whether it is in a folder in which only the administrator makes files.
    pub(super) of_system: bool,
    pub(super) grants: Vec<Grant>,
}

#[cfg(unix)]
impl Place {
    const ROOT: u32 = 0;
    /// The group of macOS's administrators, who own the folders that installers write to.
    const MACOS_ADMIN: u32 = 80;

    /// What is wrong and what would be right (in chmod's notation), for a program that runs as this user; `others_in` says who
    /// is in a group besides that user and root.
    pub(super) fn weakness(
        &self,
        viewer: Viewer,
        others_in: &dyn Fn(u32, u32) -> Members,
    ) -> Option<(String, String)> {
        const GROUP: u32 = 0o020;
        const OTHERS: u32 = 0o002;
        const STICKY: u32 = 0o1000;

        let me = viewer.me;
        // In a user namespace the administrator of the whole system is not shown as such; in his own folders he is meant.
        let unmapped = viewer.unmapped == Some(self.owner);
        if self.owner != Self::ROOT && self.owner != me && !(unmapped && self.of_system) {
            let name = user_name(self.owner).filter(|_| !unmapped);
            let who = match (unmapped, name) {
                (true, _) => " (in this user namespace the owner cannot be seen)".to_owned(),
                (false, Some(name)) => format!(" ({name})"),
                (false, None) => String::new(),
            };
            return Some((format!("owner {}{who}", self.owner), Self::owners(me)));
        }
        // In a sticky folder, as /tmp, only the owner can rename or delete what is there, and owners are checked.
        if self.folder && self.mode & STICKY != 0 {
            return None;
        }
        let mode = format!("mode {:o}, group {}", self.mode & 0o7777, self.group);
        if self.mode & OTHERS != 0 {
            return Some((mode, "o-w".into()));
        }
        // Where there is a list, the mode shows its mask and not the group's own rights (acl(5)).
        let writers: &[Grant] = match (self.mode & GROUP, self.grants.is_empty()) {
            (0, _) => &[],
            (_, true) => &[Grant::Group(self.group)],
            (_, false) => &self.grants,
        };
        writers.iter().find_map(|writer| match *writer {
            Grant::User(user) if user == Self::ROOT || user == me => None,
            Grant::User(user) => Some((format!("{mode}, list: user {user}"), format!("setfacl -x u:{user}"))),
            Grant::Group(group) if self.trusts(group) => None,
            Grant::Group(group) => match others_in(group, me) {
                Members::NoOthers => None,
                Members::Others(names) => Some((format!("{mode} ({})", names.join(", ")), "g-w".into())),
                Members::Unknown => Some((mode.clone(), "g-w".into())),
            },
        })
    }

    /// Who may own it, for a program that runs as this user.
    fn owners(me: u32) -> String {
        if me == Self::ROOT { "owner 0".to_owned() } else { format!("owner 0 or {me}") }
    }

    /// A group of the owner alone has the owner's number on most Linux systems.
    fn trusts(&self, group: u32) -> bool {
        group == Self::ROOT || group == self.owner || cfg!(target_os = "macos") && group == Self::MACOS_ADMIN
    }
}

/// Whom the access control list lets write, the owning group among them; empty where there is none.
#[cfg(target_os = "linux")]
fn grants(path: &Path) -> Vec<Grant> {
    use std::os::unix::fs::MetadataExt;

    let mut list = [0_u8; 4096];
    let Ok(length) = rustix::fs::getxattr(path, "system.posix_acl_access", &mut list) else {
        return Vec::new();
    };
    let group = path.metadata().map_or(0, |metadata| metadata.gid());
    parse_list(list.get(..length).unwrap_or_default(), group)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn grants(_path: &Path) -> Vec<Grant> {
    Vec::new()
}

/// The entries that may write (linux/posix_acl_xattr.h: a version, then tag, permissions and number of each).
#[cfg(target_os = "linux")]
fn parse_list(list: &[u8], owning_group: u32) -> Vec<Grant> {
    const WRITE: u16 = 2;
    const USER: u16 = 0x02;
    const OWNING_GROUP: u16 = 0x04;
    const GROUP: u16 = 0x08;

    let entries = list.get(4..).unwrap_or_default().as_chunks::<8>().0.iter();
    let entries = entries.map(|[a, b, c, d, id @ ..]| {
        (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]), u32::from_le_bytes(*id))
    });
    let writing = entries.filter(|(_, permissions, _)| permissions & WRITE != 0);
    let grant = |(tag, _, id)| match tag {
        USER => Some(Grant::User(id)),
        OWNING_GROUP => Some(Grant::Group(owning_group)),
        GROUP => Some(Grant::Group(id)),
        _ => None,
    };
    writing.filter_map(grant).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_of_the_system_hides_no_one() {
        assert!(!hides_owners("         0          0 4294967295\n"));
        assert!(!hides_owners(""));
        assert!(hides_owners("         0       1000          1\n"));
        assert!(hides_owners("0 1000 1\n1 100000 65536\n"));
    }

    #[test]
    fn a_list_is_read_as_the_kernel_keeps_it() {
        let entry = |tag: u16, permissions: u16, id: u32| {
            [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let nobody = u32::MAX;
        let list = [
            2_u32.to_le_bytes().to_vec(),
            entry(0x01, 6, nobody),
            entry(0x02, 6, 1001),
            entry(0x02, 4, 1002),
            entry(0x04, 4, nobody),
            entry(0x08, 7, 50),
            entry(0x10, 7, nobody),
            entry(0x20, 4, nobody),
        ]
        .concat();
        assert_eq!(parse_list(&list, 100), [Grant::User(1001), Grant::Group(50)]);
        assert_eq!(parse_list(&list[..3], 100), []);
    }
}
