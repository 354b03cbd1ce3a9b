//! The form in which each language has its sentences.

/// A sentence and what the person should do next, in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// What happened.
    pub sentence: &'static str,
    /// What the person should do next.
    pub next_action: &'static str,
}

/// The words of every [`Code`](crate::error::Code): its name, the sentence, the next action. A code that is left out
/// does not compile.
macro_rules! code_words {
    ($($code:ident $sentence:literal $next:literal;)*) => {
        pub(in crate::text) const fn code(code: crate::error::Code) -> crate::text::Message {
            match code {
                $(crate::error::Code::$code => crate::text::Message { sentence: $sentence, next_action: $next },)*
            }
        }
    };
}

pub(super) use code_words;
