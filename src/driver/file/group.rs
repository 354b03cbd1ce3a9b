//! Who is in a group, so that what it may write is not held against a group that no one is in.

use nix::unistd::{Gid, Group, Uid, User};
use std::fs;

/// Who could write as a member of a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Members {
    /// No one but root and the user who asks.
    NoOthers,
    /// These, by name.
    Others(Vec<String>),
    /// It cannot be said: accounts come from elsewhere too, or the group has no name.
    Unknown,
}

/// The members of a group, those whose primary group it is among them.
///
/// Debian's `/usr/local` belongs to `root:staff` with mode 2775 by policy, and `staff` has no members.
pub(super) fn others_in(group: u32, me: u32) -> Members {
    // Without the file, or without a line in it, accounts are in files.
    let switch = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let Ok(accounts) = fs::read_to_string("/etc/passwd") else { return Members::Unknown };
    if !is_local(&switch) {
        return Members::Unknown;
    }
    let Ok(Some(known)) = Group::from_gid(Gid::from_raw(group)) else { return Members::Unknown };
    let is_trusted = |uid: u32| uid == 0 || uid == me;
    let by_name = |name: &String| match User::from_name(name) {
        Ok(Some(user)) => !is_trusted(user.uid.as_raw()),
        // No account, no process.
        Ok(None) => false,
        Err(_) => true,
    };
    let mut others: Vec<String> = known.mem.into_iter().filter(by_name).collect();
    others.extend(
        with_primary_group(&accounts, group).filter(|(uid, _)| !is_trusted(*uid)).map(|(_, name)| name),
    );
    others.sort_unstable();
    others.dedup();
    if others.is_empty() { Members::NoOthers } else { Members::Others(others) }
}

/// The accounts whose primary group it is: number and name (passwd(5)).
fn with_primary_group(accounts: &str, group: u32) -> impl Iterator<Item = (u32, String)> {
    accounts.lines().filter_map(move |line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields[..] else { return None };
        (gid.parse() == Ok(group)).then(|| Some((uid.parse().ok()?, name.to_owned())))?
    })
}

/// Whether every account and group is in files of this computer, so that all can be seen (nsswitch.conf(5)).
fn is_local(switch: &str) -> bool {
    let lines = switch.lines().filter_map(|line| line.split('#').next()?.split_once(':'));
    let mut sources = lines
        .filter(|(database, _)| matches!(database.trim(), "passwd" | "group"))
        .flat_map(|(_, sources)| sources.split_whitespace());
    sources.all(|source| {
        matches!(source, "files" | "compat" | "systemd" | "altfiles") || source.starts_with('[')
    })
}

/// The name of an account, for people.
pub(super) fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_from_elsewhere_are_known() {
        assert!(is_local(
            "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd # sss\nhosts: files dns\n"
        ));
        assert!(!is_local("passwd: files\ngroup: files sss\n"));
        assert!(!is_local("passwd:files ldap\n"));
        assert!(is_local(""));
    }

    #[test]
    fn a_primary_group_counts() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\nanna:x:1001:50::/home/anna:/bin/sh\nbroken\nbert:x:1002:100:::\n";
        let found: Vec<_> = with_primary_group(accounts, 50).collect();
        assert_eq!(found, [(1001, "anna".to_owned())]);
        assert_eq!(with_primary_group(accounts, 7).count(), 0);
    }

    #[test]
    fn a_group_without_a_name_may_have_anyone() {
        assert_eq!(others_in(4_000_000_000, 0), Members::Unknown);
    }
}
