//! What families of tokens need beyond the generic behaviour.
//!
//! The facts are entries of the catalogue (`catalogue/profiles.toml`); here they become what the calls do.

use super::identity::TokenIdentity;
use super::template_set::{Part, TemplateSet};
use crate::catalogue::Profile;
use crate::driver::module::Module;

/// How to treat a token. Chosen by what the token and the driver say of themselves, never by slot or path alone.
///
/// A profile changes the order in which things are tried after the usual one was refused. Every token is asked for the usual one
/// first, and no template is left out, so a fact of the catalogue that is wrong costs nothing where that is taken, and else
/// a refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::driver) struct Quirks {
    /// The catalogue's name.
    pub(in crate::driver) name: String,
    /// The key pair templates to try, first to last.
    pub(in crate::driver) template_sets: [TemplateSet; 5],
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
    /// What is tried, first to last: the CA has issued by then.
    pub(in crate::driver) const IN_ORDER: [AttributeSet; 7] = [
        AttributeSet::Full,
        AttributeSet::Common,
        AttributeSet::Uncategorized,
        AttributeSet::Minimal,
        AttributeSet::NoLabel,
        AttributeSet::NoId,
        AttributeSet::Fewest,
    ];

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
        Self::from(Profile::of(&token.manufacturer, library, driver))
    }
}

impl From<&Profile> for Quirks {
    fn from(facts: &Profile) -> Self {
        let [no_usage, in_session, no_id, no_id_in_session] = [
            TemplateSet::without(&[Part::Usage]),
            TemplateSet::without(&[Part::Usage, Part::PublicStored]),
            TemplateSet::without(&[Part::Usage, Part::Id]),
            TemplateSet::without(&[Part::Usage, Part::PublicStored, Part::Id]),
        ];
        let template_sets = match facts.public_key_in_session {
            true => [TemplateSet::FULL, in_session, no_id_in_session, no_usage, no_id],
            false => [TemplateSet::FULL, no_usage, in_session, no_id, no_id_in_session],
        };
        Quirks { name: facts.name.clone(), template_sets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(public_key_in_session: bool) -> [TemplateSet; 5] {
        Quirks::from(&Profile { public_key_in_session, ..Profile::generic() }).template_sets
    }

    #[test]
    fn a_fact_changes_what_is_tried_second() {
        let in_session = TemplateSet::without(&[Part::Usage, Part::PublicStored]);
        assert_eq!(of(false)[..2], [TemplateSet::FULL, TemplateSet::without(&[Part::Usage])]);
        assert_eq!(of(true)[..2], [TemplateSet::FULL, in_session]);
    }

    /// A profile is a hint that may be wrong: the usual template goes first, and none leaves a set out.
    #[test]
    fn every_order_begins_alike_and_has_every_set() {
        let (one, other) = (of(false), of(true));
        assert_eq!((one[0], other[0]), (TemplateSet::FULL, TemplateSet::FULL));
        assert!(one.iter().all(|set| other.contains(set)));
    }
}
