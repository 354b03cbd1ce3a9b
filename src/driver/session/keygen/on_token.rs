//! What is made on a token, found there again, and named where the token takes names.

use usbtoken_testkit::{Kind, TestCa, manual_subject};

use super::super::fresh::Fresh;
use super::super::open::{Access, Open};
use super::*;

const LABEL: &[u8] = b"our label";

fn made(fresh: &Fresh) -> NewKeyPair {
    let before = fresh.session.present().unwrap();
    fresh.session.generate_key_pair(KeyKind::P256, (LABEL, LabelIs::Wished), &before).unwrap()
}

/// Beside pairs of others with the same identifier; how it signs is known from its public half, which its private key does not report.
#[test]
fn a_pair_is_found_again_by_both_its_names() {
    let fresh = Fresh::token();
    let mut pair = made(&fresh);
    let id = pair.private.id.clone();
    let certificate = TestCa::new().issue(&manual_subject().to_der(), pair.public_key.spki_der()).der();
    fresh.soft.inspect(|inspector| {
        for number in 0..6 {
            inspector.generate_pair_beside(Kind::P256, &id, &format!("their label {number}"));
        }
        inspector.generate_pair_beside(Kind::P256, b"other", "our label");
        inspector.write_certificate(&certificate, &id, "somebody's");
    });
    pair.private.algorithm = Some(SignatureAlgorithm::EcdsaSha384);
    let (found, present) = fresh.session.found_again(&pair).unwrap();
    assert!(found.private.is_same_object(&pair.private));
    assert_eq!(found.private.algorithm, pair.private.algorithm);
    assert_eq!(found.private.public_key.as_ref(), Some(&pair.public_key));
    let public = found.public.unwrap();
    assert_eq!(
        (public.place, public.public_key),
        (pair.public.unwrap().place, Some(pair.public_key.clone()))
    );
    // Two halves of each of seven pairs, and the certificate: what stands under the identifier.
    assert_eq!((present.handles.len(), present.owner), (15, fresh.session.open_session().owner()));
    assert!(present.handles.contains(&found.private.place.handle));
    // Once more under both names: which of the two it is, nobody can tell.
    fresh.soft.inspect(|inspector| inspector.generate_pair_beside(Kind::P256, &id, "our label"));
    let pair = NewKeyPair { private: found.private, public: None, ..pair };
    assert_eq!(fresh.session.found_again(&pair).unwrap_err().code(), Code::KeyMissing);
    fresh.soft.inspect(|inspector| inspector.destroy(&id));
    let error = fresh.session.found_again(&pair).unwrap_err();
    assert_eq!(error.code(), Code::KeyMissing);
    assert!(error.facts().any(|(fact, value)| fact == Fact::Id && value == hex(&id)), "{error:?}");
}

/// A token that takes our names late has them; one that does not is asked once, and that is said.
#[test]
fn a_pair_is_labelled_where_the_token_has_the_label() {
    let mut fresh = Fresh::token();
    let pair = made(&fresh);
    let id = pair.private.id.clone();
    let named = fresh.session.named(pair.clone(), &id, LABEL).unwrap();
    assert!(named.labelled && pair.labelled);
    let named = fresh.session.named(pair.clone(), &id, b"another label").unwrap();
    assert!(named.labelled && named.has_label(b"another label"));
    // Without a public half nobody could know it again by both.
    let alone = NewKeyPair { public: None, ..named.clone() };
    assert!(!fresh.session.named(alone, &id, b"another label").unwrap().labelled);
    // A session that only reads sets nothing.
    fresh.session.open = Open::new(&fresh.token, Access::Read).unwrap();
    let mut pair = named;
    pair.private.place.owner = fresh.session.open.owner();
    let public = pair.public.as_mut().unwrap();
    public.place.owner = fresh.session.open.owner();
    let named = fresh.session.named(pair, &id, LABEL).unwrap();
    assert!(!named.labelled && named.has_label(b"another label"));
}

#[test]
fn a_label_is_taken_where_the_token_has_it_and_did_not_choose_it() {
    let mut fresh = Fresh::token();
    let key = made(&fresh).private;
    let has = |fresh: &Fresh, label: &[u8]| fresh.session.has_taken_label(&key, label);
    assert!(has(&fresh, LABEL) && has(&fresh, b"our"));
    assert!(!has(&fresh, b"other") && !has(&fresh, b"our label 2"));
    // It is read as if it had it.
    let labels = [(key.id.clone(), LABEL.to_vec())].into();
    fresh.session.open.token = fresh.token.clone().with_labels(labels);
    assert!(!has(&fresh, LABEL) && !has(&fresh, b"other"));
}

/// While there is another label to ask for, nothing is left out for the sake of this one.
#[test]
fn a_set_without_the_label_or_the_protection_is_for_who_has_no_other_label() {
    let fresh = Fresh::token();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let sets = |label_is| fresh.session.template_sets(kind, label_is);
        let whole = |set: &&TemplateSet| set.has(Part::Label) && set.has_protection();
        let (several, wished) = (sets(LabelIs::OneOfSeveral), sets(LabelIs::Wished));
        assert!(several.iter().filter(whole).eq(several.iter()) && !several.is_empty());
        assert!(wished.iter().filter(whole).eq(several.iter()) && wished.len() > several.len());
        assert!(wished.iter().any(|set| set.has(Part::Label) && !set.has_protection()));
        assert!(wished.iter().any(|set| !set.has(Part::Label) && set.has_protection()));
    }
}
