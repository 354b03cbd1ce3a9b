//! What families of tokens need beyond the generic behaviour.

/// How to treat a family of tokens. Chosen by what the token says of itself, never by slot or path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// The key pair templates to try, first to last.
    pub(super) ladder: &'static [Rung],
    /// Whether CKA_ID can be set after the key pair is made.
    pub(super) id_is_settable: bool,
}

/// One set of templates. Each rung leaves out something that some tokens refuse; CKA_SENSITIVE and
/// CKA_EXTRACTABLE stand in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    /// Signing keys, both on the token.
    SignOnly,
    /// Without CKA_SIGN and CKA_VERIFY, which some tokens decide themselves.
    NoUsage,
    /// The public key as a session object; some tokens store none.
    PublicKeyInSession,
    /// Without CKA_ID, which some tokens assign themselves.
    NoId,
}

/// For every token that no other profile claims.
pub(super) const GENERIC: Profile = Profile {
    ladder: &[Rung::SignOnly, Rung::NoUsage, Rung::PublicKeyInSession, Rung::NoId],
    id_is_settable: true,
};
