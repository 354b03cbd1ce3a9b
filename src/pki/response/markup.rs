//! HTML and XML, as far as a response needs it: tags left out and entities decoded, in one pass each.
//!
//! No parser of pages: those that exist need seconds for a page of tags in tags.

/// Tags after which a new line begins.
const BREAKS: [&str; 14] =
    ["br", "p", "div", "pre", "tr", "td", "th", "li", "ul", "h1", "h2", "h3", "title", "body"];

/// Whether a text is a web page.
pub(super) fn is_page(text: &str) -> bool {
    let begins = |tag: &str| {
        text.match_indices('<')
            .take(200)
            .any(|(at, _)| text.get(at..at + tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag)))
    };
    ["<html", "<!doctype html", "<head", "<body", "<title", "<form", "<table", "<script"]
        .iter()
        .any(|tag| begins(tag))
}

/// The words of a page, without its scripts and styles.
pub(super) fn words(text: &str) -> String {
    let text = without_scripts(text).or_else(|| without_tags(text)).unwrap_or_else(|| text.to_owned());
    without_entities(&text).unwrap_or(text)
}

/// Without what stands from one mark to the next.
fn without(from: &str, to: &str, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(begin) = lower.get(at..).and_then(|rest| rest.find(from)).map(|begin| at + begin) {
        out.push_str(text.get(at..begin).unwrap_or_default());
        at = lower.get(begin..).and_then(|rest| rest.find(to)).map_or(text.len(), |end| begin + end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The text without its tags and comments; those that part paragraphs become line ends.
pub(super) fn without_tags(text: &str) -> Option<String> {
    if !text.contains('<') || !text.contains('>') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // An end that is nowhere behind one place is nowhere behind a later one: it is searched for once.
    let (mut tags_end, mut comments_end, mut instructions_end) = (true, true, true);
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        if let Some(behind) = after.strip_prefix(CDATA) {
            // What is marked so is text (XML 1.0 §2.7); two in a row are one text.
            let (text, behind) = behind.split_once("]]>").unwrap_or((behind, ""));
            out.push_str(text);
            rest = behind;
            continue;
        }
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let comment = after.strip_prefix("!--").filter(|_| comments_end);
        let ended = comment.and_then(|comment| comment.split_once("-->"));
        comments_end &= comment.is_none() || ended.is_some();
        // Processing instructions (XML 1.0 §2.6); in HTML they end with the tag.
        let instruction = after.strip_prefix('?').filter(|_| instructions_end);
        let instructed = instruction.and_then(|instruction| instruction.split_once("?>"));
        instructions_end &= instruction.is_none() || instructed.is_some();
        let ended = ended.or(instructed);
        let tag = if is_tag && tags_end { after.split_once('>') } else { None };
        tags_end &= !is_tag || tag.is_some();
        match (ended, tag) {
            (Some((_, behind)), _) => rest = behind,
            (None, Some((tag, behind))) => {
                out.push_str(in_place_of(tag));
                rest = behind;
            }
            (None, None) => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

const CDATA: &str = "![CDATA[";

/// The text of a page without its scripts, styles and tags, where it has any of the first two.
pub(super) fn without_scripts(text: &str) -> Option<String> {
    let bare = without("<script", "</script", text);
    let bare = without("<style", "</style", &bare);
    if bare.len() < text.len() { without_tags(&bare) } else { None }
}

fn in_place_of(tag: &str) -> &'static str {
    let name =
        tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if BREAKS.iter().any(|known| known.eq_ignore_ascii_case(name)) { "\n" } else { "" }
}

/// The text with its entities decoded, those by number and those that base64, PEM and blanks are written with.
pub(super) fn without_entities(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut any = false;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match ended_entity(after).or_else(|| unended_entity(after)) {
            Some((c, behind)) => {
                out.push(c);
                rest = behind;
                any = true;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    any.then_some(out)
}

/// An entity and what is behind it; the longest that is known has 14 letters.
fn ended_entity(after: &str) -> Option<(char, &str)> {
    let end = after.bytes().take(16).position(|byte| byte == b';')?;
    Some((entity(after.get(..end)?)?, after.get(end + 1..)?))
}

/// Without its semicolon: the names that old pages write so, and numbers of one or two digits. Where a digit of the text
/// follows, no one can tell where the number ends, and a wrong guess would change a certificate: it stays as it is.
fn unended_entity(after: &str) -> Option<(char, &str)> {
    let Some(number) = after.strip_prefix('#') else {
        let name = OLD_ENTITIES.iter().find(|name| after.starts_with(**name))?;
        return Some((entity(name)?, after.get(name.len()..)?));
    };
    let (radix, digits) = number.strip_prefix(['x', 'X']).map_or((10, number), |digits| (16, digits));
    let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (number, rest) = digits.split_at_checked(length).filter(|(number, _)| number.len() <= 2)?;
    let number = u8::from_str_radix(number, radix).ok().filter(u8::is_ascii)?;
    Some((number.into(), rest))
}

const OLD_ENTITIES: [&str; 7] = ["lt", "gt", "amp", "quot", "nbsp", "yen", "shy"];

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?);
    }
    let known = [
        ("lt", '<'),
        ("gt", '>'),
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("plus", '+'),
        ("sol", '/'),
        ("equals", '='),
        ("NewLine", '\n'),
        ("Tab", '\t'),
        ("hyphen", '-'),
        ("dash", '-'),
        ("yen", '¥'),
        ("bsol", '\\'),
        ("shy", '\u{ad}'),
        ("zwnj", '\u{200c}'),
        ("ZeroWidthSpace", '\u{200b}'),
    ];
    known.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}
