//! Distinguished names as pages write them, for IX500DistinguishedName::Encode.

use usbtoken::error::Fact;
use usbtoken::pki::Name;
use usbtoken::{Code, Error, Result};

/// Reads a name as CertStrToName does: separated by commas, semicolons or plus signs, values in quotation marks
/// where they need it, and encoded **in the order in which they stand**. RFC 4514 has the same strings in the
/// opposite order.
pub(crate) fn parse(text: &str) -> Result<Name> {
    let bad = || Error::new(Code::BadSubject).fact(Fact::Subject, text);
    let mut parts = split(text).ok_or_else(bad)?;
    parts.reverse();
    let converted: Option<Vec<String>> = parts.into_iter().map(convert).collect();
    converted.ok_or_else(bad)?.join(",").parse()
}

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
    let kind = match kind.trim() {
        kind if kind.eq_ignore_ascii_case("S") => "ST",
        kind => match kind.split_at_checked(4) {
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
        assert_eq!(in_order("CN=(9936)ANSER-WEB(BizSOL) 000001"), ["CN=(9936)ANSER-WEB(BizSOL) 000001"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "CN", "CN=", "=x", "CN=\"a", "CN=a\"b", "XYZZY=1", ",;"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
