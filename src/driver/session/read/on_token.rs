//! What is read of objects on a token.

use super::super::fresh::Fresh;
use super::super::object::made_up;
use super::super::open::Access;
use super::*;
use crate::driver::token::Token;
use crate::pki::PublicKey;
use usbtoken_testkit::{Kind, SoftKey, TestCa, days_from_now, manual_subject};

fn der() -> Vec<u8> {
    TestCa::new().issue(&manual_subject().to_der(), &SoftKey::generate(Kind::P256).spki()).der()
}

/// Of another type than X.509, as the token has it.
fn write_other(open: &Open, id: &[u8], value: &[u8]) {
    /// SoftHSM's CKC_OPENPGP, a vendor's number.
    const OPENPGP: CK_ULONG = 0x8050_4750;
    let template = Template::new()
        .number(CKA_CLASS, CKO_CERTIFICATE)
        .number(CKA_CERTIFICATE_TYPE, OPENPGP)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, false)
        .bytes(CKA_SUBJECT, &[0x30, 0])
        .bytes(CKA_ID, id)
        .bytes(CKA_VALUE, value);
    open.functions().create_object(open.handle(), template).unwrap();
}

fn handles(open: &Open, class: CK_OBJECT_CLASS) -> Vec<ObjectHandle> {
    open.find(Template::new().number(CKA_CLASS, class)).unwrap()
}

fn only(open: &Open, class: CK_OBJECT_CLASS) -> ObjectHandle {
    let found = handles(open, class);
    assert_eq!(found.len(), 1);
    found[0]
}

/// Among few objects and among many, where they are searched for by class.
#[test]
fn everything_is_found_among_whatever_else_is_there() {
    for data in [0, 1, 60] {
        let ca = TestCa::new();
        let fresh = Fresh::with(|soft| {
            soft.first_credential(&ca, Kind::P256, days_from_now(90));
            soft.inspect(|inspector| {
                inspector.generate_pair(Kind::Rsa2048, b"rsa", "another");
                inspector.write_as_certificate(&[0x30, 0x03, 1], b"broken", "somebody's");
                (0..data).for_each(|one| inspector.write_data(&format!("data {one}"), &[one]));
            });
        });
        let (session, open) = (&fresh.session, fresh.session.open_session());
        write_other(open, b"other", b"no certificate");
        write_other(open, b"misnamed", &der());
        let public = PublicSession::open(&fresh.token).unwrap();
        for _ in 0..2 {
            let objects = session.objects(None).unwrap();
            let mut ids: Vec<&[u8]> = objects.certificates.iter().map(|one| one.id.as_slice()).collect();
            ids.sort_unstable();
            assert_eq!(ids, [&[1][..], b"broken", b"misnamed"], "{data}");
            assert!(objects.certificates.iter().all(|one| one.given));
            // Whose the one of another type is, nobody can tell.
            assert_eq!((objects.hidden_certificates, objects.unreadable, objects.silent), (1, 0, false));
            assert!(objects.refusal.is_none() && session.unread.get().is_none());
            let algorithm =
                |id: &[u8]| objects.private_keys.iter().find(|key| key.id == id).unwrap().algorithm;
            assert_eq!(algorithm(&[1]), Some(SignatureAlgorithm::EcdsaSha256));
            assert_eq!(algorithm(b"rsa"), Some(SignatureAlgorithm::RsaPkcs1Sha256));
            assert_eq!((objects.private_keys.len(), objects.public_keys.len()), (2, 2));
            assert!(objects.public_keys.iter().all(|key| key.public_key.is_some()));
            let present = &objects.present;
            assert_eq!((present.owner, present.handles.len()), (open.owner(), 8 + usize::from(data)));
            assert_eq!((present.key_ids.len(), present.certificates.len()), (2, 3));
            // The login is one of the whole process.
            let seen = public.objects().unwrap();
            assert_eq!((seen.certificates.len(), seen.private_keys.len(), seen.public_keys.len()), (3, 2, 2));
            assert_eq!(public.certificates().unwrap().certificates.len(), 3);
        }
    }
}

/// One that was read a moment ago stands as it was read then.
#[test]
fn what_is_known_is_not_read_again() {
    let fresh = Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.write_certificate(&der(), b"one", "theirs");
            inspector.write_certificate(&der(), b"two", "theirs");
        });
    });
    let objects = fresh.session.objects(None).unwrap();
    let known = objects.certificates.into_iter().find(|one| one.id == b"one").unwrap();
    let known = StoredCertificate { label: Label::new(b"known".to_vec()), ..known };
    let read = fresh.session.objects(Some(&known)).unwrap().certificates;
    let label = |id: &[u8]| read.iter().find(|one| one.id == id).unwrap().label.as_str().to_owned();
    assert_eq!((label(b"one"), label(b"two"), read.len()), ("known".to_owned(), "theirs".to_owned(), 2));
}

#[test]
fn what_hides_is_told_by_a_search_and_by_its_names() {
    let fresh =
        Fresh::with(|soft| drop(soft.first_credential(&TestCa::new(), Kind::P256, days_from_now(90))));
    let open = fresh.session.open_session();
    let (certificate, private) = (only(open, CKO_CERTIFICATE), only(open, CKO_PRIVATE_KEY));
    assert_eq!(open.certificates_among(&[]), 0);
    assert_eq!(open.certificates_among(&[private]), 0);
    assert_eq!(open.certificates_among(&[certificate, private]), 1);
    fresh.soft.inspect(|inspector| inspector.write_certificate(&der(), b"two", "theirs"));
    assert_eq!(open.certificates_among(&handles(open, CKO_CERTIFICATE)), 2);
    let read = open.read_without_value(certificate).unwrap();
    assert_eq!((read.id.as_slice(), read.label.as_str(), read.given), (&[1][..], "bank", false));
    assert!(read.der.is_empty() && open.read_without_value(private).is_none());
}

/// What is stored, where that finds what is known and more; else what is of our classes.
#[test]
fn one_search_is_enough_where_it_finds_what_is_known() {
    let fresh = Fresh::with(|soft| {
        soft.first_credential(&TestCa::new(), Kind::P256, days_from_now(90));
        soft.inspect(|inspector| inspector.write_data("data", b"data"));
    });
    let open = fresh.session.open_session();
    let classes = [CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY];
    let ours: BTreeSet<ObjectHandle> = classes.map(|class| only(open, class)).into();
    let data = only(open, CKO_DATA);
    let stored: BTreeSet<ObjectHandle> = ours.iter().copied().chain([data]).collect();
    let certificate = only(open, CKO_CERTIFICATE);
    let among = |known: &[ObjectHandle]| open.worth_reading(&known.iter().copied().collect()).unwrap();
    assert_eq!(among(&[certificate]), stored);
    assert_eq!(among(&[]), ours);
    assert_eq!(among(&[certificate, ObjectHandle(9_999)]), ours);
    assert_eq!(among(&stored.iter().copied().collect::<Vec<_>>()), ours);
}

/// That a login was lost is said where it may be why nothing private shows; on an empty token nothing is missing.
#[test]
fn nothing_private_is_missing_without_saying_that_the_login_is_lost() {
    let fresh = Fresh::token();
    let open = fresh.session.open_session();
    open.functions().logout(open.handle()).unwrap();
    assert!(fresh.session.objects(None).unwrap().present.handles.is_empty());
    fresh.soft.inspect(|inspector| inspector.write_certificate(&der(), b"one", "theirs"));
    open.functions().logout(open.handle()).ok();
    assert_eq!(fresh.session.objects(None).unwrap_err().code(), Code::LoginLost);
    // One that is logged in may have certificates alone.
    open.login(Some(fresh.soft.pin().as_bytes())).unwrap();
    assert_eq!(fresh.session.objects(None).unwrap().certificates.len(), 1);
}

#[test]
fn a_token_that_shows_nothing_before_the_login_is_empty_before_it() {
    let refused = |code| or_nothing(Err(Error::new(code)));
    assert!(refused(Code::PinRequired).unwrap().present.handles.is_empty());
    assert_eq!(refused(Code::DeviceFault).unwrap_err().code(), Code::DeviceFault);
    let one = || Objects { unreadable: 1, ..Objects::default() };
    assert_eq!(or_nothing(Ok(one())).unwrap().unreadable, 1);
}

#[test]
fn a_new_key_is_read_with_the_refusal_of_its_value_and_is_what_it_says() {
    let fresh =
        Fresh::with(|soft| drop(soft.first_credential(&TestCa::new(), Kind::P256, days_from_now(90))));
    let open = fresh.session.open_session();
    let (certificate, private) = (only(open, CKO_CERTIFICATE), only(open, CKO_PRIVATE_KEY));
    let public = only(open, CKO_PUBLIC_KEY);
    let key = open.read_new_private_key(private, Some(SignatureAlgorithm::EcdsaSha384)).unwrap();
    assert_eq!((key.algorithm, key.value_refused), (Some(SignatureAlgorithm::EcdsaSha384), true));
    assert_eq!((key.id.as_slice(), key.evidence.local), (&[1][..], Some(true)));
    assert!(!key.to_be_asked_again().value_refused && !open.read_private_key(private).unwrap().value_refused);
    // One whose value is not refused is read as well; how it signs is known from its public half.
    let shown = open_key(&fresh.session);
    let key = open.read_new_private_key(shown, Some(SignatureAlgorithm::EcdsaSha384)).unwrap();
    assert_eq!((key.algorithm, key.value_refused), (Some(SignatureAlgorithm::EcdsaSha384), false));
    for other in [certificate, public] {
        let refused = open.read_new_private_key(other, None).map(drop).unwrap_err();
        assert_eq!(refused.code(), Code::DriverMisbehaved);
    }
    assert!(open.read_public_key(public).unwrap().1.is_none());
    for other in [certificate, private] {
        assert_eq!(open.read_public_key(other).map(drop).unwrap_err().code(), Code::DriverMisbehaved);
    }
    let flag = |of, kind| open.read_flag(of, kind).unwrap();
    assert_eq!(flag(private, CKA_SENSITIVE), Some(true));
    assert_eq!(flag(private, CKA_EXTRACTABLE), Some(false));
    assert_eq!(flag(certificate, CKA_SENSITIVE), None);
}

#[test]
fn that_the_token_made_a_certificate_private_is_read() {
    let fresh = Fresh::token();
    let open = fresh.session.open_session();
    for private in [false, true] {
        let template = Template::new()
            .number(CKA_CLASS, CKO_CERTIFICATE)
            .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
            .flag(CKA_TOKEN, true)
            .flag(CKA_PRIVATE, private)
            .bytes(CKA_SUBJECT, &[0x30, 0])
            .bytes(CKA_VALUE, &der());
        let handle = open.functions().create_object(open.handle(), template).unwrap();
        assert_eq!(open.read_written(handle).unwrap().1, private);
    }
    let pair = fresh.soft.inspect(|inspector| inspector.generate_pair(Kind::P256, b"id", "theirs"));
    assert!(!pair.is_empty());
    open.login(Some(fresh.soft.pin().as_bytes())).unwrap();
    let refused = open.read_written(only(open, CKO_PUBLIC_KEY)).map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::ReadBackDiffers);
}

/// Handles of one session mean nothing in another.
#[test]
fn objects_belong_to_the_session_that_read_them() {
    let fresh = Fresh::token();
    let [one, two] = [(); 2].map(|()| Open::new(&fresh.token, Access::Read).unwrap());
    let handle = ObjectHandle(7);
    assert_eq!(two.handle_of(two.place(handle)).unwrap(), handle);
    for (open, of) in [(&one, &two), (&two, &one), (&one, fresh.session.open_session())] {
        assert_eq!(open.handle_of(of.place(handle)).unwrap_err().code(), Code::SessionLost);
    }
}

/// A key of one kind is not asked for what only the other has.
#[test]
fn a_key_is_asked_for_what_it_can_have() {
    let fresh = Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.generate_pair(Kind::P256, b"ec", "one");
            inspector.generate_pair(Kind::Rsa2048, b"rsa", "two");
        });
    });
    let open = fresh.session.open_session();
    let kind = |id: &[u8], wanted: &[Wanted]| {
        let template = Template::new().number(CKA_CLASS, CKO_PUBLIC_KEY).bytes(CKA_ID, id);
        let handle = open.find(template).unwrap()[0];
        open.attributes_where(handle, wanted, |_, _| true).unwrap()
    };
    let all = [CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ID, CKA_LABEL];
    let asked = |known: &Attributes| all.map(|attribute| may_be_of_key(known, attribute));
    let key_type = [Wanted::number(CKA_KEY_TYPE)];
    assert_eq!(asked(&kind(b"ec", &key_type)), [false, false, true, true, true, true]);
    assert_eq!(asked(&kind(b"rsa", &key_type)), [true, true, false, false, true, true]);
    assert_eq!(asked(&kind(b"rsa", &[CLASS])), [true; 6]);
    assert_eq!(private_value_of(Some(SignatureAlgorithm::RsaPkcs1Sha256)), CKA_PRIVATE_EXPONENT);
    assert_eq!(private_value_of(Some(SignatureAlgorithm::EcdsaSha256)), CKA_VALUE);
    assert_eq!(private_value_of(None), CKA_VALUE);
}

/// A value that a driver gives as empty is, where a search by that finds the object.
#[test]
fn an_empty_value_is_one_where_the_token_finds_it_by_that() {
    let fresh = Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.write_certificate(&der(), b"whole", "theirs");
            inspector.write_as_certificate(&[], b"empty", "theirs");
        });
    });
    let mut read = fresh.session.objects(None).unwrap().certificates;
    read.sort_by(|a, b| a.id.cmp(&b.id));
    let given = |der: &[u8], is_given| {
        let read_so =
            |one: &StoredCertificate| StoredCertificate { der: der.into(), given: is_given, ..one.clone() };
        let mut read: Vec<StoredCertificate> = read.iter().map(read_so).collect();
        fresh.session.open_session().make_sure_they_are_empty(&mut read).unwrap();
        (read[0].given, read[1].given)
    };
    assert_eq!(given(&[], true), (true, false));
    assert_eq!(given(&[], false), (false, false));
    assert_eq!(given(b"value", true), (true, true));
}

/// The label of a job, where none was read and no other key has it.
#[test]
fn a_key_without_a_label_has_that_of_its_job() {
    let mut fresh = Fresh::token();
    let labels = [(b"job".to_vec(), b"label of the job".to_vec()), (b"two".to_vec(), b"second".to_vec())];
    fresh.session.open.token = fresh.token.clone().with_labels_of_jobs(labels.into());
    let labelled = |keys: &[(&[u8], &[u8])]| -> Vec<Vec<u8>> {
        let key = |(id, label): &(&[u8], &[u8])| made_up::private_key(1, id, label, None);
        let mut keys: Vec<StoredKey> = keys.iter().map(key).collect();
        fresh.session.open_session().label_jobs(&mut keys);
        keys.iter().map(|key| key.label.bytes().to_vec()).collect()
    };
    assert_eq!(labelled(&[(b"job", b""), (b"other", b"")]), [&b"label of the job"[..], b""]);
    assert_eq!(labelled(&[(b"job", b"  \0"), (b"two", b"read")]), [&b"label of the job"[..], b"read"]);
    assert_eq!(labelled(&[(b"job", b"read"), (b"two", b"")]), [&b"read"[..], b"second"]);
    // Another key has it, if behind that something more.
    assert_eq!(labelled(&[(b"job", b""), (b"x", b"label of the job, copied")])[0], b"");
    assert_eq!(labelled(&[(b"job", b"read"), (b"x", b"also read")]), [&b"read"[..], b"also read"]);
}

/// Of several private keys with the identifier of a job the one that signs for its public key is its.
#[test]
fn a_strangers_key_has_no_label_of_a_job() {
    let mut fresh = Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.generate_pair(Kind::P256, b"job", "label");
            inspector.generate_pair_beside(Kind::P256, b"job", "label");
            inspector.generate_pair(Kind::P256, b"other", "label");
        });
    });
    let id = || b"job".to_vec();
    let objects = fresh.session.objects(None).unwrap();
    assert!(objects.private_keys.iter().all(|key| key.label.as_str() == "label"));
    let halves: Vec<StoredPublicKey> = objects.public_keys.into_iter().filter(|key| key.id == id()).collect();
    let [ours, theirs] = [0, 1].map(|at| halves[at].public_key.clone().unwrap());
    let labels = || [(id(), b"label".to_vec())].into();
    // Each of a private key that signs for ours, and of a public one that is ours.
    let read = |fresh: &mut Fresh, token: Token| {
        fresh.session.open.token = token;
        let objects = fresh.session.objects(None).unwrap();
        let mut labelled = Vec::new();
        for key in objects.private_keys.iter().filter(|key| key.id == id()) {
            let signed = fresh.session.challenge(key, [&ours]).unwrap();
            labelled.push((signed.public_key().is_some(), key.label.as_str().to_owned()));
        }
        for key in objects.public_keys.iter().filter(|key| key.id == id()) {
            labelled.push((key.public_key.as_ref() == Some(&ours), key.label.as_str().to_owned()));
        }
        let others = objects.private_keys.iter().filter(|key| key.id != id());
        assert!(others.map(|key| &key.label).all(|label| label.as_str() == "label"));
        labelled.sort();
        labelled
    };
    let is = |ours: bool, label: &str| (ours, label.to_owned());
    let token = fresh.token.clone();
    let of_job = |public: &PublicKey| token.clone().with_keys_of_jobs([(id(), public.clone())].into());
    let split = [is(false, ""), is(false, ""), is(true, "label"), is(true, "label")];
    assert_eq!(read(&mut fresh, of_job(&ours).with_labels_of_jobs(labels())), split);
    // A token that chooses labels: the key has that of the job by its identifier.
    assert_eq!(read(&mut fresh, of_job(&ours).with_labels(labels())), split);
    let other_way = [is(false, "label"), is(false, "label"), is(true, ""), is(true, "")];
    assert_eq!(read(&mut fresh, of_job(&theirs).with_labels_of_jobs(labels())), other_way);
    // Where nothing says which label, and where the label is another, all stay as they are; where none signs for the key, none is the job's.
    let all = [is(false, "label"), is(false, "label"), is(true, "label"), is(true, "label")];
    assert_eq!(read(&mut fresh, of_job(&ours)), all);
    let stranger = Certificate::from_der(&der()).unwrap().public_key().clone();
    let none = [is(false, ""), is(false, ""), is(true, ""), is(true, "")];
    assert_eq!(read(&mut fresh, of_job(&stranger).with_labels_of_jobs(labels())), none);
    let another = of_job(&ours).with_labels_of_jobs([(id(), b"another".to_vec())].into());
    assert_eq!(read(&mut fresh, another), all);
    // One that refuses to sign is not ours; that there is no such object is no refusal.
    fresh.session.open.token = of_job(&ours).with_labels_of_jobs(labels());
    let as_read = fresh.session.objects(None).unwrap();
    let taken = |change: &dyn Fn(&mut StoredKey)| {
        let mut objects = as_read.clone();
        let keys = objects.private_keys.iter_mut().filter(|key| key.id == id());
        let theirs = keys.inspect(|_| ()).find(|key| key.label.as_str().is_empty()).unwrap();
        change(theirs);
        theirs.label = Label::new(b"label".to_vec());
        fresh.session.take_labels_from_strangers(&mut objects)?;
        Ok::<_, Error>(objects.private_keys.iter().filter(|key| key.label.as_str().is_empty()).count())
    };
    assert_eq!(taken(&|_| ()).unwrap(), 1);
    let refuses = fresh.session.open_session().place(open_key(&fresh.session));
    assert_eq!(taken(&|key| key.place = refuses).unwrap(), 1);
    assert_eq!(taken(&|key| key.place.handle = ObjectHandle(9_999)).unwrap_err().code(), Code::SessionLost);
}

/// A private key that does not sign, and whose value is shown to whoever asks.
fn open_key(session: &Session) -> ObjectHandle {
    let template = Template::new()
        .number(CKA_CLASS, CKO_PRIVATE_KEY)
        .number(CKA_KEY_TYPE, CKK_EC)
        .flag(CKA_TOKEN, true)
        .flag(CKA_SIGN, false)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true)
        .bytes(CKA_EC_PARAMS, &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07])
        .bytes(CKA_VALUE, &[7; 32]);
    let open = session.open_session();
    open.functions().create_object(open.handle(), template).unwrap()
}
