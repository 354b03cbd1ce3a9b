//! What families of tokens need beyond the generic behaviour.
//!
//! The facts are entries of the catalogue (`catalogue/drivers.toml`); here they become what the calls do.

use super::identity::TokenIdentity;
use crate::catalogue::{self, Catalogue};
use crate::driver::module::Module;

/// How to treat a token. Chosen by what the token and the driver say of themselves, never by slot or path alone.
///
/// A profile changes the order in which things are tried, so that a token is not asked first for what it is known to
/// refuse. No template is left out: where a fact of the catalogue is wrong, the next one does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::driver) struct Quirks {
    /// The catalogue's name.
    pub(in crate::driver) name: String,
    /// The key pair templates to try, first to last.
    pub(in crate::driver) template_sets: [TemplateSet; 5],
    /// How much a certificate object says, first to last.
    pub(in crate::driver) sets: &'static [AttributeSet],
    /// Whether every signature needs a login of its own, even where the key does not say so.
    pub(in crate::driver) context_login: bool,
    /// The PIN's shortest and longest length in bytes, where CK_TOKEN_INFO tells wrong ones.
    pub(in crate::driver) pin_length: Option<(u64, u64)>,
}

/// One set of templates. Each set leaves out something that some tokens refuse; CKA_SENSITIVE and
/// CKA_EXTRACTABLE stand in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::driver) enum TemplateSet {
    /// Signing keys, both on the token.
    SignOnly,
    /// Without CKA_SIGN and CKA_VERIFY, which some tokens decide themselves.
    NoUsage,
    /// The public key as a session object; some tokens store none.
    PublicKeyInSession,
    /// Without CKA_ID, which some tokens assign themselves.
    NoId,
    /// Without CKA_ID, and the public key as a session object.
    NoIdInSession,
    /// Without CKA_PUBLIC_EXPONENT, which some tokens fix.
    NoExponent,
    /// Without CKA_LABEL, which some tokens assign themselves.
    NoLabel,
    /// Without all of these but CKA_ID.
    Fewest,
}

impl TemplateSet {
    /// What is tried last of all, whatever the profile says: without a label a key is known by its CKA_ID alone.
    pub(in crate::driver) const LAST: [TemplateSet; 3] =
        [TemplateSet::NoExponent, TemplateSet::NoLabel, TemplateSet::Fewest];

    /// Whether both halves are given a label.
    pub(in crate::driver) fn has_label(self) -> bool {
        !matches!(self, TemplateSet::NoLabel | TemplateSet::Fewest)
    }

    /// Whether the public exponent is given.
    pub(in crate::driver) fn has_exponent(self) -> bool {
        !matches!(self, TemplateSet::NoExponent | TemplateSet::Fewest)
    }
}

/// How much a certificate object says beside the certificate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeSet {
    /// What PKCS#11 v3.1 §4.6 defines for X.509 certificates, but for the check value.
    Full,
    /// Without what some tokens refuse: dates, public key.
    Common,
    /// Without the category either. Software looks certificates up by issuer and serial number, and misses them.
    Uncategorized,
    /// What no certificate object can be without.
    Minimal,
    /// That without CKA_LABEL, which some tokens assign themselves.
    NoLabel,
    /// That without CKA_ID, which some tokens assign themselves.
    NoId,
    /// That without both.
    Fewest,
}

impl AttributeSet {
    /// What is tried last of all, whatever the profile says: the CA has issued by then.
    pub(in crate::driver) const LAST: [AttributeSet; 3] =
        [AttributeSet::NoLabel, AttributeSet::NoId, AttributeSet::Fewest];

    /// Whether the object is given a label.
    pub(in crate::driver) fn has_label(self) -> bool {
        !matches!(self, AttributeSet::NoLabel | AttributeSet::Fewest)
    }

    /// Whether the object is given an identifier.
    pub(in crate::driver) fn has_id(self) -> bool {
        !matches!(self, AttributeSet::NoId | AttributeSet::Fewest)
    }
}

impl Quirks {
    /// The profile of this token. The driver is asked who made it only when the token's own maker has none.
    pub(in crate::driver) fn of(module: &Module, token: &TokenIdentity) -> Self {
        let library = || module.info().map(|info| info.manufacturer).unwrap_or_default();
        let driver = module.path().file_name().and_then(|file| file.to_str()).unwrap_or_default();
        Self::from(Catalogue::builtin().profile(&token.manufacturer, library, driver))
    }
}

impl From<&catalogue::Profile> for Quirks {
    fn from(facts: &catalogue::Profile) -> Self {
        use TemplateSet::{NoId, NoIdInSession, NoUsage, PublicKeyInSession, SignOnly};

        let template_sets = match (facts.public_key_in_session, facts.usage_attributes) {
            (true, _) => [PublicKeyInSession, NoIdInSession, SignOnly, NoUsage, NoId],
            (false, false) => [NoUsage, SignOnly, PublicKeyInSession, NoId, NoIdInSession],
            (false, true) => [SignOnly, NoUsage, PublicKeyInSession, NoId, NoIdInSession],
        };
        Quirks {
            name: facts.name.clone(),
            template_sets,
            sets: match facts.minimal_certificate {
                true => &[AttributeSet::Minimal],
                false => &[
                    AttributeSet::Full,
                    AttributeSet::Common,
                    AttributeSet::Uncategorized,
                    AttributeSet::Minimal,
                ],
            },
            context_login: facts.context_login,
            pin_length: facts.pin_length.map(|(shortest, longest)| (shortest.into(), longest.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: impl FnOnce(&mut catalogue::Profile)) -> Quirks {
        let mut facts = catalogue::Profile::generic();
        change(&mut facts);
        Quirks::from(&facts)
    }

    #[test]
    fn each_fact_changes_what_is_done() {
        let generic = changed(|_| ());
        assert_eq!(generic.template_sets[0], TemplateSet::SignOnly);
        assert_eq!(generic.sets.len(), 4);
        assert_eq!((generic.sets[0], generic.sets[3]), (AttributeSet::Full, AttributeSet::Minimal));
        assert!(!generic.context_login && generic.pin_length.is_none());
        assert_eq!(changed(|facts| facts.usage_attributes = false).template_sets[0], TemplateSet::NoUsage);
        assert_eq!(
            changed(|facts| facts.public_key_in_session = true).template_sets[0],
            TemplateSet::PublicKeyInSession
        );
        assert_eq!(changed(|facts| facts.minimal_certificate = true).sets, [AttributeSet::Minimal]);
        assert!(changed(|facts| facts.context_login = true).context_login);
        assert_eq!(changed(|facts| facts.pin_length = Some((4, 8))).pin_length, Some((4, 8)));
    }

    /// A profile is a hint that may be wrong: none leaves a set out.
    #[test]
    fn every_order_has_every_set() {
        for session in [true, false] {
            for usage in [true, false] {
                let template_sets = changed(|facts| {
                    facts.public_key_in_session = session;
                    facts.usage_attributes = usage;
                })
                .template_sets;
                for set in [
                    TemplateSet::SignOnly,
                    TemplateSet::NoUsage,
                    TemplateSet::PublicKeyInSession,
                    TemplateSet::NoId,
                    TemplateSet::NoIdInSession,
                ] {
                    assert!(template_sets.contains(&set));
                }
            }
        }
    }
}
