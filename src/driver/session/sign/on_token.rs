//! Which ways to sign are tried on a token, in which order, and what is made of what it returns.

use super::super::fresh::Fresh;
use super::*;
use usbtoken_pkcs11::Template;
use usbtoken_testkit::Kind;

/// A token with one key of each kind, by their identifiers.
fn token() -> Fresh {
    Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.generate_pair(Kind::Rsa2048, b"rsa", "one");
            inspector.generate_pair(Kind::P256, b"p256", "two");
            inspector.generate_pair(Kind::P384, b"p384", "three");
        });
    })
}

fn key(session: &Session, id: &[u8]) -> StoredKey {
    session.objects(None).unwrap().private_keys.into_iter().find(|key| key.id == id).unwrap()
}

fn public(session: &Session, id: &[u8]) -> PublicKey {
    let objects = session.objects(None).unwrap();
    objects.public_keys.into_iter().find(|key| key.id == id).unwrap().public_key.unwrap()
}

/// CKA_SIGN is false.
fn key_that_does_not_sign(session: &Session) -> StoredKey {
    /// 1.2.840.10045.3.1.7, P-256.
    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let template = Template::new()
        .number(CKA_CLASS, CKO_PRIVATE_KEY)
        .number(CKA_KEY_TYPE, CKK_EC)
        .flag(CKA_TOKEN, true)
        .flag(CKA_SIGN, false)
        .bytes(CKA_ID, b"refuses")
        .bytes(CKA_EC_PARAMS, P256)
        .bytes(CKA_VALUE, &[7; 32]);
    let open = session.open_session();
    open.functions().create_object(open.handle(), template).unwrap();
    key(session, b"refuses")
}

fn mechanisms(plans: &[Plan]) -> Vec<CK_MECHANISM_TYPE> {
    plans.iter().map(|plan| plan.mechanism).collect()
}

const RSA: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1Sha256;

/// With the mechanism that hashes first, but where each try sends the PIN.
#[test]
fn the_likelier_way_to_sign_comes_first() {
    let fresh = token();
    let (session, listed) = (&fresh.session, fresh.token.mechanisms().unwrap());
    assert!(listed.contains(&CKM_SHA256_RSA_PKCS) && listed.contains(&CKM_RSA_PKCS));
    let plans = |wants_pin| mechanisms(&session.plans(RSA, wants_pin));
    let (hashing, raw) = ([CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS], [CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS]);
    assert_eq!((plans(false), plans(true)), (hashing.to_vec(), raw.to_vec()));
    fresh.token.note_refused(CKM_RSA_PKCS);
    assert_eq!((plans(false), plans(true)), (hashing.to_vec(), hashing.to_vec()));
    fresh.token.note_refused(CKM_SHA256_RSA_PKCS);
    assert_eq!((plans(false), plans(true)), (raw.to_vec(), raw.to_vec()));
    // Of those that are not listed the raw one.
    assert!(!listed.contains(&CKM_ECDSA_SHA384));
    let ec = mechanisms(&session.plans(SignatureAlgorithm::EcdsaSha384, false));
    assert_eq!(ec, [CKM_ECDSA, CKM_ECDSA_SHA384]);
}

#[test]
fn pss_is_made_in_the_ways_that_are_listed() {
    let fresh = token();
    let plans = fresh.session.pss_plans(2_048, false);
    assert_eq!(mechanisms(&plans), [CKM_SHA256_RSA_PKCS_PSS, CKM_RSA_PKCS_PSS, CKM_RSA_X_509]);
    assert_eq!(plans.iter().map(Plan::hashes).collect::<Vec<_>>(), [true, false, false]);
    let (session, message) = (&fresh.session, b"message");
    let (rsa, its) = (key(session, b"rsa"), public(session, b"rsa"));
    let pss = SignatureAlgorithm::RsaPssSha256;
    for plan in &plans {
        let one = std::slice::from_ref(plan);
        let fits = |_: &Plan, returned: &[u8]| its.signature_of_token(pss, message, returned);
        let signed = session.sign_by_token(&rsa, one, message, Step::SignChallenge, fits).unwrap();
        assert!(signed.is_some(), "{:x}", plan.mechanism);
    }
}

/// Of a token that lists one way that is the one; of one that lists nothing each is tried.
#[test]
fn of_pss_a_token_has_what_it_lists() {
    let mut fresh = token();
    let (rsa, its) = (key(&fresh.session, b"rsa"), public(&fresh.session, b"rsa"));
    let token = fresh.token.clone();
    let mut listing = |mechanisms: Option<&[CK_MECHANISM_TYPE]>| {
        fresh.session.open.token = token.clone().listing(mechanisms.map(<[_]>::to_vec));
        mechanisms_of(&fresh.session)
    };
    assert_eq!(listing(Some(&[CKM_RSA_PKCS, CKM_ECDSA])), (false, vec![]));
    assert_eq!(listing(None), (true, vec![CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS, CKM_RSA_X_509]));
    assert_eq!(listing(Some(&[CKM_RSA_X_509])), (true, vec![CKM_RSA_X_509]));
    let pss = SignatureAlgorithm::RsaPssSha256;
    fresh.session.sign(&rsa, &its, pss, b"message", Step::SignChallenge).unwrap();
    assert!(token.has_signed(CKM_RSA_X_509) && !token.has_signed(CKM_RSA_PKCS_PSS));
}

fn mechanisms_of(session: &Session) -> (bool, Vec<CK_MECHANISM_TYPE>) {
    (session.may_sign_pss(2_048), mechanisms(&session.pss_plans(2_048, false)))
}

/// After a signature that does not verify the other way is tried, where that may be why.
#[test]
fn another_way_is_tried_where_the_first_may_be_why() {
    let fresh = token();
    let session = &fresh.session;
    let rsa = key(session, b"rsa");
    let tries = |wants_pin| {
        let mut tries = 0;
        let never = |_: &Plan, _: &[u8]| {
            tries += 1;
            None::<()>
        };
        let plans = session.plans(RSA, wants_pin);
        assert!(
            session.sign_by_token(&rsa, &plans, b"message", Step::SignChallenge, never).unwrap().is_none()
        );
        tries
    };
    assert_eq!(tries(false), 2);
    // The raw one first: that the token hashes is not why.
    assert_eq!(tries(true), 1);
    // What has signed well signs, with another key than those at hand.
    fresh.token.note_signed(CKM_SHA256_RSA_PKCS);
    assert_eq!(tries(false), 1);
    let [hashing, raw] = [CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS].map(|mechanism| {
        session.plans(RSA, false).into_iter().find(|plan| plan.mechanism == mechanism).unwrap()
    });
    let may = |tried, next, wants_pin| session.may_sign_as(tried, next, wants_pin);
    assert!(!may(&hashing, None, false) && !may(&hashing, None, true));
    assert!(may(&hashing, Some(&raw), false) && !may(&raw, Some(&hashing), false));
    assert!(may(&hashing, Some(&raw), true) && may(&raw, Some(&hashing), true));
    fresh.token.note_refused(CKM_RSA_PKCS);
    assert!(!may(&hashing, Some(&raw), true) && may(&raw, Some(&hashing), true));
    // A person at a pad is not asked once more.
    assert!(session.pin_was_checked() && session.knows_pin());
    session.pin.drop_unless_wanted();
    assert!(!may(&raw, Some(&hashing), true) && !session.knows_pin());
}

/// A mechanism whose signatures did not verify, where those of another did, is not begun with again.
#[test]
fn what_signed_in_vain_is_noted() {
    let fresh = token();
    let (session, mut returned) = (&fresh.session, 0);
    let second = |_: &Plan, _: &[u8]| {
        returned += 1;
        (returned == 2).then_some(())
    };
    let plans = session.plans(RSA, false);
    let signed = session.sign_by_token(&key(session, b"rsa"), &plans, b"", Step::SignChallenge, second);
    assert!(signed.unwrap().is_some());
    let token = &fresh.token;
    assert!(token.has_refused(CKM_SHA256_RSA_PKCS) && !token.has_refused(CKM_RSA_PKCS));
    assert!(!token.has_signed(CKM_SHA256_RSA_PKCS) && !token.has_signed(CKM_RSA_PKCS));
    assert_eq!(mechanisms(&session.plans(RSA, false))[0], CKM_RSA_PKCS);
}

/// A mechanism that the token does not take is no error of the key; an object that is not there is.
#[test]
fn a_refused_mechanism_is_another_thing_than_a_missing_key() {
    let fresh = token();
    let session = &fresh.session;
    let rsa = key(session, b"rsa");
    let plan = |mechanism| Plan { mechanism, host: HostWork::Nothing };
    let signed = |of: &StoredKey, mechanism| {
        session.sign_as_planned(of, &plan(mechanism), b"message", (Step::SignChallenge, false))
    };
    assert!(matches!(signed(&rsa, 0x7fff_ffff), Ok(Signing::Refused(_))));
    assert!(matches!(signed(&rsa, CKM_ECDSA), Ok(Signing::Refused(_))));
    assert!(matches!(signed(&rsa, CKM_SHA256_RSA_PKCS), Ok(Signing::Done(_))));
    let gone = StoredKey {
        place: Place { handle: usbtoken_pkcs11::ObjectHandle(9_999), ..rsa.place },
        ..rsa.clone()
    };
    assert_eq!(signed(&gone, CKM_SHA256_RSA_PKCS).map(drop).unwrap_err().code(), Code::SessionLost);
    // An operation that an earlier C_Sign has left behind is ended.
    let open = session.open_session();
    let handle = open.handle_of(rsa.place).unwrap();
    open.functions().sign_init(open.handle(), CKM_RSA_PKCS, handle).unwrap();
    assert!(matches!(signed(&rsa, CKM_SHA256_RSA_PKCS), Ok(Signing::Done(_))));
}

/// Of a key that tells nothing, from what it signs.
#[test]
fn the_public_key_of_a_silent_key_is_told_by_its_signatures() {
    let fresh = token();
    let session = &fresh.session;
    for id in [&b"p256"[..], b"p384"] {
        let known = key(session, id);
        assert!(known.algorithm.is_some());
        for algorithm in [known.algorithm, None] {
            let silent = StoredKey { public_key: None, algorithm, ..known.clone() };
            assert_eq!(session.public_key_by_signing(&silent).unwrap(), public(session, id));
        }
    }
    let code = |key: &StoredKey| session.public_key_by_signing(key).unwrap_err().code();
    let rsa = key(session, b"rsa");
    assert_eq!(code(&rsa), Code::PublicKeyInvalid);
    // SoftHSM breaks over it.
    assert_eq!(code(&StoredKey { algorithm: None, ..rsa.clone() }), Code::DeviceFault);
    // One that refuses: whether another curve is that of the key is asked only where nothing tells it.
    let refuses = key_that_does_not_sign(session);
    assert_eq!(code(&refuses), Code::TokenRefused);
    assert_eq!(code(&StoredKey { algorithm: None, ..refuses }), Code::PublicKeyInvalid);
}

/// What a C_Sign fails with that was sent the PIN may be what the token says of a wrong one, unless it has checked that before.
#[test]
fn a_failure_after_the_pin_is_a_refusal_where_the_pin_is_known_to_hold() {
    let mut fresh = Fresh::with(|soft| {
        soft.inspect(|inspector| {
            inspector.generate_pair_that_asks(Kind::Rsa2048, b"asks", "one");
            inspector.generate_pair(Kind::Rsa2048, b"rsa", "two");
        });
    });
    // SoftHSM begins with it, and breaks.
    let plan = Plan { mechanism: CKM_ECDSA, host: HostWork::Sha256 };
    let [asks, rsa] = [&b"asks"[..], b"rsa"].map(|id| key(&fresh.session, id));
    assert!(asks.always_authenticate && !rsa.always_authenticate);
    let signed = |session: &Session, key: &StoredKey| {
        session.sign_as_planned(key, &plan, b"message", (Step::SignChallenge, key.always_authenticate))
    };
    assert!(fresh.session.knows_pin());
    assert!(matches!(signed(&fresh.session, &asks), Ok(Signing::Refused(_))));
    assert!(matches!(signed(&fresh.session, &rsa), Ok(Signing::Refused(_))));
    fresh.session.pin_was_checked = false;
    assert!(!fresh.session.knows_pin());
    assert!(signed(&fresh.session, &asks).is_err());
    assert!(matches!(signed(&fresh.session, &rsa), Ok(Signing::Refused(_))));
}

#[test]
#[cfg(feature = "rustls")]
fn the_pin_stays_for_a_key_that_wants_it_with_each_signature() {
    for wants in [true, false] {
        let fresh = Fresh::token();
        let mut key = super::super::object::made_up::private_key(1, b"id", b"label", None);
        key.always_authenticate = wants;
        fresh.session.drop_pin_unless_wanted_by(&key);
        assert_eq!(fresh.session.pin.with(|pin| pin.is_some()), wants);
    }
}

/// From the request on no key is made, so that the PIN goes.
#[test]
fn the_pin_goes_when_the_request_is_signed() {
    let fresh = token();
    let session = &fresh.session;
    let (rsa, its) = (key(session, b"rsa"), public(session, b"rsa"));
    let kept = || session.pin.with(|pin| pin.is_some());
    let sign = |public, step| session.sign(&rsa, public, RSA, b"message", step);
    let signature = sign(&its, Step::SignChallenge).unwrap();
    assert!(kept() && its.signature_of_token(RSA, b"message", &signature).is_some());
    let other = public(session, b"p256");
    assert_eq!(sign(&other, Step::SignRequest).unwrap_err().code(), Code::SignatureInvalid);
    assert!(kept());
    sign(&its, Step::SignRequest).unwrap();
    assert!(!kept());
}

/// One that was used before would serve a recording as well as the key.
#[test]
fn each_challenge_is_fresh_and_serves_nothing_else() {
    let [one, two] = [(); 2].map(|()| fresh_challenge().unwrap());
    assert_ne!(one, two);
    for challenge in [one, two] {
        let fresh = challenge.strip_prefix(CHALLENGE_PURPOSE).unwrap();
        assert_eq!(fresh.len(), 32);
    }
    assert_ne!(random().unwrap(), random().unwrap());
}

#[test]
fn a_signature_shows_for_a_minute_that_the_key_works() {
    let key = super::super::object::made_up::private_key(1, b"id", b"label", None);
    let signed = Signed::made_up(&key, None);
    assert!(signed.is_fresh() && signed.is_by(&key));
    let before = |ago| Instant::now().checked_sub(ago).map(|at| Signed { at, ..signed.clone() });
    // A machine that has just started has no earlier moment.
    assert!(before(FRESH - Duration::from_secs(20)).is_none_or(|signed| signed.is_fresh()));
    assert!(before(FRESH).is_none_or(|signed| !signed.is_fresh()));
}

/// What the token answers where it signs for none of those at hand is kept for the errors that follow.
#[test]
fn what_a_challenge_was_refused_with_is_known_later() {
    let fresh = token();
    let session = &fresh.session;
    let rsa = key(session, b"rsa");
    session.challenge(&rsa, &[]).unwrap();
    assert!(session.unsigned.get().is_none());
    let refused = session.challenge(&key_that_does_not_sign(session), &[]).unwrap_err();
    assert!(refused.pkcs11_call().is_some() && session.unsigned.get() == refused.pkcs11_call());
}
