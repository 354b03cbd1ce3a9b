//! Distinguished names as pages write them, for IX500DistinguishedName::Encode.

use usbtoken::error::Fact;
use usbtoken::pki::Name;
use usbtoken::{Code, Error, Result};

/// Reads a name as CertStrToName does: separated by commas, semicolons or plus signs, values in quotation marks
/// where they need it, and encoded **in the order in which they stand**. RFC 4514 has the same strings in the
/// opposite order. What no CA takes is refused: `C=Japan`, a common name of more than 64 characters.
pub(crate) fn parse(text: &str) -> Result<Name> {
    let bad = || Error::new(Code::BadSubject).fact(Fact::Subject, text);
    let mut parts = split(text).ok_or_else(bad)?;
    parts.reverse();
    let converted: Option<Vec<String>> = parts.into_iter().map(convert).collect();
    let name: Name = converted.ok_or_else(bad)?.join(",").parse()?;
    name.check_bounds()?;
    Ok(name)
}

/// What CertStrToName calls types that RFC 4514 has under another name, or none.
const KINDS: [(&str, &str); 13] = [
    ("S", "ST"),
    ("Email", "emailAddress"),
    ("T", "title"),
    ("G", "GN"),
    ("GivenName", "GN"),
    ("I", "2.5.4.43"),
    ("Initials", "2.5.4.43"),
    ("Description", "2.5.4.13"),
    ("PostalCode", "2.5.4.17"),
    ("POBox", "2.5.4.18"),
    ("Phone", "2.5.4.20"),
    ("X21Address", "2.5.4.24"),
    ("dnQualifier", "2.5.4.46"),
];

/// The relative names, at separators outside quotation marks.
fn split(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' | ';' | '\r' | '\n' if !quoted => {
                parts.push(text.get(start..at)?);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (!quoted).then(|| parts.into_iter().filter(|part| !part.trim().is_empty()).collect())
}

/// One relative name in the form of RFC 4514. A plus sign outside quotation marks would make one of several
/// attributes; no CA of this kind uses that, and pages forget the quotation marks.
fn convert(part: &str) -> Option<String> {
    let (kind, value) = part.split_once('=')?;
    let kind = kind.trim();
    let kind = match KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)) {
        Some((_, kind)) => kind,
        None => match kind.split_at_checked(4) {
            Some((prefix, oid)) if prefix.eq_ignore_ascii_case("OID.") => oid,
            _ => kind,
        },
    };
    let value = value.trim();
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?.replace("\"\"", "\""),
        None if value.contains('"') => return None,
        None => value.to_owned(),
    };
    if kind.is_empty() || value.is_empty() {
        return None;
    }
    Some(format!("{kind}={}", escaped(&value)))
}

/// RFC 4514 §2.4.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=')
            || (c == '#' && at == 0)
            || (c == ' ' && (at == 0 || at == last));
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(text: &str) -> Vec<String> {
        let name = parse(text).unwrap();
        name.attributes().iter().map(|one| format!("{}={}", one.kind, one.value)).collect()
    }

    #[test]
    fn the_order_is_that_of_the_string() {
        assert_eq!(in_order("O=bank; OU=a, OU=b, CN=x"), ["O=bank", "OU=a", "OU=b", "CN=x"]);
    }

    #[test]
    fn quotation_marks_keep_separators() {
        assert_eq!(in_order(r#"CN="a, ""b"" + c" , O=d+e"#), [r#"CN=a, "b" + c"#, "O=d+e"]);
        assert_eq!(in_order("S=Ehime"), ["ST=Ehime"]);
        assert_eq!(in_order("T=Dr, g=Taro, I=T"), ["title=Dr", "GN=Taro", "2.5.4.43=T"]);
        assert_eq!(in_order("EMAIL=a@b.jp; Phone=1"), ["emailAddress=a@b.jp", "2.5.4.20=1"]);
        assert_eq!(in_order("CN=(9936)ANSER-WEB(BizSOL) 000001"), ["CN=(9936)ANSER-WEB(BizSOL) 000001"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "CN", "CN=", "=x", "CN=\"a", "CN=a\"b", "XYZZY=1", ",;", "C=Japan"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
