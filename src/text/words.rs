//! The form in which each language has its sentences.

/// A sentence and what the person should do next.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) sentence: &'static str,
    pub(super) next: &'static str,
}

/// The words of every [`Code`](crate::error::Code): its name, the sentence, the next action. A code that is left out
/// does not compile.
macro_rules! code_words {
    ($($code:ident $sentence:literal $next:literal;)*) => {
        pub(in crate::text) const fn code(code: crate::error::Code) -> crate::text::words::Words {
            match code {
                $(crate::error::Code::$code => crate::text::words::Words { sentence: $sentence, next: $next },)*
            }
        }
    };
}

pub(super) use code_words;
