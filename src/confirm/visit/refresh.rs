//! The field Refresh, which no standard of HTTP has and every browser follows (HTML Standard, *shared declarative refresh steps*).

use crate::confirm::address::Address;
use crate::confirm::http::Head;

/// Who is led on is led on soon: what comes later, as the end of a session, is no part of the login.
const SOON: u32 = 60;

/// No browser runs what stands behind it here: the page stays.
const SCRIPT: &[u8] = b"javascript:";

/// Where the page leads on to by itself and soon, as it stands in the answer; `None` where it stays, or shows itself anew.
pub(super) fn leads_to(head: &Head, at: &Address) -> Option<Vec<u8>> {
    let targets = head.values("Refresh").filter_map(soon);
    let mut others = targets.filter(|to| !at.follow(to).is_some_and(|to| to.is_same_page(at)));
    others.next().filter(|_| (200..300).contains(&head.status)).map(<[u8]>::to_vec)
}

/// The address after the number of seconds, where these are few.
fn soon(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii_start();
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (seconds, rest) = value.split_at(end);
    let is_fraction = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let rest = rest.get(rest.iter().position(|byte| !is_fraction(byte))?..)?;
    if value.first().is_none_or(|byte| !is_fraction(byte)) {
        return None;
    }
    let seconds: u32 =
        if seconds.is_empty() { 0 } else { std::str::from_utf8(seconds).ok()?.parse().ok()? };
    let [b';' | b',' | b' ' | b'\t', ..] = rest else { return None };
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b";").or_else(|| rest.strip_prefix(b",")).unwrap_or(rest);
    let target = quoted(named(rest.trim_ascii_start()));
    let scheme = target.get(..SCRIPT.len()).unwrap_or_default();
    let leads = !target.is_empty() && !scheme.eq_ignore_ascii_case(SCRIPT);
    (seconds <= SOON && leads).then_some(target)
}

/// What stands after `url=`, where that stands.
fn named(value: &[u8]) -> &[u8] {
    let after = |value: &'_ [u8]| value.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"url"));
    let rest = value.get(3..).filter(|_| after(value)).map(<[u8]>::trim_ascii_start);
    rest.and_then(|rest| rest.strip_prefix(b"=")).map_or(value, <[u8]>::trim_ascii_start)
}

/// What stands between quotation marks, where they stand.
fn quoted(value: &[u8]) -> &[u8] {
    match value {
        [mark @ (b'\'' | b'"'), rest @ ..] => {
            rest.get(..rest.iter().position(|byte| byte == mark).unwrap_or(rest.len())).unwrap_or(rest)
        }
        value => value.trim_ascii_end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_read_as_browsers_read_it() {
        for (value, is) in [
            ("0; url=/menu", Some("/menu")),
            ("0;URL='/menu'", Some("/menu")),
            ("0;url=\"/menu\" x", Some("/menu")),
            ("0, /menu", Some("/menu")),
            ("0 /menu", Some("/menu")),
            ("0 url = /menu ", Some("/menu")),
            (" 1.5;url=/menu", Some("/menu")),
            (".5;url=/menu", Some("/menu")),
            ("60;url=/menu", Some("/menu")),
            ("61;url=/menu", None),
            ("900; url=/logout", None),
            ("5", None),
            ("5;", None),
            ("5; url=", None),
            ("0; url=JavaScript:go()", None),
            ("", None),
            ("x; url=/menu", None),
            ("0url=/menu", None),
            ("99999999999; url=/menu", None),
            ("0; urls", Some("urls")),
        ] {
            assert_eq!(soon(value.as_bytes()), is.map(str::as_bytes), "{value}");
        }
    }
}
