//! What the templates of a key pair say, and what they leave out for tokens that refuse to be told it.

/// A part of the templates that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(in crate::driver) enum Part {
    /// CKA_SIGN and CKA_VERIFY, which some tokens decide themselves.
    Usage = 1 << 0,
    /// CKA_LABEL, which some tokens assign themselves.
    Label = 1 << 1,
    /// CKA_ID, which some tokens assign themselves.
    Id = 1 << 2,
    /// CKA_PUBLIC_EXPONENT, which some tokens fix.
    Exponent = 1 << 3,
    /// The public key on the token: without it, it is a session object; some tokens store none.
    PublicStored = 1 << 4,
    /// CKA_TOKEN of the public key, whatever its value.
    PublicToken = 1 << 5,
    /// CKA_TOKEN of the private key.
    Token = 1 << 6,
    /// CKA_PRIVATE of the private key.
    Private = 1 << 7,
    /// CKA_SENSITIVE of the private key.
    Sensitive = 1 << 8,
    /// CKA_EXTRACTABLE of the private key.
    Extractable = 1 << 9,
}

/// One set of templates, by what it leaves out. What is left out of a name is set afterwards, and what is left out of the
/// protection is read back before the key is used: a token that refuses to be told so may make all its keys so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::driver) struct TemplateSet(u16);

impl TemplateSet {
    /// Signing keys, both on the token, with everything.
    pub(in crate::driver) const FULL: Self = Self(0);

    /// What is tried after the sets of a profile, first to last: each part alone, then more and more of them. Names go before
    /// protection, and a set without any name is last but for those without CKA_TOKEN, since what a token leaves behind when it
    /// refuses that is not known again.
    pub(in crate::driver) const LAST: [Self; 20] = {
        use Part::*;
        [
            Self::without(&[Exponent]),
            Self::without(&[Label]),
            Self::without(&[Usage, Exponent, Label]),
            Self::without(&[Usage, Exponent, Id]),
            Self::without(&[Private]),
            Self::without(&[Sensitive]),
            Self::without(&[Extractable]),
            Self::without(&[PublicToken]),
            Self::without(&[Sensitive, Extractable]),
            Self::without(&[Private, Sensitive, Extractable]),
            Self::without(&[Usage, Exponent, Private, Sensitive, Extractable]),
            Self::without(&[Usage, Exponent, Label, Private, Sensitive, Extractable]),
            Self::without(&[Usage, Exponent, Id, Private, Sensitive, Extractable]),
            Self::without(&[Label, Id]),
            Self::without(&[Usage, Exponent, Label, Id]),
            Self::without(&[Usage, Exponent, Label, Id, PublicToken]),
            Self::without(&[Usage, Exponent, Label, Id, Private, Sensitive, Extractable]),
            Self::without(&[PublicToken, Token]),
            Self::without(&[PublicToken, Token, Private, Sensitive, Extractable]),
            Self::without(&[Usage, Exponent, Label, Id, PublicToken, Token, Private, Sensitive, Extractable]),
        ]
    };

    /// Everything but these.
    pub(in crate::driver) const fn without(parts: &[Part]) -> Self {
        let (mut left_out, mut at) = (0, 0);
        while at < parts.len() {
            left_out |= parts[at] as u16;
            at += 1;
        }
        Self(left_out)
    }

    /// Whether the templates say this.
    pub(in crate::driver) const fn has(self, part: Part) -> bool {
        self.0 & part as u16 == 0
    }

    /// The same for a key that has no public exponent.
    pub(in crate::driver) const fn for_ec(self) -> Self {
        Self(self.0 & !(Part::Exponent as u16))
    }

    /// Whether an object that is made by it carries a name of ours.
    pub(in crate::driver) const fn has_name(self) -> bool {
        self.has(Part::Label) || self.has(Part::Id)
    }

    /// Whether it says everything that protects the private key.
    pub(in crate::driver) const fn has_protection(self) -> bool {
        self.has(Part::Token)
            && self.has(Part::Private)
            && self.has(Part::Sensitive)
            && self.has(Part::Extractable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever parts a token refuses, one of the sets leaves them all out, and the first of those that do keeps what it can of
    /// what protects the key.
    #[test]
    fn what_is_refused_is_left_out_by_some_set() {
        let first_without = |refused: &[Part]| {
            TemplateSet::LAST.into_iter().find(|set| refused.iter().all(|part| !set.has(*part)))
        };
        let parts = [
            Part::Usage,
            Part::Label,
            Part::Id,
            Part::Exponent,
            Part::PublicToken,
            Part::Token,
            Part::Private,
            Part::Sensitive,
            Part::Extractable,
        ];
        for one in parts {
            for other in parts {
                assert!(first_without(&[one, other]).is_some(), "{one:?} {other:?}");
            }
        }
        assert!(first_without(&[Part::Label, Part::Id]).is_some_and(TemplateSet::has_protection));
        assert!(first_without(&[Part::Label, Part::Sensitive]).is_some_and(|set| set.has(Part::Token)));
        assert!(first_without(&parts).is_some());
    }

    #[test]
    fn no_set_is_there_twice() {
        for (at, set) in TemplateSet::LAST.iter().enumerate() {
            assert!(!TemplateSet::LAST[..at].contains(set) && *set != TemplateSet::FULL, "{set:?}");
        }
    }
}
