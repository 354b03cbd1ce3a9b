//! PINs that are hardly what the person meant.

use super::Pin;

/// Why a PIN is hardly what the person meant: it would be a try for nothing. Whoever asks a person for the PIN asks once more
/// before it is sent, and then says [`Login::pin_as_typed`](crate::Login::pin_as_typed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinDoubt {
    /// It has full-width characters (U+FF01 to U+FF5E), as from a Japanese input method that is on.
    FullWidth,
    /// It begins or ends with a blank or another character that is not seen.
    BlankAtEdge,
}

impl PinDoubt {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            PinDoubt::FullWidth => "full_width",
            PinDoubt::BlankAtEdge => "blank_at_edge",
        }
    }
}

impl Pin {
    /// Why it is hardly what the person meant; `None` for most, and for what is no UTF-8.
    pub fn doubt(&self) -> Option<PinDoubt> {
        let text = std::str::from_utf8(self.bytes()).ok()?;
        if text.contains(|c| matches!(c, '\u{ff01}'..='\u{ff5e}')) {
            return Some(PinDoubt::FullWidth);
        }
        let is_unseen = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}');
        (text.starts_with(is_unseen) || text.ends_with(is_unseen)).then_some(PinDoubt::BlankAtEdge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_hardly_means_is_doubtful() {
        let doubt = |text: &str| Pin::new(text.as_bytes().to_vec()).doubt();
        for text in ["648219", "pass phrase", "暗証", "ｱﾝｼｮｳ", "", "64/82-19"] {
            assert_eq!(doubt(text), None, "{text:?}");
        }
        for text in ["６４８２１９", "64８219", "ａｂｃ", " ６"] {
            assert_eq!(doubt(text), Some(PinDoubt::FullWidth), "{text:?}");
        }
        for text in
            [" 648219", "648219 ", "648219\u{3000}", "\u{a0}6", "\u{feff}648219", "648219\u{200b}", " "]
        {
            assert_eq!(doubt(text), Some(PinDoubt::BlankAtEdge), "{text:?}");
        }
        assert_eq!(Pin::new(b"\xff ".to_vec()).doubt(), None);
    }

    #[test]
    fn each_doubt_has_its_name() {
        assert_eq!(PinDoubt::FullWidth.name(), "full_width");
        assert_eq!(PinDoubt::BlankAtEdge.name(), "blank_at_edge");
    }
}
