//! Which halves are those of the pair that was just made, what they are known by, and what several refusals come to.

use usbtoken_testkit::{Kind, SoftKey};

use super::super::object::{Owner, made_up};
use super::*;

const ID: &[u8] = b"our identifier";
const LABEL: &[u8] = b"our label";

fn public_key() -> PublicKey {
    PublicKey::from_spki_der(&SoftKey::generate(Kind::P256).spki()).unwrap()
}

/// A private key and a public key were there before, the first under a handle that a driver may give again.
fn before() -> Present {
    let handles = [made_up::private_key(1, b"", b"", None).place.handle].into();
    Present { handles, key_ids: [b"old".to_vec()].into(), ..Present::default() }
}

fn pair(private: (u32, &[u8], &[u8]), public: Option<(u32, &[u8], &[u8])>) -> NewKeyPair {
    let public_key = public_key();
    let half = |(number, id, label)| made_up::public_key(number, id, label, public_key.clone());
    NewKeyPair {
        private: made_up::private_key(private.0, private.1, private.2, None),
        public: public.map(half),
        public_key: public_key.clone(),
        labelled: true,
    }
}

/// A driver may give the handle of another object: what was there before and has neither of our names is somebody's key.
#[test]
fn a_half_is_new_by_one_of_its_names_or_as_what_was_not_there() {
    let before = before();
    let wanted = Wanted { id: ID, label: LABEL, before: &before };
    for (half, is_new) in [
        ((1, ID, &b"other"[..]), true),
        ((1, b"other", LABEL), true),
        ((1, b"other", b"our label \0"), true),
        ((9, b"chosen", b"other"), true),
        ((1, b"chosen", b"other"), false),
        // Some drivers number their objects anew: then the identifier tells.
        ((9, b"old", b"other"), false),
    ] {
        assert_eq!(pair(half, None).is_new(wanted), is_new, "{half:?}");
        assert_eq!(pair((9, ID, LABEL), Some(half)).is_new(wanted), is_new, "{half:?}");
        assert_eq!(pair(half, Some((9, ID, LABEL))).is_new(wanted), is_new, "{half:?}");
    }
    // Of what was seen in another session nothing is known.
    let elsewhere = Present { owner: Owner(7), ..Present::default() };
    let wanted = Wanted { before: &elsewhere, ..wanted };
    assert!(!pair((9, b"chosen", b"other"), None).is_new(wanted));
    assert!(pair((9, ID, b"other"), None).is_new(wanted));
}

/// What a refused attempt has left without a name is seen by what is there more than before.
#[test]
fn what_came_is_more_than_was_there() {
    let with = |numbers: &[u32]| {
        let handles = numbers.iter().map(|one| made_up::private_key(*one, b"", b"", None).place.handle);
        Present { handles: handles.collect(), ..Present::default() }
    };
    assert!(with(&[1, 2]).has_more_than(&with(&[1])) && with(&[2]).has_more_than(&with(&[1])));
    assert!(!with(&[1]).has_more_than(&with(&[1, 2])) && !with(&[1]).has_more_than(&with(&[1])));
}

/// Both halves have it, or the certificate would not belong to its key for every program.
#[test]
fn a_pair_has_a_name_when_both_halves_have_it() {
    let names = |pair: NewKeyPair| (pair.has_id(ID), pair.has_label(LABEL));
    assert_eq!(names(pair((1, ID, LABEL), Some((2, ID, LABEL)))), (true, true));
    assert_eq!(names(pair((1, ID, LABEL), None)), (true, true));
    assert_eq!(names(pair((1, b"other", b"other"), Some((2, ID, LABEL)))), (false, false));
    assert_eq!(names(pair((1, ID, LABEL), Some((2, b"other", b"other")))), (false, false));
    assert_eq!(names(pair((1, b"other", b"other"), Some((2, b"other", b"other")))), (false, false));
}

/// Tokens pad, and some cut.
#[test]
fn a_label_is_kept_but_for_padding() {
    let kept = |half: &[u8]| is_kept(LABEL, &Label::new(half.to_vec()));
    for half in [&b"our label"[..], b"our label  ", b"our label\0\0", b"our label \0"] {
        assert!(kept(half), "{half:?}");
    }
    for half in [&b"our labe"[..], b"our label 2", b"", b"label", b" our label"] {
        assert!(!kept(half), "{half:?}");
    }
}

/// The first refusal is of the usual template: another cause than the template is told as it is.
#[test]
fn what_several_refusals_come_to_is_told_by_the_first() {
    let refusal = |rv| Failure::Returned { function: "C_GenerateKeyPair", rv };
    let told = |rvs: &[CK_RV]| none_taken(rvs.iter().map(|rv| refusal(*rv)).collect());
    let of_template = told(&[CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID, CKR_GENERAL_ERROR]);
    assert_eq!(of_template.code(), Code::TemplateRefused);
    let named: Vec<&str> = of_template.facts().map(|(_, value)| value).collect();
    assert_eq!(named, ["CKR_ATTRIBUTE_TYPE_INVALID", "CKR_GENERAL_ERROR", "CKR_TEMPLATE_INCONSISTENT"]);
    let unclear = told(&[CKR_GENERAL_ERROR, CKR_TEMPLATE_INCONSISTENT]);
    assert_eq!(unclear.code(), refusal(CKR_GENERAL_ERROR).during(Step::GenerateKeyPair).code());
    assert_ne!(unclear.code(), Code::TemplateRefused);
    assert_eq!(told(&[]).code(), Code::TemplateRefused);
    for error in [of_template, unclear] {
        assert_eq!(error.step(), Some(Step::GenerateKeyPair));
    }
}

/// Two of them are never alike: by it the halves are known.
#[test]
fn an_identifier_is_random() {
    let (one, other) = (random_id().unwrap(), random_id().unwrap());
    assert_ne!(one, other);
}
