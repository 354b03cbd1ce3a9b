//! What only the command says: headings, results, questions, and hints about its options.
//!
//! What the diagnosis says too is in [`usbtoken::text`].

mod en;
mod ja;
mod list;

pub use self::list::Words;

use std::sync::OnceLock;

use usbtoken::bank::Bank;
use usbtoken::text::Lang;

/// The options of this run that name the bank, each with a blank before it.
static BANK: OnceLock<String> = OnceLock::new();

/// Has every command that is shown repeat these options: without them it would go by another bank's rules, or by none.
pub fn name_bank(options: String) {
    // Once, at the beginning of the program.
    let _ = BANK.set(options);
}

/// A fixed sentence, with the bank's options in the commands that it names.
fn with_bank(sentence: &str) -> String {
    const PROGRAM: &str = "usbtoken ";
    let Some(options) = BANK.get().filter(|options| !options.is_empty()) else { return sentence.to_owned() };
    let mut parts = sentence.split(PROGRAM);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        let end = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
        let (command, rest) = part.split_at(end);
        format!("{said}{PROGRAM}{command}{options}{rest}")
    })
}

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
