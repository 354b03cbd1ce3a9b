//! Texts in which something stands for something else: numbered lines, escapes of programs and forms, other alphabets.

use percent_encoding::percent_decode_str;

use super::base64::{LONG_TOKEN, decode_base64, in_alphabet, next_token, token};

/// The base64 of lines with something before and behind it: numbers, bullets, the code of a script that puts them
/// together. A line's longest word is what counts; the last line of a run may have a longer one elsewhere, so it is the
/// word in the same column. Of several long words in a line each is a line of its own.
pub(super) fn columns(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut column, mut decorated) = (None, 0);
    for line in text.lines() {
        if has_lines(line) {
            tokens(line).for_each(|(_, token)| out.extend([token, "\n"]));
            decorated += 3;
            continue;
        }
        let longest =
            tokens(line).max_by_key(|(_, token)| token.len()).filter(|(_, token)| token.len() >= LONG_TOKEN);
        let in_column = || tokens(line).find(|(start, _)| Some(*start) == column);
        let (start, token) = longest.or_else(in_column).unwrap_or((0, line));
        decorated += usize::from(longest.is_some() && token.len() < line.trim().len());
        column = longest.map(|_| start);
        out.push_str(token);
        out.push('\n');
    }
    (decorated > 2).then_some(out)
}

/// Whether several words of one length stand in a line, as lines of base64 that something else than line ends parts.
fn has_lines(line: &str) -> bool {
    let mut lengths =
        tokens(line).map(|(_, token)| token.len()).filter(|length| *length >= LONG_TOKEN).peekable();
    let first = lengths.peek().copied();
    lengths.take_while(|length| Some(*length) == first).count() > 2
}

/// The runs of letters of base64 in a line, and where they begin.
fn tokens(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = next_token(line.as_bytes(), at)?;
        let length = token(line.as_bytes(), start).len();
        at = start + length;
        Some((start, line.get(start..at)?))
    })
}

/// The lines that a difference between files adds (`diff -u`, a patch in a mail), without the `+` before each. A line of
/// base64 may begin with one too: all do here, or it is none.
pub(super) fn difference(text: &str) -> Option<String> {
    let is_long = |line: &&str| token(line.as_bytes(), 0).len() >= LONG_TOKEN;
    let is_added = |line: &str| line.starts_with('+');
    let is_difference =
        text.lines().filter(is_long).count() > 2 && text.lines().filter(is_long).all(is_added);
    let bare = |line: &str| line.strip_prefix('+').unwrap_or(line).to_owned() + "\n";
    is_difference.then(|| text.lines().map(bare).collect())
}

/// The ASCII of letters in full width, as Japanese input methods write them.
pub(super) fn narrow(text: &str) -> Option<String> {
    let is_wide = |c: &char| matches!(c, '\u{ff01}'..='\u{ff5e}');
    let narrow = |c: char| char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c);
    (text.chars().filter(is_wide).count() > LONG_TOKEN)
        .then(|| text.chars().map(|c| if is_wide(&c) { narrow(c) } else { c }).collect())
}

/// UTF-7 (RFC 2152), in which `+` is written `+-` and other characters as base64 between these two.
pub(super) fn utf7(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut any) = (text, false);
    while let Some((before, after)) = rest.split_once('+') {
        out.push_str(before);
        let length = after.bytes().take_while(|byte| in_alphabet(*byte)).take(LONG_TOKEN).count();
        let (letters, behind) = after.split_at(length);
        let units = decode_base64(letters.as_bytes());
        let units = units.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
        match (letters, behind.strip_prefix('-')) {
            ("", Some(behind)) => {
                out.push('+');
                (rest, any) = (behind, true);
            }
            (_, Some(behind)) if !letters.is_empty() => {
                out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
                (rest, any) = (behind, true);
            }
            _ => {
                out.push('+');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    any.then_some(out)
}

/// What a web form makes of a text: `%2B` for `+`. JavaScript's escape() leaves `+`: either way one that is left
/// is meant. It writes `%u8a3c` for characters above Latin-1, and other programs for all.
pub(super) fn percent(text: &str) -> Option<String> {
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_encoded = |at: usize| match text.as_bytes().get(at + 1) {
        Some(b'u') => (2..6).all(|digit| is_hex(at + digit)),
        _ => is_hex(at + 1) && is_hex(at + 2),
    };
    let any = text.match_indices('%').any(|(at, _)| is_encoded(at));
    any.then(|| percent_decode_str(&without_sixteen_bits(text)).decode_utf8_lossy().into_owned())
}

/// With the characters that `%uXXXX` stands for. A `%` among them is meant as one, so it is written as forms do.
fn without_sixteen_bits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%u") {
        out.push_str(before);
        let digits = after.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match unit {
            Some(0x25) => out.push_str("%25"),
            Some(unit) => out.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
            None => out.push_str("%u"),
        }
        rest = if unit.is_some() { after.get(4..).unwrap_or_default() } else { after };
    }
    out.push_str(rest);
    out
}

/// The escapes of JSON (RFC 8259 §7), JavaScript and the shell: `\n`, `\/`, `\u002b`, `\x2b`, and a line that goes
/// on after `\`. Any other stays. In PowerShell they begin with a grave accent.
///
/// The backslash stands where Shift_JIS has a yen sign and Korean character sets a won sign, and programs that convert
/// it make one of it.
pub(super) fn backslashes(text: &str) -> Option<String> {
    const BACKSLASHES: [char; 6] = ['\\', '¥', '￥', '＼', '₩', '￦'];
    if !text.contains(BACKSLASHES) && !text.contains("`n") {
        return None;
    }
    let text = text.replace(BACKSLASHES, "\\").replace("`r", "\r").replace("`n", "\n");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (read, left) = escape(after);
        match read {
            Some(c) => out.extend(c),
            None => out.push('\\'),
        }
        rest = left;
    }
    out.push_str(rest);
    Some(out)
}

/// The character that an escape stands for (none for a line's end), and what follows; `None` when it is none.
fn escape(after: &str) -> (Option<Option<char>>, &str) {
    let mut chars = after.chars();
    let by_number = |digits: usize| match after.get(1..=digits).map(|digits| u32::from_str_radix(digits, 16))
    {
        Some(Ok(number)) => (Some(char::from_u32(number)), after.get(1 + digits..).unwrap_or_default()),
        _ => (None, after),
    };
    let read = match chars.next() {
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some(same @ ('/' | '"' | '\'' | '\\')) => Some(same),
        Some('\r' | '\n') => return (Some(None), chars.as_str()),
        Some('u') => return by_number(4),
        Some('x') => return by_number(2),
        _ => return (None, after),
    };
    (Some(read), chars.as_str())
}
