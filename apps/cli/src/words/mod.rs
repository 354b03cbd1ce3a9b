//! What only the command says: headings, results, questions, and hints about its options.
//!
//! What the diagnosis says too is in [`usbtoken::text`].

mod en;
mod ja;
mod list;

pub use self::list::Words;

use usbtoken::text::Lang;

impl Words<'_> {
    /// The words in that language.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => ja::words(self),
            Lang::En => en::words(self),
        }
    }
}
