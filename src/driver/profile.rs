//! What families of tokens need beyond the generic behaviour.

use super::keygen::Rung;

/// How to treat a family of tokens. Chosen by what the token says of itself, never by slot or path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// The key pair templates to try, first to last.
    pub(super) ladder: &'static [Rung],
    /// Whether CKA_ID can be set after the key pair is made.
    pub(super) id_is_settable: bool,
}

/// For every token that no other profile claims.
pub(super) const GENERIC: Profile = Profile {
    ladder: &[Rung::SignOnly, Rung::NoUsage, Rung::PublicKeyInSession, Rung::NoId],
    id_is_settable: true,
};
