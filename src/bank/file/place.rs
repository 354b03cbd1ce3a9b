//! Paths of other systems than this one.

use crate::catalogue::Os;

/// An absolute path of that system, without steps upwards; on Windows it may begin with a variable.
pub(super) fn is_place_of(system: Os, path: &str) -> bool {
    let bytes = path.as_bytes();
    let begins = match system {
        Os::Windows => {
            let variable = || {
                let (name, rest) = path.strip_prefix('%').and_then(|rest| rest.split_once('%'))?;
                Some(!name.is_empty() && rest.starts_with('\\'))
            };
            matches!(bytes, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
                || variable() == Some(true)
        }
        _ => bytes.starts_with(b"/"),
    };
    let upwards = path.split(['/', '\\']).any(|part| part == "..");
    begins && !upwards && path.len() <= 1024 && crate::text::printable(path) == path
}

/// An absolute path of either kind of system: a profile is made on one and used on others.
pub(super) fn is_absolute(path: &str) -> bool {
    is_place_of(Os::Linux, path) || is_place_of(Os::Windows, path)
}
