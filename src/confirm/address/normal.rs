//! Addresses that are written differently and are one (RFC 3986 §6.2.2).

/// Without the segments that stand for here and above (RFC 3986 §5.2.4), also where their dots are percent-encoded, as the
/// browsers have it.
pub(super) fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let dots = match decoded(segment).as_str() {
            "." => true,
            ".." => {
                kept.pop();
                true
            }
            _ => false,
        };
        match (dots, segments.peek().is_none()) {
            (false, _) => kept.push(segment),
            // A folder stays one.
            (true, true) => kept.push(""),
            (true, false) => {}
        }
    }
    format!("/{}", kept.join("/"))
}

/// With the unreserved characters that are percent-encoded as themselves, and the digits of the other escapes in upper case
/// (§6.2.2.1 and §6.2.2.2). An escape that is none stays.
pub(super) fn decoded(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some((before, escape)) = rest.split_once('%') {
        out.push_str(before);
        let digits = escape.get(..2).filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match (byte, digits) {
            (Some(byte), Some(_)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte.into());
                escape.get(2..).unwrap_or_default()
            }
            (Some(_), Some(digits)) => {
                out.push('%');
                out.push_str(&digits.to_ascii_uppercase());
                escape.get(2..).unwrap_or_default()
            }
            _ => {
                out.push('%');
                escape
            }
        };
    }
    out.push_str(rest);
    out
}

/// What a server has written into a field, with what no address may hold percent-encoded, byte for byte (RFC 3987 §3.1), as the
/// browsers do it. What would mean something else, a backslash or a control character, stays and makes no address.
pub(super) fn encoded(field: &[u8]) -> String {
    let mut out = String::with_capacity(field.len());
    for &byte in field {
        match byte {
            b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            byte => out.push(byte.into()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3986 §5.2.4 and §5.4, and what else stands for a dot.
    #[test]
    fn segments_of_dots_go() {
        for (path, is) in [
            ("/a/b/c/./../../g", "/a/g"),
            ("/mid/content=5/../6", "/mid/6"),
            ("/a/b/../../../g", "/g"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/..", "/"),
            ("/.", "/"),
            ("/", "/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e/b", "/b"),
            ("/a/%2e/b", "/a/b"),
            ("/a//../b", "/a/b"),
            ("/a/...", "/a/..."),
            ("/a/..;x/b", "/a/..;x/b"),
            ("/a/.b/c.", "/a/.b/c."),
            ("/a/%252e%252e/b", "/a/%252e%252e/b"),
        ] {
            assert_eq!(without_dots(path), is, "{path}");
        }
    }

    #[test]
    fn what_need_not_be_escaped_is_not() {
        for (text, is) in [
            ("/%6d%65nu", "/menu"),
            ("/%7Euser%2dx", "/~user-x"),
            ("/%e3%83%a1", "/%E3%83%A1"),
            ("/a%2fb%3b%25", "/a%2Fb%3B%25"),
            ("/%", "/%"),
            ("/%6", "/%6"),
            ("/%zz%6d", "/%zzm"),
            ("/%+6", "/%+6"),
        ] {
            assert_eq!(decoded(text), is);
        }
    }

    #[test]
    fn what_a_server_writes_is_made_an_address() {
        for (field, is) in [
            ("/メニュー".as_bytes(), "/%E3%83%A1%E3%83%8B%E3%83%A5%E3%83%BC"),
            (b"/\x83\x81", "/%83%81"),
            (b"/a b|c", "/a%20b%7Cc"),
            (b"/%6d", "/%6d"),
            (b"/\\evil", "/\\evil"),
        ] {
            assert_eq!(encoded(field), is);
        }
    }
}
