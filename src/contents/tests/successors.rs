//! Which credential takes the place of which, as lists show it.

use super::*;
use crate::pki::Window;

/// By serial numbers: the old one, the new one, whether that is proven.
type Shown = Vec<(String, String, bool)>;

fn shown(contents: &Contents) -> Shown {
    let credentials = contents.credentials();
    let mut shown: Shown = credentials
        .iter()
        .filter_map(|one| {
            let successor = one.successor()?;
            let serial = |certificate: &Certificate| certificate.serial().to_string();
            Some((serial(one.certificate()), serial(&successor.certificate), successor.proven))
        })
        .collect();
    shown.sort();
    shown
}

fn claimed(old: &str, new: &str) -> Shown {
    vec![(old.into(), new.into(), false)]
}

fn proven(old: &str, new: &str) -> Shown {
    vec![(old.into(), new.into(), true)]
}

fn before_login(made: &Made) -> Shown {
    let objects = made_up::objects(made.certificates.clone(), Vec::new(), made.public.clone());
    shown(&Contents::of(objects, false))
}

fn after_login(made: &Made) -> Shown {
    shown(&made.contents())
}

fn after_signing(made: &Made) -> Shown {
    let mut contents = made.contents();
    contents.prove_successors(made).unwrap();
    shown(&contents)
}

fn text(label: &[u8]) -> &str {
    std::str::from_utf8(label).unwrap()
}

#[test]
fn a_successor_is_claimed_by_records_and_proven_by_its_key() {
    let bank = Bank::new();
    let made = bank.renewed();
    assert_eq!(before_login(&made), claimed("05", "06"));
    assert_eq!(after_login(&made), claimed("05", "06"));
    assert!(made.asked.borrow().is_empty());
    assert_eq!(after_signing(&made), proven("05", "06"));
    assert_eq!(*made.asked.borrow(), [12], "no other key says that it follows one");

    // While the certificate is not there, nothing follows, and nothing needs to sign.
    let waiting = bank.waiting();
    assert_eq!((before_login(&waiting), after_signing(&waiting)), (vec![], vec![]));
    assert!(waiting.asked.borrow().is_empty());
}

/// Before the login the label of the certificate or that of the public key is enough.
#[test]
fn before_the_login_either_label_says_it() {
    let bank = Bank::new();
    let label = text(bank.record.label());
    let certificate = bank.before().certificate(11, b"new", label, bank.new.der());
    assert_eq!(before_login(&certificate), claimed("05", "06"));
    let mut public = bank.before().certificate(11, b"new", "x", bank.new.der());
    public.public.push(made_up::public_key(13, b"new", bank.record.label(), bank.new.public_key().clone()));
    assert_eq!(before_login(&public), claimed("05", "06"));
    // After it the private keys say it, and these labels nothing.
    assert_eq!((after_login(&certificate), after_login(&public)), (vec![], vec![]));
}

#[test]
fn a_key_that_does_not_sign_proves_nothing_and_spoils_no_list() {
    let bank = Bank::new();
    let mut made = bank.renewed();
    made.refuses.push(12);
    assert_eq!(after_signing(&made), claimed("05", "06"));
    made.refuses.clear();
    made.fails.push(12);
    assert_eq!(made.contents().prove_successors(&made).unwrap_err().code(), Code::DeviceFault);
    made.fails.clear();
    made.asked.borrow_mut().clear();
    for key in &mut made.private {
        key.always_authenticate = true;
    }
    assert_eq!(after_signing(&made), claimed("05", "06"));
    assert!(made.asked.borrow().is_empty(), "it wants the PIN for each signature");
}

/// A copied record on a key that only reports the public half: the signature says that it is another.
#[test]
fn a_key_that_signs_for_another_takes_the_claim_away() {
    let bank = Bank::new();
    let new = bank.new.public_key();
    let made = bank.before().certificate(11, b"new", "x", bank.new.der());
    let made = made.private(12, b"new", bank.record.label(), &key().0, Some(new));
    assert_eq!(after_login(&made), claimed("05", "06"));
    assert_eq!(after_signing(&made), vec![]);
}

#[test]
fn only_what_ends_later_takes_a_place() {
    let ca = TestCa::new();
    for (days, follows) in [(10, false), (11, false), (12, true)] {
        let end = days_from_now(11);
        let until = |spki: &[u8], end, serial| {
            let der = ca.issue(&manual_subject().to_der(), spki).not_after(end).serial(serial).der();
            Certificate::from_der(&der).unwrap()
        };
        let (public, spki) = key();
        let old = until(&key().1, end, &[5]);
        let new_end = if days == 11 { end } else { days_from_now(days) };
        let new = until(&spki, new_end, &[6]);
        let record = record_for(Some(&old));
        let made = Made::default().certificate(1, b"old", "bank", old.der());
        let made = made.certificate(11, b"new", "x", new.der()).pair(12, b"new", record.label(), &public);
        let expected = if follows { claimed("05", "06") } else { vec![] };
        assert_eq!((before_login(&made), after_login(&made)), (expected.clone(), expected), "{days}");
        let followers = made.contents().followers(&made, &old).unwrap();
        assert_eq!(followers.len(), usize::from(follows), "{days}");
    }
}

/// The bank renewed the certificate of one key.
#[test]
fn certificates_of_one_key_take_each_other_s_place() {
    let ca = TestCa::new();
    let (public, spki) = key();
    let [first, second, third] =
        [(11, 5), (376, 6), (741, 7)].map(|(days, serial)| certificate(&ca, &spki, days, &[serial]));
    let mut made = Made::default().certificate(1, b"one", "x", first.der());
    made = made.certificate(2, b"one", "x", second.der()).certificate(3, b"one", "x", third.der());
    let made = made.pair(12, b"one", b"x", &public);
    let claims: Shown = vec![("05".into(), "07".into(), false), ("06".into(), "07".into(), false)];
    assert_eq!((before_login(&made), after_signing(&made)), (claims.clone(), claims));
    assert!(made.asked.borrow().is_empty());
    // Once the key has signed for whatever reason, it is sure.
    let mut contents = made.contents();
    let followers = contents.followers(&made, &first).unwrap();
    let serials = followers.iter().map(|one| one.certificate().serial().to_string());
    assert_eq!(serials.collect::<Vec<_>>(), ["06", "07"]);
    assert!(shown(&contents).iter().all(|(.., proven)| *proven));
    assert_eq!(contents.followers(&made, &third).unwrap().len(), 0);
}

/// A CA's certificate is nobody's credential, whatever its label says.
#[test]
fn certificates_of_cas_take_no_place_and_leave_none() {
    let bank = Bank::new();
    let ca = TestCa::new();
    let (_, spki) = key();
    let authority = |days, serial| {
        let name = NameDer::new().common(Text::Utf8, "SOME CA").to_der();
        let issue = ca.issue(&name, &spki).ca(true).not_after(days_from_now(days));
        Certificate::from_der(&issue.serial(&[serial]).der()).unwrap()
    };
    let (early, late) = (authority(30, 8), authority(3000, 9));
    assert!(early.is_ca() && late.is_ca());
    // Labelled as if it followed ours, and two of one key.
    let made = bank.before().certificate(61, b"ca", text(bank.record.label()), early.der());
    let made = made.certificate(62, b"ca", "x", late.der());
    // And one of ours that says that it follows a CA's.
    let record = record_for(Some(&early));
    let made = made.certificate(11, b"new", text(record.label()), bank.new.der());
    assert_eq!((before_login(&made), after_login(&made)), (vec![], vec![]));
    // One key for a CA's certificate and a user's.
    let user = certificate(&ca, &spki, 300, &[6]);
    let made = Made::default().certificate(61, b"ca", "x", late.der()).certificate(1, b"ca", "x", user.der());
    assert_eq!(before_login(&made), vec![]);
    let made =
        Made::default().certificate(61, b"ca", "x", early.der()).certificate(1, b"ca", "x", user.der());
    assert_eq!(before_login(&made), vec![]);
}

/// The previous release wrote the serial number alone, which is one CA's.
#[test]
fn a_serial_number_names_only_what_the_same_ca_issued() {
    let bank = Bank::new();
    let name = NameDer::new().common(Text::Utf8, "ANOTHER CA").to_der();
    let other = TestCa::new();
    let other = other.issue(&manual_subject().to_der(), &key().1).issuer(&name).serial(&[5]);
    let other = Certificate::from_der(&other.not_after(days_from_now(30)).der()).unwrap();
    let label = "usbtoken:20261101:renews:05";
    let made = bank.before().pair(12, b"new", label.as_bytes(), bank.new.public_key());
    let made = made.certificate(11, b"new", "x", bank.new.der());
    assert_eq!(after_login(&made), claimed("05", "06"));
    assert_eq!(after_login(&made.certificate(21, b"other", "x", other.der())), claimed("05", "06"));
    // A half removal of that release says that it goes, not that anything takes its place.
    let label = "usbtoken:20261101:retires:05";
    let made = bank.before().pair(12, b"new", label.as_bytes(), bank.new.public_key());
    let made = made.certificate(11, b"new", "x", bank.new.der());
    assert_eq!((before_login(&made), after_login(&made)), (vec![], vec![]));
    assert_eq!(made.contents().followers(&made, &bank.old).unwrap().len(), 0);
}

/// A third of the same bank, which follows the second.
fn third(bank: &Bank, days: i64) -> (Certificate, PublicKey, Record) {
    let (public, spki) = key();
    (certificate(&TestCa::new(), &spki, days, &[7]), public, record_for(Some(&bank.new)))
}

#[test]
fn the_next_renewal_is_that_of_the_last_one() {
    let bank = Bank::new();
    let (last, public, record) = third(&bank, 741);
    let made = bank.renewed().certificate(81, b"third", text(record.label()), last.der());
    let made = made.pair(82, b"third", record.label(), &public);
    let mut contents = made.contents();
    contents.prove_successors(&made).unwrap();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    let successor = old.successor().unwrap();
    assert_eq!((successor.id.as_slice(), &successor.certificate), (&b"new"[..], &bank.new));
    let window = Window::default();
    assert_eq!(successor.renewable_from(&window), window.opens_on(last.not_after()));
    assert_eq!(successor.to_string(), format!("{} (serial 06)", bank.new.subject()));

    // Where the last one only says so, and the second is proven, the day is that of the second.
    let mut made = made;
    made.refuses.push(82);
    let mut contents = made.contents();
    contents.prove_successors(&made).unwrap();
    let credentials = contents.credentials();
    let old = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    assert_eq!(old.successor().unwrap().renewable_from(&window), window.opens_on(bank.new.not_after()));
}

/// Two say that they follow one: the proven one is shown, then the one that ends last.
#[test]
fn what_is_proven_is_shown_before_what_ends_later() {
    let bank = Bank::new();
    for order in [[0, 1], [1, 0]] {
        let (later, public, _) = third(&bank, 741);
        let record = record_for(Some(&bank.old));
        let mut made = bank.before();
        for which in order {
            made = match which {
                0 => {
                    let made = made.certificate(11, b"new", "x", bank.new.der());
                    made.pair(12, b"new", bank.record.label(), bank.new.public_key())
                }
                _ => {
                    let made = made.certificate(81, b"third", "x", later.der());
                    made.pair(82, b"third", record.label(), &public)
                }
            };
        }
        assert_eq!(after_login(&made), claimed("05", "07"));
        assert_eq!(after_signing(&made), proven("05", "07"));
        made.refuses.push(82);
        assert_eq!(after_signing(&made), proven("05", "06"));
    }
}

/// What a credential knows of the others on the token.
#[test]
fn a_credential_knows_the_cas_beside_it_and_the_latest_beginning() {
    let (bank, ca) = (Bank::new(), TestCa::new());
    let made = bank.before();
    let alone = made.contents().credentials();
    let alone = alone.iter().next().unwrap();
    assert_eq!((alone.authorities().len(), alone.latest()), (0, Some(bank.old.not_before())));
    assert_eq!(alone.same_subject(), 0);

    let late = ca.issue(&manual_subject().to_der(), &key().1).not_before(days_from_now(100));
    let late = Certificate::from_der(&late.not_after(days_from_now(300)).der()).unwrap();
    // A root of version 1 has no extension that would say that it is a CA's; it is its own issuer.
    let name = NameDer::new().common(Text::Utf8, "SELF").to_der();
    let own = ca.issue(&name, &key().1).issuer(&name).not_after(days_from_now(300)).der();
    let own = Certificate::from_der(&own).unwrap();
    assert!(!own.is_ca());
    let made = made.certificate(61, b"a", "x", ca.issuing()).certificate(62, b"b", "x", own.der());
    let made = made.certificate(63, b"c", "x", late.der()).certificate(64, b"d", "x", b"\x30\x03");
    let credentials = made.contents().credentials();
    let first = credentials.iter().find(|one| one.certificate() == &bank.old).unwrap();
    let authorities: Vec<&[u8]> = first.authorities().iter().map(Certificate::der).collect();
    assert_eq!(authorities, [ca.issuing(), own.der()]);
    assert_eq!(first.latest(), Some(late.not_before()));
    assert_eq!(first.same_subject(), 1);
}
