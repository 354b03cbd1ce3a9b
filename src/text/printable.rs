//! Text from outside, made safe to print.

use std::borrow::Cow;

/// The text with every control character made visible, line ends included.
///
/// Labels on tokens and names in certificates come from outside. Printed as they are they could move a
/// terminal's cursor, or turn the direction of writing, and so forge what stands around them.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_plain = || text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain() || !text.contains(is_unsafe_to_print) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe_to_print(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// JSON in which the same characters are escaped (RFC 8259 §7) where they stand in strings. It means the same; JSON alone
/// demands that of the C0 controls only, and U+009B begins a command of many terminals.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| c != '\n' && is_unsafe_to_print(c);
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        match is_unsafe(c) {
            true => safe.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Control characters, line and paragraph separators, the bidirectional controls of Unicode UAX #9, and characters
/// that show nothing, with which two names look alike: soft hyphen, joiners, blanks of no width, fillers, tags.
/// Variation selectors are not among them: Japanese names have them.
pub(super) fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{034f}'
                | '\u{061c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
