//! What only the command says: headings, results, questions, and hints about its options.
//!
//! What the diagnosis says too is in [`usbtoken::text`].

mod en;
mod ja;
mod list;

pub use self::list::Words;

use usbtoken::bank::Bank;
use usbtoken::text::Lang;

/// The language of sentences, and the bank whose word for the PIN they have.
#[derive(Clone, Copy)]
pub struct Tongue<'b> {
    pub lang: Lang,
    pub bank: Option<&'b Bank>,
}

impl Tongue<'_> {
    /// The words in that language, with the bank's word for the PIN.
    pub fn text(self, words: Words<'_>) -> String {
        self.say(&words.text(self.lang))
    }

    /// The same of another text of ours.
    pub fn say(self, text: &str) -> String {
        self.bank.map_or_else(|| text.to_owned(), |bank| bank.in_its_words(text, self.lang).into_owned())
    }
}

impl Words<'_> {
    /// The words in that language.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => ja::words(self),
            Lang::En => en::words(self),
        }
    }
}
