//! The heads of HTTP messages (RFC 9112): nothing of a body is read.

use std::io::Read;

use super::trouble::Trouble;

/// The longest head that is read; servers and proxies end at 8 to 64 KiB.
const LONGEST: usize = 64 * 1024;

/// How many interim responses (RFC 9110 §15.2) may come before the one that counts.
const INTERIM: usize = 8;

/// Status line and fields of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// The status line as it came.
    pub(super) line: String,
    fields: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The values of the fields of that name, as they came.
    pub(super) fn values<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        let named = move |(field, _): &&(String, Vec<u8>)| field.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| value.as_slice())
    }

    /// Reads one, from what is received byte for byte: what follows it is left where it is.
    pub(super) fn read(from: &mut impl Read) -> Result<Self, Trouble> {
        for _ in 0..=INTERIM {
            let head = Head::parse(&received(from)?)?;
            if !(100..200).contains(&head.status) {
                return Ok(head);
            }
        }
        Err(Trouble::NotHttp("HTTP/1.1 1xx".to_owned()))
    }

    fn parse(bytes: &[u8]) -> Result<Self, Trouble> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default().trim_ascii_end());
        let status = status(&line).ok_or_else(|| Trouble::NotHttp(beginning(&line)))?;
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines {
            // A line that begins with a blank goes on with the one before (RFC 9112 §5.2).
            if let (Some(b' ' | b'\t'), Some((_, value))) = (line.first(), fields.last_mut()) {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
                continue;
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
            fields.push((name, value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
        }
        Ok(Head { status, line: beginning(&line), fields })
    }
}

/// What is shown of a line.
fn beginning(line: &str) -> String {
    line.chars().take(200).collect()
}

/// The code of a status line (RFC 9112 §4).
fn status(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.")?;
    let (version, rest) = rest.split_once(' ')?;
    let code = rest.split(' ').next()?;
    let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let known = version.len() == 1 && version.bytes().all(|byte| byte.is_ascii_digit());
    code.parse().ok().filter(|code| digits && known && (100..600).contains(code))
}

/// The bytes of a head, up to the empty line.
fn received(from: &mut impl Read) -> Result<Vec<u8>, Trouble> {
    const HTTP: &[u8] = b"HTTP/1.";
    let mut head = Vec::new();
    let mut byte = [0];
    while head.len() < LONGEST {
        match from.read(&mut byte) {
            Ok(0) if head.is_empty() => return Err(Trouble::Closed),
            Ok(0) => break,
            Ok(_) => head.extend(byte),
            // What came before the connection broke is shown where it is no HTTP.
            Err(_) if !head.is_empty() && !head.starts_with(HTTP) && !HTTP.starts_with(&head) => break,
            Err(error) => return Err(error.into()),
        }
        if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(head);
        }
        // No server takes back what began otherwise.
        if head.len() == HTTP.len() && head != HTTP {
            break;
        }
    }
    let first = String::from_utf8_lossy(&head);
    Err(Trouble::NotHttp(beginning(first.lines().next().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Head, Trouble> {
        Head::read(&mut &*bytes)
    }

    #[test]
    fn a_head_is_read_and_not_what_follows() {
        let mut from =
            &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nlocation:  /menu \r\nX\r\n\r\nbody"[..];
        let head = Head::read(&mut from).unwrap();
        assert_eq!((head.status, head.line.as_str()), (302, "HTTP/1.1 302 Found"));
        assert_eq!(head.values("Location").collect::<Vec<_>>(), [b"/menu"]);
        assert_eq!(from, b"body");
        assert_eq!(read(b"HTTP/1.0 200\n\n").unwrap().status, 200);
        let folded = read(b"HTTP/1.1 200 OK\r\nRefresh: 0;\r\n\turl=/\x83\x81 \r\nX: y\r\n\r\n").unwrap();
        assert_eq!(folded.values("refresh").collect::<Vec<_>>(), [b"0; url=/\x83\x81"]);
    }

    #[test]
    fn what_is_no_head_is_told_by_its_first_line() {
        for (bytes, line) in [
            (&b"SSH-2.0-OpenSSH\r\n"[..], "SSH-2.0"),
            (b"HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 2000 OK"),
            (b"HTTP/1.x 200 OK\r\n\r\n", "HTTP/1.x 200 OK"),
            (b"HTTP/1.1 200 OK\r\nX: y", "HTTP/1.1 200 OK"),
        ] {
            assert!(matches!(read(bytes), Err(Trouble::NotHttp(found)) if found == line), "{line}");
        }
        assert!(matches!(read(b""), Err(Trouble::Closed)));
        assert!(read(&[b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'y'; 1 << 20]].concat()).is_err());
        assert!(read(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).is_err());
    }
}
