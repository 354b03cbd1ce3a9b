//! Rich Text Format, as far as a response needs it: what mail programs and word processors make of a text.

/// The text of an RTF file (Microsoft's Rich Text Format Specification 1.9.1): its marks of lines and cells as line ends,
/// without its other control words and braces. `None` for other texts.
pub(super) fn text(rtf: &str) -> Option<String> {
    let mut rest = rtf.get(rtf.find("{\\rtf")?..)?;
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['\\', '{', '}', '\r', '\n']) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        // Each of them is one byte. Line ends in the file mean nothing.
        let after = mark.get(1..).unwrap_or_default();
        rest = if mark.starts_with('\\') { control(after, &mut out) } else { after };
    }
    out.push_str(rest);
    Some(out)
}

/// Reads what stands behind a backslash; gives what follows it.
fn control<'a>(after: &'a str, out: &mut String) -> &'a str {
    let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
    let (word, behind) = after.split_at(letters);
    if word.is_empty() {
        return symbol(after, out);
    }
    let sign = usize::from(behind.starts_with('-'));
    let digits = behind.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    let (number, behind) = behind.split_at(if digits > 0 { sign + digits } else { 0 });
    let behind = behind.strip_prefix(' ').unwrap_or(behind);
    match word {
        "par" | "line" | "page" | "sect" | "column" | "cell" | "row" | "nestcell" | "nestrow" => {
            out.push('\n')
        }
        "tab" => out.push('\t'),
        // The character by its number, a signed one, and one more for programs that do not know that.
        "u" => {
            let unit = number.parse::<i32>().ok().map(|number| number.rem_euclid(1 << 16));
            out.extend(unit.and_then(|unit| char::from_u32(unit.unsigned_abs())));
            return behind.strip_prefix('?').unwrap_or(behind);
        }
        _ => {}
    }
    behind
}

fn symbol<'a>(after: &'a str, out: &mut String) -> &'a str {
    let mut chars = after.chars();
    match chars.next() {
        // A byte in hexadecimal, of a character set that does not matter here.
        Some('\'') => {
            let byte = after.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            out.push(byte.filter(u8::is_ascii).map_or(char::REPLACEMENT_CHARACTER, char::from));
            return after.get(3..).unwrap_or_default();
        }
        Some(literal @ ('\\' | '{' | '}')) => out.push(literal),
        Some('~') => out.push(' '),
        Some('_') => out.push('-'),
        // A paragraph's end, too.
        Some('\r' | '\n') => out.push('\n'),
        _ => {}
    }
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn control_words_go_and_lines_stay() {
        let rtf = "{\\rtf1\\ansi\\ansicpg932{\\fonttbl\\f0 MS;}\\f0\\fs20 one\\line two\\par\r\nth\\b0 ree\\u8211?\\'41\\{\\~x\\tab y}";
        assert_eq!(text(rtf).unwrap(), "MS;one\ntwo\nthree–A{ x\ty");
        assert_eq!(text("{\\rtf1 {\\f1 MI}{\\f1 IB\\par }}").unwrap(), "MIIB\n");
        assert_eq!(text("no RTF"), None);
        for cut in ["{\\rtf1\\", "{\\rtf1\\'", "{\\rtf1\\u-", "{\\rtf1\\'é"] {
            text(cut).unwrap();
        }
    }
}
