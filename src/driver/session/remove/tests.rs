//! What a fresh read must say, object by object: each thing that differs stops the removal.

use std::sync::Arc;
use usbtoken_testkit::{Kind, SoftKey};

use super::super::object::made_up;
use super::*;
use crate::text::Lang;

const ID: &[u8] = b"id";
const LABEL: &[u8] = b"label";

fn value() -> PublicKey {
    PublicKey::from_spki_der(&SoftKey::generate(Kind::P256).spki()).unwrap()
}

fn certificate(id: &[u8], label: &str, der: &[u8]) -> Object {
    Object::Certificate(made_up::certificate(1, id, label, der))
}

fn public(id: &[u8], label: &[u8], value: &PublicKey) -> Object {
    Object::PublicKey(made_up::public_key(1, id, label, value.clone()))
}

fn private(id: &[u8], label: &[u8]) -> Object {
    Object::PrivateKey(made_up::private_key(1, id, label, None))
}

fn label(bytes: &[u8]) -> Label {
    Label::new(bytes.to_vec())
}

#[test]
fn a_certificate_is_known_by_its_bytes_its_identifier_and_its_label() {
    let is = Is::Certificate { id: ID.to_vec(), label: label(LABEL), der: Arc::from(*b"der") };
    assert!(is.agrees_with(&certificate(ID, "label", b"der")));
    for other in [
        certificate(b"other", "label", b"der"),
        certificate(ID, "other", b"der"),
        certificate(ID, "label", b"other"),
        certificate(ID, "label", b""),
        public(ID, LABEL, &value()),
        private(ID, LABEL),
    ] {
        assert!(!is.agrees_with(&other), "{other:?}");
    }
    // One of which nothing could be read cannot be known again.
    let empty = Is::Certificate { id: ID.to_vec(), label: label(LABEL), der: Arc::from([]) };
    assert!(!empty.agrees_with(&certificate(ID, "label", b"")));
}

#[test]
fn a_certificate_that_was_just_made_is_known_by_its_identifier_and_its_label() {
    let created = |der: &[u8], before: Option<Present>| Is::CreatedCertificate {
        id: ID.to_vec(),
        label: LABEL.to_vec(),
        der: Arc::from(der),
        before,
    };
    let is = created(b"", Some(Present::default()));
    assert!(is.agrees_with(&certificate(ID, "label", b"whatever the token made of it")));
    // But not what was there before, under this handle or another, nor whatever has come where that is not known.
    let known = Present { certificates: vec![Arc::from(*b"der")], ..Present::default() };
    assert!(!created(b"new", Some(known.clone())).agrees_with(&certificate(ID, "label", b"der")));
    assert!(created(b"new", Some(known.clone())).agrees_with(&certificate(ID, "label", b"other")));
    let Object::Certificate(one) = certificate(ID, "label", b"other") else { unreachable!() };
    let there = Present { handles: [one.place.handle].into(), owner: one.place.owner, ..known.clone() };
    assert!(!created(b"new", Some(there.clone())).agrees_with(&certificate(ID, "label", b"other")));
    assert!(!created(b"new", None).agrees_with(&certificate(ID, "label", b"other")));
    // The very value is ours, also under a handle that an object had which went; not where both were there.
    assert!(created(b"new", Some(there.clone())).agrees_with(&certificate(ID, "label", b"new")));
    assert!(created(b"new", None).agrees_with(&certificate(ID, "label", b"new")));
    assert!(!created(b"der", Some(there)).agrees_with(&certificate(ID, "label", b"der")));
    // Under another handle nothing else shows it.
    assert!(created(b"new", Some(known.clone())).is_shown_by(&certificate(ID, "other", b"new")));
    assert!(!created(b"new", Some(known)).is_shown_by(&certificate(ID, "label", b"other")));
    for other in [
        certificate(b"other", "label", b"der"),
        certificate(ID, "other", b"der"),
        certificate(b"", "", b"der"),
        private(ID, LABEL),
    ] {
        assert!(!is.agrees_with(&other), "{other:?}");
    }
    // The token has chosen the label.
    let is = created(b"der", Some(Present::default()));
    assert!(is.agrees_with(&certificate(ID, "other", b"der")));
    assert!(!is.agrees_with(&certificate(ID, "other", b"another")));
    assert!(!is.agrees_with(&certificate(b"other", "other", b"der")));
    // What carries nothing may be anybody's.
    let before = Some(Present::default());
    let bare = Is::CreatedCertificate { id: vec![], label: LABEL.to_vec(), der: Arc::from([]), before };
    assert!(!bare.agrees_with(&certificate(b"", "label", b"der")));
}

#[test]
fn a_public_key_is_known_by_its_value_its_identifier_and_its_label() {
    let ours = value();
    let is = Is::PublicKey { id: ID.to_vec(), label: label(LABEL), value: ours.clone() };
    assert!(is.agrees_with(&public(ID, LABEL, &ours)));
    for other in [
        public(b"other", LABEL, &ours),
        public(ID, b"other", &ours),
        public(ID, LABEL, &value()),
        private(ID, LABEL),
        certificate(ID, "label", b"der"),
    ] {
        assert!(!is.agrees_with(&other), "{other:?}");
    }
}

#[test]
fn a_private_key_is_known_by_its_identifier_and_its_label() {
    let is = Is::PrivateKey { id: ID.to_vec(), label: label(LABEL), signed_for: None };
    assert!(is.agrees_with(&private(ID, LABEL)));
    for other in [private(b"other", LABEL), private(ID, b"other"), public(ID, LABEL, &value())] {
        assert!(!is.agrees_with(&other), "{other:?}");
    }
}

/// Some tokens keep only one of both.
#[test]
fn a_half_that_was_just_made_is_known_by_its_label_or_its_identifier() {
    let is = Is::GeneratedHalf { id: ID.to_vec(), label: LABEL.to_vec() };
    let value = value();
    for ours in [
        private(ID, LABEL),
        private(ID, b"other"),
        private(b"other", LABEL),
        public(ID, LABEL, &value),
        public(ID, b"other", &value),
        public(b"other", LABEL, &value),
    ] {
        assert!(is.agrees_with(&ours), "{ours:?}");
    }
    for other in [
        private(b"other", b"other"),
        public(b"other", b"other", &value),
        private(b"", b""),
        certificate(ID, "label", b"der"),
    ] {
        assert!(!is.agrees_with(&other), "{other:?}");
    }
    // A token that sets the identifier later: none is nobody's.
    let without = Is::GeneratedHalf { id: vec![], label: LABEL.to_vec() };
    assert!(without.agrees_with(&private(b"", LABEL)) && without.agrees_with(&public(b"", LABEL, &value)));
    assert!(!without.agrees_with(&private(b"", b"")) && !without.agrees_with(&public(b"", b"", &value)));
}

#[test]
fn only_what_has_signed_or_tells_its_value_is_planned() {
    let (key, other) = (made_up::private_key(1, ID, LABEL, None), made_up::private_key(2, ID, LABEL, None));
    let step = Step::Abandon;
    assert!(Removal::new(step).private_key(&key, &Signed::made_up(&key, None)).is_ok());
    let error = Removal::new(step).private_key(&key, &Signed::made_up(&other, None)).unwrap_err();
    assert_eq!((error.code(), error.step()), (Code::RemovalDoubtful, Some(step)));
    let reason = error.facts().find(|(fact, _)| *fact == Fact::Reason).map(|(_, value)| value.to_owned());
    assert_eq!(reason.as_deref(), Some("another_key_signed"));
    let sentences = Lang::ALL.map(|lang| Fact::Reason.words("another_key_signed", lang));
    assert_eq!(sentences, ["別の鍵で署名されました", "another key has signed"]);
    let mut half = made_up::public_key(3, ID, LABEL, value());
    assert!(Removal::new(step).public_key(&half).is_ok());
    half.public_key = None;
    let error = Removal::new(step).public_key(&half).unwrap_err();
    assert_eq!(error.code(), Code::RemovalDoubtful);
    assert!(error.facts().any(|(fact, value)| fact == Fact::Id && value == hex(ID)), "{error:?}");
}

/// What an interrupted creation has left is known by its record and identifier, and has no value still.
#[test]
fn a_half_that_was_left_is_known_by_its_names_and_by_having_no_value() {
    let half = Is::HalfCertificate { id: ID.to_vec(), label: label(LABEL), der: Arc::from(*b"half") };
    assert!(half.agrees_with(&certificate(ID, "label", b"half")));
    for other in [
        certificate(b"other", "label", b"half"),
        certificate(ID, "other", b"half"),
        certificate(ID, "label", b"whole"),
        private(ID, LABEL),
    ] {
        assert!(!half.agrees_with(&other), "{other:?}");
    }
    let without = |id: &[u8], label: &[u8]| {
        let StoredPublicKey { place, id, label, .. } = made_up::public_key(1, id, label, value());
        Object::PublicKey(StoredPublicKey { place, id, label, public_key: None })
    };
    let half = Is::HalfPublicKey { id: ID.to_vec(), label: label(LABEL) };
    assert!(half.agrees_with(&without(ID, LABEL)));
    for other in [
        without(b"other", LABEL),
        without(ID, b"other"),
        public(ID, LABEL, &value()),
        public(b"other", b"other", &value()),
        private(ID, LABEL),
    ] {
        assert!(!half.agrees_with(&other), "{other:?}");
    }
}

/// Some drivers number their objects anew with each search: a certificate that is to go is no new one, as often as it is to go.
#[test]
fn a_removal_knows_the_certificates_that_it_plans() {
    let (one, two) =
        (made_up::certificate(1, ID, "label", b"one"), made_up::certificate(2, ID, "label", b"two"));
    let key = made_up::private_key(3, ID, LABEL, None);
    let planned = [0, 1, 2].map(|many| {
        let removal = Removal::new(Step::Retire).named_private_key(&key);
        [&one, &two].into_iter().take(many).fold(removal, Removal::certificate)
    });
    assert_eq!(planned.each_ref().map(Removal::certificates), [0, 1, 2]);
    let plans = planned.each_ref().map(|one| one.plans(&certificate(ID, "label", b"two")));
    assert_eq!(plans, [false, false, true]);
}

/// Of what is not read as a certificate nobody can tell, and a person may go on with it.
#[test]
fn a_certificate_that_came_may_be_for_the_key() {
    use usbtoken_testkit::{TestCa, manual_subject};
    let spki = SoftKey::generate(Kind::P256).spki();
    let (key, other) = (PublicKey::from_spki_der(&spki).unwrap(), value());
    let der = TestCa::new().issue(&manual_subject().to_der(), &spki).der();
    for removal in [Removal::new(Step::Retire), Removal::new(Step::Retire).although_unread()] {
        assert!(may_be_for(&der, &key, &removal) && !may_be_for(&der, &other, &removal));
        assert_eq!(may_be_for(b"?", &key, &removal), !removal.although_unread);
    }
}

/// While one has to stay, a search that shows none says that nothing shows.
#[test]
fn a_private_key_stays_once_it_was_said() {
    let (one, key) = (made_up::certificate(1, ID, "label", b"one"), made_up::private_key(3, ID, LABEL, None));
    let new = || Removal::new(Step::Retire);
    assert!(!new().keeps_key && !new().while_there(&one, None).keeps_key);
    assert!(new().while_there(&one, Some(&key)).beside_other_keys(false).keeps_key);
    assert!(new().beside_other_keys(true).while_there(&one, None).keeps_key);
    assert!(!new().beside_other_keys(false).keeps_key);
}

/// Errors say which object it was.
#[test]
fn every_planned_object_has_its_identifier() {
    let (id, text) = (ID.to_vec(), LABEL.to_vec());
    for is in [
        Is::Certificate { id: id.clone(), label: label(LABEL), der: Arc::from([1]) },
        Is::CreatedCertificate { id: id.clone(), label: text.clone(), der: Arc::from([]), before: None },
        Is::LeftCertificate { id: id.clone(), label: text.clone(), der: vec![] },
        Is::PublicKey { id: id.clone(), label: label(LABEL), value: value() },
        Is::PrivateKey { id: id.clone(), label: label(LABEL), signed_for: None },
        Is::HalfCertificate { id: id.clone(), label: label(LABEL), der: Arc::from([]) },
        Is::HalfPublicKey { id: id.clone(), label: label(LABEL) },
        Is::GeneratedHalf { id, label: text },
    ] {
        assert_eq!(is.id(), ID);
    }
}

impl Removal {
    /// What is planned, by class and identifier.
    pub(crate) fn planned(&self) -> Vec<String> {
        let class = |is: &Is| match is {
            Is::Certificate { .. } | Is::CreatedCertificate { .. } => "certificate",
            Is::HalfCertificate { .. } | Is::LeftCertificate { .. } => "half",
            Is::PublicKey { .. } => "public",
            Is::PrivateKey { .. } => "private",
            Is::HalfPublicKey { .. } => "half",
            Is::GeneratedHalf { .. } => "half",
        };
        let name = |planned: &Planned| format!("{} {:?}", class(&planned.is), planned.place.handle);
        self.planned.iter().map(name).collect()
    }

    /// Whether a private key is to stay.
    pub(crate) fn keeps_key(&self) -> bool {
        self.keeps_key
    }
}
