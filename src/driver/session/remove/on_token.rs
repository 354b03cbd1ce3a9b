//! What is read of a token before something goes, after it went, and where something has come meanwhile.

use usbtoken_testkit::{Kind, TestCa, manual_subject};

use super::super::fresh::Fresh;
use super::*;
use usbtoken_pkcs11::types::CKO_CERTIFICATE;
use usbtoken_pkcs11::types::{CKA_CERTIFICATE_TYPE, CKA_SUBJECT, CKA_TOKEN, CKA_VALUE};

const ID: &[u8] = b"id";

/// A token with a pair and a certificate for it, and what a session has read of that.
struct Read {
    fresh: Fresh,
    key: StoredKey,
    public: PublicKey,
    certificate: StoredCertificate,
    present: Present,
}

impl Read {
    fn of(kind: Kind) -> Self {
        let fresh = Fresh::with(|soft| {
            soft.inspect(|inspector| {
                let spki = inspector.generate_pair(kind, ID, "label");
                inspector.write_certificate(&certificate(&spki), ID, "label");
            });
        });
        let objects = fresh.session.objects(None).unwrap();
        let (key, certificate) = (objects.private_keys[0].clone(), objects.certificates[0].clone());
        let public = objects.public_keys[0].public_key.clone().unwrap();
        Read { fresh, key, public, certificate, present: objects.present }
    }

    fn session(&self) -> &Session {
        &self.fresh.session
    }

    /// The removal of the key, made where this was known.
    fn removal(&self, known: Present) -> Removal {
        let signed = Signed::made_up(&self.key, Some(self.public.clone()));
        Removal::of(Step::Retire, &Arc::new(known)).private_key(&self.key, &signed).unwrap()
    }

    /// As a driver shows what is there that numbers its objects anew: under no number that was known.
    fn renumbered(&self) -> Present {
        Present { handles: BTreeSet::new(), ..self.present.clone() }
    }
}

fn certificate(spki: &[u8]) -> Vec<u8> {
    TestCa::new().issue(&manual_subject().to_der(), spki).der()
}

/// Why a private key stays, as the search before the first destruction says.
fn came(read: &Read, removal: &Removal) -> Option<String> {
    let planned = removal.planned.last().unwrap();
    let error = read.session().make_sure_nothing_came(planned, removal).err()?;
    assert_eq!((error.code(), error.step()), (Code::RemovalDoubtful, Some(Step::Retire)));
    error.facts().find(|(fact, _)| *fact == Fact::Reason).map(|(_, reason)| reason.to_owned())
}

#[test]
fn a_search_says_whether_an_object_is_there() {
    let read = Read::of(Kind::P256);
    let handle = read.key.place.handle;
    assert!(read.session().is_found(handle).unwrap());
    assert!(!read.session().is_found(ObjectHandle(handle.0 + 1000)).unwrap());
    read.fresh.soft.inspect(|inspector| inspector.destroy(ID));
    assert!(!read.session().is_found(handle).unwrap());
}

#[test]
fn what_is_there_is_known_by_its_numbers_in_this_session() {
    let read = Read::of(Kind::P256);
    let present = read.session().present().unwrap();
    assert_eq!(
        (present.owner, &present.handles),
        (read.session().open_session().owner(), &read.present.handles)
    );
    assert_eq!(present.handles.len(), 3);
}

/// Under a handle another object may stand by then: it is not that one which was kept.
#[test]
fn an_object_went_where_its_handle_has_another() {
    let read = Read::of(Kind::P256);
    let handle = read.key.place.handle;
    let of = |label: &[u8]| {
        let key = StoredKey { label: Label::new(label.to_vec()), ..read.key.clone() };
        Removal::new(Step::Retire).named_private_key(&key)
    };
    let went = |label: &[u8]| read.session().make_sure_it_went(handle, &of(label).planned[0], Step::Retire);
    assert!(went(b"other").is_ok());
    let error = went(b"label").unwrap_err();
    assert_eq!((error.code(), error.step()), (Code::DestroyFailed, Some(Step::Retire)));
    read.fresh.soft.inspect(|inspector| inspector.destroy(ID));
    assert!(went(b"label").is_ok());
}

/// After a destruction that is said to have failed: what stands under its handle, or elsewhere as planned, has not gone.
#[test]
fn an_object_has_gone_where_nothing_is_it() {
    let read = Read::of(Kind::P256);
    let (handle, known) = (read.key.place.handle, read.present.clone());
    let public = read.session().objects(None).unwrap().public_keys[0].place.handle;
    let gone = |handle, signed_for: &PublicKey| {
        let signed = Signed::made_up(&read.key, Some(signed_for.clone()));
        let removal = Removal::of(Step::Retire, &Arc::new(known.clone()));
        let removal = removal.private_key(&read.key, &signed).unwrap();
        read.session().has_gone(handle, &removal.planned[0], &removal)
    };
    let other = PublicKey::from_spki_der(&usbtoken_testkit::SoftKey::generate(Kind::P256).spki()).unwrap();
    // Under its own handle it is known by what it says, whatever it signs; under another one by that.
    assert!(!gone(handle, &read.public) && !gone(handle, &other));
    for moved in [public, ObjectHandle(handle.0 + 1000)] {
        assert!(!gone(moved, &read.public) && gone(moved, &other));
    }
    read.fresh.soft.inspect(|inspector| inspector.destroy(ID));
    assert!(gone(handle, &read.public));
}

/// A private key under another handle is the one that signs for what the planned one has signed for.
#[test]
fn a_private_key_is_found_again_by_what_it_signs() {
    let read = Read::of(Kind::P256);
    let other = PublicKey::from_spki_der(&usbtoken_testkit::SoftKey::generate(Kind::P256).spki()).unwrap();
    let (id, label) = (ID.to_vec(), read.key.label.clone());
    let is = |signed_for| Is::PrivateKey { id: id.clone(), label: label.clone(), signed_for };
    let has = |signed_for, object| read.session().has_signed(&is(signed_for), object).unwrap();
    let key = || Object::PrivateKey(read.key.clone());
    assert!(has(Some(read.public.clone()), key()));
    assert!(!has(Some(other.clone()), key()));
    // One that a person has named, and what has a value to be known by.
    assert!(has(None, key()) && has(Some(other), Object::Certificate(read.certificate.clone())));
}

/// Some drivers report of a private key the public half of what has the same identifier: that is not asked.
#[test]
fn a_private_key_is_read_again_without_its_public_half() {
    let read = Read::of(Kind::Rsa2048);
    assert!(read.key.public_key.is_some());
    let is = Is::PrivateKey { id: ID.to_vec(), label: read.key.label.clone(), signed_for: None };
    match read.session().read_again(read.key.place.handle, &is) {
        Again::There(object @ Object::PrivateKey(_)) if is.agrees_with(&object) => {
            assert!(matches!(object, Object::PrivateKey(key) if key.public_key.is_none()));
        }
        _ => panic!("it is there"),
    }
}

#[test]
fn what_was_known_is_no_certificate_that_came() {
    let read = Read::of(Kind::P256);
    assert_eq!(came(&read, &read.removal(read.present.clone())), None);
    // Its own certificate is unknown, and is not to go.
    assert_eq!(came(&read, &read.removal(read.renumbered())).as_deref(), Some("certificate_came"));
    let elsewhere = Present { owner: super::super::object::Owner(u64::MAX), ..read.present.clone() };
    assert_eq!(came(&read, &read.removal(elsewhere)).as_deref(), Some("certificate_came"));
    // It is to go with the key: it is known under any number.
    let both = |known| {
        let removal = Removal::of(Step::Retire, &Arc::new(known)).certificate(&read.certificate);
        let signed = Signed::made_up(&read.key, Some(read.public.clone()));
        removal.private_key(&read.key, &signed).unwrap()
    };
    assert_eq!(came(&read, &both(read.renumbered())), None);
    // As often as it is to go: another program has written the same object once more.
    read.fresh.soft.inspect(|inspector| inspector.write_certificate(&read.certificate.der, ID, "label"));
    assert_eq!(came(&read, &both(read.renumbered())).as_deref(), Some("certificate_came"));
    assert_eq!(came(&read, &both(read.present.clone())), None);
}

/// A certificate of another kind may be for the key as well: only a person can say that it is not.
#[test]
fn a_certificate_of_another_kind_that_came_keeps_the_key() {
    const CKC_OPENPGP: usbtoken_pkcs11::types::CK_ULONG = 0x8050_4750;
    let read = Read::of(Kind::P256);
    let open = read.session().open_session();
    let template = Template::new()
        .number(CKA_CLASS, CKO_CERTIFICATE)
        .number(CKA_CERTIFICATE_TYPE, CKC_OPENPGP)
        .flag(CKA_TOKEN, true)
        .bytes(CKA_SUBJECT, b"?")
        .bytes(CKA_VALUE, b"?");
    let removal = read.removal(read.present.clone());
    assert_eq!(came(&read, &removal), None);
    open.functions().create_object(open.handle(), template).unwrap();
    assert_eq!(came(&read, &removal).as_deref(), Some("certificate_came"));
    assert_eq!(came(&read, &removal.although_unread()), None);
}

/// Between the search and the reading an object may go: it has not come. What does not answer may be anything.
#[test]
fn what_has_gone_since_the_search_has_not_come() {
    let read = Read::of(Kind::P256);
    let (session, known) = (read.session(), read.present.clone());
    let removal = read.removal(known.clone());
    let gone = ObjectHandle(read.key.place.handle.0 + 1000);
    let came = || {
        let found = known.handles.iter().copied().chain([gone]).collect();
        session.make_sure_none_came(found, (&removal.planned[0], &read.public), &removal, &known)
    };
    came().unwrap();
    let open = session.open_session();
    open.functions().close_session(open.handle()).unwrap();
    let error = came().unwrap_err();
    assert_eq!((error.code(), error.step()), (Code::RemovalDoubtful, Some(Step::Retire)));
    assert!(error.facts().any(|one| one == (Fact::Reason, "object_unreadable")), "{error:?}");
}

/// Objects that are alike in everything are as many as the search by their identifier finds, or none of them goes.
#[test]
fn what_is_alike_is_found_as_often_as_it_is_to_go() {
    let read = Read::of(Kind::P256);
    let session = read.session();
    read.fresh.soft.inspect(|inspector| {
        inspector.write_certificate(&read.certificate.der, ID, "label");
        inspector.write_certificate(&certificate(read.public.spki_der()), b"else", "label");
    });
    let all = session.objects(None).unwrap();
    let alike: Vec<&StoredCertificate> = all.certificates.iter().filter(|one| one.id == ID).collect();
    assert_eq!(alike.len(), 2);
    let sure = |handles: &[u64], id: &[u8]| {
        let step = Removal::new(Step::Retire);
        let removal = handles.iter().fold(step, |removal, handle| {
            let mut one = StoredCertificate { id: id.to_vec(), ..alike[0].clone() };
            one.place.handle = ObjectHandle(*handle);
            removal.certificate(&one)
        });
        let each = removal.planned.iter().map(|one| session.make_sure_alike_are_found(one, &removal));
        each.map(|sure| sure.map_err(|error| error.code())).collect::<Vec<_>>()
    };
    let [one, two] = [alike[0], alike[1]].map(|one| one.place.handle.0);
    let (other, doubtful) = (one + 1000, Err(Code::RemovalDoubtful));
    assert_eq!(sure(&[one, two], ID), [Ok(()), Ok(())]);
    // One search for all of them; what is read under another number as one of them is another object.
    assert_eq!(sure(&[one, other], ID), [doubtful, Ok(())]);
    assert_eq!(sure(&[one, two, other], ID), [doubtful, Ok(()), Ok(())]);
    // Numbered anew: as many as there are.
    assert_eq!(sure(&[other, other + 1], ID), [Ok(()), Ok(())]);
    assert_eq!(sure(&[other, other + 1, other + 2], ID), [doubtful, Ok(()), Ok(())]);
    // A single one is read before it goes, and nothing is found by no identifier.
    assert_eq!(sure(&[other], b"none"), [Ok(())]);
    assert_eq!(sure(&[other, other + 1], b""), [Ok(()), Ok(())]);
    // The same of public keys; of others in the plan nothing counts.
    let public = all.public_keys[0].clone();
    let mut moved = public.clone();
    moved.place.handle = ObjectHandle(other);
    let twice = |second: &StoredPublicKey| {
        let removal = Removal::new(Step::Retire).public_key(&public).unwrap().public_key(second).unwrap();
        let removal = removal.certificate(alike[0]).named_private_key(&read.key);
        removal.planned.iter().all(|one| session.make_sure_alike_are_found(one, &removal).is_ok())
    };
    assert!(!twice(&moved));
    let another = StoredPublicKey { id: b"far".to_vec(), ..moved };
    assert!(twice(&another), "it is not alike");
}

/// What has to stay may have another number where something else has.
#[test]
fn what_has_to_stay_is_there_or_numbered_anew() {
    let read = Read::of(Kind::P256);
    let mut gone = read.certificate.clone();
    gone.place.handle = ObjectHandle(gone.place.handle.0 + 1000);
    let removal = |known| read.removal(known).although_unread();
    let present = || read.present.clone();
    assert_eq!(came(&read, &removal(present()).while_there(&read.certificate, Some(&read.key))), None);
    assert_eq!(came(&read, &removal(present()).while_there(&gone, None)).as_deref(), Some("successor_went"));
    // A public key has another number than before.
    let mut known = present();
    let public = read.session().objects(None).unwrap().public_keys[0].place.handle;
    known.handles.remove(&public);
    assert_eq!(came(&read, &removal(known).while_there(&gone, None)), None);
}

/// What a refused creation left goes by its names or its value, and whether there was any is said.
#[test]
fn what_a_creation_left_goes_and_nothing_else() {
    let read = Read::of(Kind::P256);
    let session = read.session();
    let (ours, theirs) = (certificate(read.public.spki_der()), certificate(read.public.spki_der()));
    let before = session.present().unwrap();
    let remove =
        |but| session.remove_leftover_certificates((b"new", b"our label", &ours), &before, but).unwrap();
    assert!(!remove(None));
    read.fresh.soft.inspect(|inspector| {
        inspector.write_certificate(&theirs, b"", "their label");
        inspector.write_certificate(&ours, b"new", "our label");
    });
    assert!(remove(None) && !remove(None));
    // Without an identifier only the very value shows it.
    read.fresh.soft.inspect(|inspector| inspector.write_certificate(&ours, b"", ""));
    session.remove_copies(&ours, &before).unwrap();
    let left = session.objects(None).unwrap().certificates;
    let left: BTreeSet<Vec<u8>> = left.iter().map(|one| one.der.to_vec()).collect();
    assert_eq!(left, BTreeSet::from([read.certificate.der.to_vec(), theirs]));
}

/// A driver may give the handle of a certificate that was there for the one that it has created, and read it as that: the search by value
/// does not find it so, and nothing is taken back.
#[test]
fn what_was_there_under_the_handle_of_a_created_certificate_is_found_by_its_value() {
    let read = Read::of(Kind::P256);
    let sure = |der: &[u8], before: Option<&Present>| {
        let written = StoredCertificate { der: Arc::from(der), ..read.certificate.clone() };
        let removal = Removal::new(Step::WriteCertificate).created_certificate(&written, before);
        let sure = read.session().make_sure_alike_are_found(&removal.planned[0], &removal);
        sure.map_err(|error| error.code())
    };
    let other = certificate(read.public.spki_der());
    assert_eq!(sure(&other, Some(&read.present)), Err(Code::RemovalDoubtful));
    assert_eq!(sure(&read.certificate.der, Some(&read.present)), Ok(()));
    // Under a new handle it is the new one, and nobody knows without what was there.
    assert_eq!(sure(&other, Some(&read.renumbered())), Ok(()));
    assert_eq!(sure(&other, None), Ok(()));
}
